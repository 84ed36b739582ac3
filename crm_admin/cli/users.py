"""`flask users`: make, list and help users from the shell."""

import sys
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup

from crm_admin.cli.company import actor
from crm_admin.errors import CrmError
from crm_admin.models.users import User
from crm_admin.services import (
    access,
    handover_plans,
    handovers,
    organisation,
    passwords,
    records,
    second_factors,
    tries,
)
from crm_admin.services.outbox import Post

command = AppGroup("users", help="Make, list and help the people who sign in.")


def _password(from_stdin: bool) -> str:
    """Return the password to set: from standard input, typed twice, or a random one."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


@command.command("create")
@click.argument("username")
@click.option("--role", "roles", multiple=True, required=True, help="A role's code; repeatable.")
@click.option("--department", help="A department's code.")
@click.option("--name", help="The person's name; the user name by default.")
@click.option("--email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def create(
    username: str,
    roles: tuple[str, ...],
    department: str | None,
    name: str | None,
    email: str | None,
    password_stdin: bool,
) -> None:
    """Make a user who can sign in."""
    password = _password(password_stdin)
    found = {code: organisation.role(code) for code in roles}
    if missing := [code for code, role in found.items() if role is None]:
        raise click.ClickException(f"There is no role {', '.join(missing)}.")
    place = organisation.department(department) if department else None
    if department and place is None:
        raise click.ClickException(f"There is no department {department}.")
    system = actor(None)
    try:
        with records.transaction("cli"):
            user = User()
            asked: dict[str, Any] = {"username": username, "name": name or username, "email": email}
            asked |= {"department": place, "roles": [role for role in found.values() if role]}
            records.change(user, asked, system)
            passwords.set_password(user, password, system)
            user.must_change_password = False
    except CrmError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{username} can sign in.")


@command.command("list")
def list_users() -> None:
    """Show the users, their department, roles and whether they may sign in."""
    statement = access.visible(User, actor(None)).where(User.is_system.is_(False))
    for user in access.fetch(statement.order_by(User.username)):
        roles = ",".join(role.code for role in user.roles)
        place = user.department.code if user.department else "-"
        state = "" if user.is_active else "  (may not sign in)"
        click.echo(f"{user.username:20} {user.name:24} {place:12} {roles}{state}")


@command.command("hand-over")
@click.argument("old")
@click.argument("new")
@click.option("--reason", required=True, help="Why: the history of each customer keeps it.")
@click.option("--as", "in_name_of", metavar="NAME", help="The user who does it; else the system.")
def hand_over(old: str, new: str, reason: str, in_name_of: str | None) -> None:
    """Give all that OLD looks after, with their contracts, to NEW. OLD may be a leaver."""
    doer = actor(in_name_of)
    found = {name: organisation.by_username(name) for name in (old, new)}
    if missing := [name for name, user in found.items() if user is None]:
        raise click.ClickException(f"There is no user {', '.join(missing)}.")
    leaver, successor = found[old], found[new]
    assert leaver is not None
    assert successor is not None
    items = handover_plans.of_person(doer, leaver)
    try:
        outcome = handovers.hand_over(items, successor, reason, doer, "cli")
    except CrmError as error:
        raise click.ClickException(str(error)) from error
    along = [f"{count} {model.plural.lower()}" for model, count in outcome.along.items()]
    click.echo(", ".join([f"{outcome.customers} customers", *along]) + f" go to {new}.")
    for customer, problem in outcome.refused:
        click.echo(f"{customer or '-'}: {problem.text()}", err=True)
    if outcome.refused:
        sys.exit(1)


@command.command("set-password")
@click.argument("username")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def set_password(username: str, password_stdin: bool) -> None:
    """Give a user a new password, let them sign in again, and end their open sessions."""
    user = organisation.by_username(username)
    if user is None:
        raise click.ClickException(f"There is no user {username}.")
    password, system = _password(password_stdin), actor(None)
    try:
        with records.transaction("cli"):
            passwords.set_password(user, password, system)
            user.must_change_password = False
            tries.forget(username)
    except CrmError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{username} has a new password.")


@command.command("remove-second-factor")
@click.argument("username")
def remove_second_factor(username: str) -> None:
    """Let a user who lost their phone and recovery codes sign in with the password alone."""
    user = organisation.by_username(username)
    if user is None:
        raise click.ClickException(f"There is no user {username}.")
    system, post = actor(None), Post.of(current_app.config)
    try:
        with records.transaction("cli"):
            second_factors.take_away(user, system, post)
    except CrmError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{username} has no second factor any more.")
