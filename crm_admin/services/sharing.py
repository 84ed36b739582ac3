"""Sharing one record with somebody whose it is not, for as long as it is needed."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import delete, select

from crm_admin.database import db
from crm_admin.errors import Denied, Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.sharing import Share
from crm_admin.models.users import User
from crm_admin.services import access, configuration, notifications, records, zones


class Shared(NamedTuple):
    """With whom a record is shared, how far, until which day (none: until taken back), by whom."""

    id: int
    name: str
    may_edit: bool
    until_on: date | None
    by: str


def possible(model: type[Record]) -> bool:
    """Return whether records of this entity belong to somebody, so that sharing means something."""
    return bool(model.owners or model.follows) and not model.configures


def may(record: Record, actor: User) -> bool:
    """Return whether the actor may share a record: by a right of their own, not as a deputy."""
    return possible(type(record)) and access.may_as_self(record, actor, "share")


def people(actor: User) -> Sequence[User]:
    """Return those with whom the actor may share, by name."""
    found = access.visible(User, actor, "lookup").where(
        User.is_active, User.is_system.is_(False), User.id != actor.id
    )
    return access.fetch(found.order_by(User.name, User.id))


def of(record: Record) -> list[Shared]:
    """Return with whom a record is shared, the latest first."""
    by = User.__table__.alias()
    statement = (
        select(Share.id, User.name, Share.may_edit, Share.until_on, by.c.name)
        .join(User, User.id == Share.user_id)
        .join(by, by.c.id == Share.by_id)
        .where(Share.entity == record.__tablename__, Share.record_id == record.id)
        .order_by(Share.id.desc())
    )
    return [Shared(*row) for row in db.session.execute(statement)]


def share(
    record: Record, user_id: object, actor: User, *, may_edit: bool, until_on: date | None
) -> None:
    """Let somebody see a record, and change it where the actor may; again, with other terms.

    Source: S5, G6

    Raises:
        Denied: the actor may not share it, or not let others change it.
        Invalid: nobody who could see it was named, or the day is past.
    """
    _check(record, actor)
    user = access.find(User, user_id, actor, "lookup")
    if user is None or not user.is_active or user.is_system or user.id == actor.id:
        raise Invalid([Problem("user", N_("Please choose one of those offered."))])
    if not access.allows(user, "view", type(record)):
        message = N_("%(person)s may not see such records at all.")
        raise Invalid([Problem("user", message, {"person": user.name})])
    if until_on is not None and until_on < zones.today():
        raise Invalid([Problem("until_on", N_("This day is past."))])
    if may_edit and not access.may_as_self(record, actor, "edit"):
        raise Denied(N_("You may not change it yourself, and so cannot let others."))
    place = {"entity": record.__tablename__, "record_id": record.id, "user_id": user.id}
    kept = db.session.scalar(select(Share).filter_by(**place).with_for_update())
    if kept is None:
        kept = Share(**place, by_id=actor.id)
        db.session.add(kept)
    kept.may_edit, kept.until_on, kept.by_id = may_edit, until_on, actor.id
    db.session.flush()
    configuration.touch()
    told = {"shared_with": [None, user.name], "shared_until": [None, _day(until_on)]}
    records.note(record, actor, "shared", told | {"may_edit": [None, may_edit]})
    _tell(record, kept, actor)


def _tell(record: Record, kept: Share, actor: User) -> None:
    message = notifications.Message(
        user_id=kept.user_id,
        key=f"share:{kept.id}:{kept.created_at.isoformat()}:{kept.may_edit}:{kept.until_on}",
        kind="share",
        message=N_("%(person)s shares %(record)s with you."),
        values={"person": actor.name, "record": str(record)[:120]},
        entity=record.__tablename__,
        record_id=record.id,
    )
    notifications.notify_all([message])


def withdraw(record: Record, id: object, actor: User) -> None:
    """Take a record back from somebody it was shared with; twice is once.

    Raises:
        Denied: the actor may not share it.
    """
    _check(record, actor)
    kept = db.session.get(Share, access.key_of(id) or 0)
    if kept is None or (kept.entity, kept.record_id) != (record.__tablename__, record.id):
        return
    name = db.session.scalar(select(User.name).where(User.id == kept.user_id))
    db.session.execute(delete(Share).where(Share.id == kept.id))
    configuration.touch()
    records.note(record, actor, "share withdrawn", {"shared_with": [name, None]})


def _check(record: Record, actor: User) -> None:
    if not may(record, actor):
        raise Denied(N_("You may not share this record."))


def _day(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None
