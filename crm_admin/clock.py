"""The one place that asks for the time, so that tests can answer."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


def now() -> datetime:
    """Return the present moment, timezone-aware, in UTC."""
    return datetime.now(UTC)


def day_in(zone: ZoneInfo, moment: datetime | None = None) -> date:
    """Return the calendar day it is in the zone, at the moment or now."""
    return (moment or now()).astimezone(zone).date()


def latest_day() -> date:
    """Return the latest calendar day that it is anywhere on earth."""
    return (now() + timedelta(hours=14)).date()
