"""What administrators configure, kept in memory until the configuration's stamp changes.

Every process reads the stamp once a request; rights, rules, picklists and departments are read
again only when it is another than the one they were read under.
"""

import secrets
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_admin.database import ask, db
from crm_admin.models.configuration import ConfigurationStamp

T = TypeVar("T")
_STAMP = "crm_stamp"
_NOW = select(ConfigurationStamp.__table__.c.value)
_remembered: ContextVar[dict[Any, Any] | None] = ContextVar("remembered", default=None)


def stamp() -> str | None:
    """Return the stamp of the configuration as this transaction sees it, or None before the first.

    A process remembers it until the transaction ends.
    """
    info = _remembered.get()
    if info is None or _STAMP not in info:
        info = db.session().info
    if _STAMP not in info:
        info[_STAMP] = ask(_NOW).scalar()
    known: str | None = info[_STAMP]
    return known


def remember(value: str | None) -> None:
    """Take the stamp that another query of this request has brought along.

    A page asks for it a hundred times, so its session's notes are kept at hand; they hold no stamp
    once its transaction has ended.
    """
    info = db.session().info
    info[_STAMP] = value
    _remembered.set(info)


def read_under(session: Session) -> tuple[str | None, list[Any]]:
    """Take out of the session what it has read of the configuration, with the stamp of then."""
    info = session.info
    before = info.get(_STAMP)
    known = [record for record in session if before is not None and changed(record)]
    for record in known:
        session.expunge(record)
    return before, known


def take_back(session: Session, known: tuple[str | None, list[Any]]) -> None:
    """Put it back into the session, to be read again only where the stamp is another by now."""
    before, records = known
    session.add_all(records)
    if records and stamp() != before:
        for record in records:
            session.expire(record)


def touch() -> None:
    """Change the stamp, within the transaction that changes the configuration."""
    row = db.session.scalar(select(ConfigurationStamp).with_for_update())
    if row is None:
        row = ConfigurationStamp(value="")
        db.session.add(row)
    row.value = secrets.token_hex(8)
    # Until the transaction commits, what it reads must not be kept for others.
    db.session().info[_STAMP] = None


class Kept(Generic[T]):
    """A reading of the configuration that is made once a stamp."""

    def __init__(self, read: Callable[[], T]) -> None:
        self.read = read
        self.kept: tuple[str, T] | None = None
        self.__doc__ = read.__doc__

    def __call__(self) -> T:
        """Return the reading, made now unless one under the present stamp is kept."""
        now, kept = stamp(), self.kept
        if now is not None and kept is not None and kept[0] == now:
            return kept[1]
        reading = self.read()
        if now is not None:
            self.kept = (now, reading)
        return reading


def kept(read: Callable[[], T]) -> Kept[T]:
    """Keep what the function returns until the configuration changes.

    What it returns must be plain values, since several threads share it: no records.
    """
    return Kept(read)


def changed(record: Any) -> bool:
    """Return whether saving this record changes the configuration."""
    return bool(getattr(type(record), "configures", False))
