"""Time zones: the company's, the machine's, and each person's own."""

from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from crm_admin.database import setting


def known(name: str | None) -> ZoneInfo | None:
    """Return the zone of this name, or None where there is none."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def company(setting: str) -> ZoneInfo:
    """Return the company's zone: as set, else the machine's, else UTC.

    Raises:
        ValueError: the setting names no zone.
    """
    if setting:
        zone = known(setting)
        if zone is None:
            raise ValueError(f"CRM_TIMEZONE: there is no time zone {setting}.")
        return zone
    return _machine()


def here() -> ZoneInfo:
    """Return the company's zone, as the present application has it set."""
    return company(setting("TIMEZONE"))


@cache
def _machine() -> ZoneInfo:
    """Return the machine's zone as /etc/localtime or /etc/timezone names it."""
    link = Path("/etc/localtime")
    if link.is_symlink():
        _, found, name = str(link.resolve()).partition("zoneinfo/")
        if found and (zone := known(name)):
            return zone
    file = Path("/etc/timezone")
    named = known(file.read_text().strip()) if file.exists() else None
    return named or ZoneInfo("UTC")
