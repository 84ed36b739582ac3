"""Telling people something, once, and what they have not read yet."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from crm_admin import clock
from crm_admin.database import ask, db
from crm_admin.errors import Label
from crm_admin.i18n import N_
from crm_admin.models.notifications import Notification
from crm_admin.models.users import User
from crm_admin.services import access


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


#: What messages of a kind tell of the record they are about, beside its name.
_TELLS = {
    "renewal": ("ends_on", "customer_id"),
    "task": ("subject", "due_on"),
    "event": ("subject", "starts_at", "ends_at", "place", "owner_id"),
    "visit": ("name", "grade"),
}
_GONE = N_("This was about a record that you do not see now.")
_NEWS = N_("There is news of “%(kind)s”; the record shows what you may see of it.")


class Told(NamedTuple):
    """What a message says to its reader now; `leads` where they may open what it is about."""

    message: str
    values: Mapping[str, Any]
    leads: bool


def told(actor: User, messages: Sequence[Notification]) -> list[Told]:
    """Return what messages say, in their order, as far as their reader may see it now.

    What was theirs to know when it was written need not be now: it is asked anew, once for each
    kind of record.
    """
    about: dict[str, set[int]] = {}
    for one in messages:
        if one.entity and one.record_id is not None and access.model_of(one.entity):
            about.setdefault(one.entity, set()).add(one.record_id)
    seen = {entity: _seen(entity, actor, ids) for entity, ids in about.items()}
    return [_told(one, actor, seen) for one in messages]


def _seen(entity: str, actor: User, ids: set[int]) -> set[int]:
    model = access.model_of(entity)
    assert model is not None
    return set(
        ask(
            select(access.table_of(model).c.id).where(
                access.table_of(model).c.id.in_(ids), *access.rows(model, actor)
            )
        ).scalars()
    )


def _told(one: Notification, actor: User, seen: Mapping[str, set[int]]) -> Told:
    entity = one.entity or ""
    if entity not in seen or one.record_id is None:
        return Told(one.message, one.values, leads=bool(entity))
    if one.record_id not in seen[entity]:
        return Told(_GONE, {}, leads=False)
    model = access.entities()[entity]
    if all(access.readable(actor, model, key) for key in _TELLS.get(one.kind, ())):
        return Told(one.message, one.values, leads=True)
    return Told(_NEWS, {"kind": Label(model.singular)}, leads=True)


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
