"""What every command needs to know of the company: its time zone, and in whose name it acts."""

from zoneinfo import ZoneInfo

import click
from flask import current_app

from crm_admin.models.users import User
from crm_admin.services import organisation, zones


def zone() -> ZoneInfo:
    """Return the company's time zone."""
    return zones.company(current_app.config["TIMEZONE"])


def actor(username: str | None) -> User:
    """Return the user a command acts for, or the system where none is named."""
    if username is None:
        return organisation.system()
    user = organisation.by_username(username)
    if user is None or not user.is_active:
        raise click.ClickException(f"There is no user {username} who may sign in.")
    return user
