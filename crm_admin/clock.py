"""The one place that asks for the time, so that tests can answer."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def now() -> datetime:
    """Return the present moment, timezone-aware, in UTC."""
    return datetime.now(UTC)


def day_in(zone: ZoneInfo, moment: datetime | None = None) -> date:
    """Return the calendar day it is in the zone, at the moment or now."""
    return (moment or now()).astimezone(zone).date()
