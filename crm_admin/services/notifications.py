"""Telling people something, once, and what they have not read yet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from crm_admin import clock
from crm_admin.database import db
from crm_admin.models.notifications import Notification
from crm_admin.models.users import User


@dataclass(frozen=True)
class Message:
    """What one user is to be told; `key` says which message it is, so that it goes out once."""

    user_id: int
    key: str
    kind: str
    message: str
    values: dict[str, Any] = field(default_factory=dict)
    entity: str | None = None
    record_id: int | None = None


def notify_all(messages: Iterable[Message]) -> int:
    """Send what was not sent before; return how many were sent now.

    The unique key is what makes a job safe to run again after a crash, or twice at once.
    """
    asked = {message.key: message for message in messages}
    if not asked:
        return 0
    known = select(Notification.key).where(Notification.key.in_(asked))
    sent = set(db.session.scalars(known))
    return sum(_notify(message) for key, message in asked.items() if key not in sent)


def _notify(message: Message) -> bool:
    try:
        with db.session.begin_nested():
            db.session.add(Notification(**message.__dict__))
    except IntegrityError:  # another process sent it since we looked
        return False
    return True


def inbox(
    actor: User, *, unread_only: bool = False, offset: int = 0, limit: int = 50
) -> Sequence[Notification]:
    """Return a page of the actor's messages, the latest first."""
    statement = select(Notification).where(Notification.user_id == actor.id)
    if unread_only:
        statement = statement.where(Notification.read_at.is_(None))
    page = statement.order_by(Notification.id.desc()).offset(offset).limit(limit)
    return db.session.scalars(page).all()


def mark_read(actor: User, id: int | None = None) -> int:
    """Mark one of the actor's messages as read, or all of them; return how many were not."""
    statement = update(Notification).where(
        Notification.user_id == actor.id, Notification.read_at.is_(None)
    )
    if id is not None:
        statement = statement.where(Notification.id == id)
    marked: Any = db.session.execute(statement.values(read_at=clock.now()))
    return int(marked.rowcount)


def find(actor: User, id: int) -> Notification | None:
    """Return one of the actor's messages, or None."""
    statement = select(Notification).where(Notification.user_id == actor.id, Notification.id == id)
    return db.session.scalar(statement)
