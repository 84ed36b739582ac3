"""`flask demo`: fill an empty installation with a made-up company."""

import sys
import time
from datetime import datetime
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from config.loading import ROOT
from crm_admin import clock
from crm_admin.cli.company import actor, zone
from crm_admin.errors import CrmError
from crm_admin.jobs import JOBS, run
from crm_admin.services import demo, demo_scores, installation, passwords, records, setup
from crm_admin.services.demo_words import Calendar

command = AppGroup("demo", help="Fill an empty installation with a made-up company.")

#: What the night after would have done: states, completeness and notices are then as they should.
NIGHT = ("end_contracts", "check_completeness", "warn_of_renewals")
FOLDER = Path(ROOT) / "config" / "demo"


@command.command("load")
@click.option("--customers", "count", type=click.IntRange(1, 1_000_000), default=200)
@click.option("--day", help="Around which day, YYYY-MM-DD; today by default.")
@click.option("--seed", type=int, default=1, help="Another seed makes another company.")
@click.option("--password", help="The password of all its people; by default a random one.")
@click.option("--yes", is_flag=True, help="Load although there are customers already.")
@click.option("--jobs/--no-jobs", "jobs", default=True, help="Run the nightly jobs afterwards.")
def load(
    count: int, day: str | None, seed: int, password: str | None, yes: bool, jobs: bool
) -> None:
    """Load a company, its people and customers, and two years of what passed between them."""
    try:
        of = datetime.strptime(day, "%Y-%m-%d").date() if day else clock.day_in(zone())  # noqa: DTZ007
    except ValueError as error:
        raise click.UsageError("--day is not a date such as 2026-03-01.") from error
    _prepare()
    if not yes and not demo.is_empty():
        raise click.ClickException("There are customers already. With --yes demo data is added.")
    chosen, started = password or passwords.generate(), time.monotonic()
    plan = demo.Plan(count, of, zone(), seed)
    try:
        staff = demo.make(plan, FOLDER, chosen, actor(None), _tell)
    except CrmError as error:
        raise click.ClickException(str(error)) from error
    _say(f"Loaded in {time.monotonic() - started:.1f} s.")
    for name in NIGHT if jobs else ():
        started = time.monotonic()
        run(JOBS[name], of)
        _say(f"{JOBS[name].label} in {time.monotonic() - started:.1f} s.")
    if jobs:
        with records.transaction(demo.SOURCE):
            demo_scores.make(Calendar(of, plan.zone), staff, seed)
    click.echo(f"{count} customers are there. Everybody's password: {chosen}")
    click.echo(f"Sign in as {staff.example} (sales), li.jianguo (supervisor), sun.liping")
    click.echo("(back office), gu.zhengming (auditor), or admin with its own password.")
    if not jobs:
        click.echo(f"Next: {'; '.join(f'flask jobs run {name}' for name in NIGHT)}")


def _prepare() -> None:
    """Bring a new database up to date and put in it what every installation starts with."""
    version = installation.version()
    if version is None:
        installation.upgrade()
    elif version != installation.newest():
        raise click.ClickException("The database is of an earlier version: start the program once.")
    config = current_app.config
    made = setup.prepare(ROOT / "config", config["ADMIN_PASSWORD"] or None, config["LANGUAGE"])
    if made and not config["ADMIN_PASSWORD"]:
        click.echo(f"First administrator: admin, password (shown once): {made}")


def _tell(done: int, count: int) -> None:
    """Say how far it has come, in one line where somebody watches."""
    text = f"{done} of {count} customers"
    if sys.stderr.isatty():
        click.echo(f"\r{text}", err=True, nl=done == count)
    elif done == count or done % 10_000 == 0:
        _say(text)


def _say(text: str) -> None:
    click.echo(text, err=True)
