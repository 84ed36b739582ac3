"""`flask jobs` and `flask scheduler`: what the clock starts, by hand or by the clock alone."""

from datetime import datetime

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from crm_admin import clock, scheduler
from crm_admin.cli.company import zone
from crm_admin.jobs import JOBS, run
from crm_admin.services import job_runs

command = AppGroup("jobs", help="List the jobs and run one by hand.")


@command.command("list")
def list_jobs() -> None:
    """Show each job, its hour and its last run."""
    last = job_runs.last_of(list(JOBS))
    for job in JOBS.values():
        seen = last.get(job.name)
        state = f"{seen.state} for {seen.day}, {seen.count} records" if seen else "never run"
        click.echo(f"{job.name:24} {job.hour:02}:{job.minute:02}  {job.label} ({state})")


@command.command("run")
@click.argument("name")
@click.option("--day", help="The company's day, YYYY-MM-DD; today by default.")
def run_job(name: str, day: str | None) -> None:
    """Run a job now; the scheduled run of the day is not affected."""
    if name not in JOBS:
        raise click.UsageError(f"There is no job {name}. Known: {', '.join(JOBS)}.")
    try:
        of = datetime.strptime(day, "%Y-%m-%d").date() if day else clock.day_in(zone())  # noqa: DTZ007
    except ValueError as error:
        raise click.UsageError("--day is not a date such as 2026-03-01.") from error
    try:
        progress = run(JOBS[name], of)
    except Exception as error:
        raise click.ClickException(f"The job failed: {error}") from error
    click.echo(f"{name} for {of}: {progress.count if progress else 0} records")


@click.command("scheduler")
@click.option("--parent", type=int, help="Stop when the process with this id is gone.")
@with_appcontext
def run_scheduler(parent: int | None) -> None:
    """Run the scheduler alone, beside any number of web processes."""
    scheduler.start(current_app._get_current_object(), zone(), parent=parent)  # type: ignore[attr-defined]


commands = (command, run_scheduler)
