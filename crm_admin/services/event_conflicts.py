"""Conflicts: what those who come to an event have at the same time already."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, bindparam, or_, select

from crm_admin.database import ask
from crm_admin.models.events import LONGEST, Answer, Event, EventGuest
from crm_admin.models.types import Moment
from crm_admin.models.users import User
from crm_admin.services import access

#: How many are named; the rest makes no difference to who is warned.
SHOWN = 10


class Clash(NamedTuple):
    """What one person has at the same time; `subject` only where the one who asks may see it."""

    user_id: int
    person: str
    starts_at: datetime
    ends_at: datetime
    is_all_day: bool
    subject: str


def overlap(starts: datetime, ends: datetime, other: datetime, until: datetime) -> bool:
    """Return whether two times have a moment in common; one that begins as another ends has not."""
    return starts < until and other < ends


def of(
    people: Iterable[int], starts: datetime, ends: datetime, actor: User, *, but: int | None = None
) -> list[Clash]:
    """Return what the people have within the time, by when it starts.

    Whom it is about, the actor may choose; what it is, they are told only where they may see it.

    Args:
        but: the event that is being planned, which is no conflict with itself.

    Source: C1
    """
    chosen = sorted(set(people))
    if not chosen:
        return []
    asked = {"people": chosen, "since": starts, "until": ends, "but": but or 0}
    found = ask(_statement(), asked | {"long_ago": starts - LONGEST}).all()
    ids = [row.id for row in found]
    told: set[int] = set()
    if access.readable(actor, Event, "subject"):
        told = access.within_reach(Event, actor, "view", ids)
    clashes = dict.fromkeys(clash for row in found for clash in _of_row(row, {*chosen}, told))
    return list(clashes)[:SHOWN]


def _of_row(row: Any, people: set[int], told: set[int]) -> Iterator[Clash]:
    """Yield the clash with whom a row is about: its organiser, and the guest it names."""
    subject = row.subject if row.id in told else ""
    for id, name in ((row.owner_id, row.owner), (row.guest_id, row.guest)):
        if id in people:
            yield Clash(id, name, row.starts_at, row.ends_at, row.is_all_day, subject)


@cache
def _statement() -> Select[Any]:
    """Return the select of what `people` have between `since` and `until`, made once."""
    events, guests = access.table_of(Event), access.table_of(EventGuest)
    owner, guest = access.table_of(User).alias(), access.table_of(User).alias()
    people: Any = bindparam("people", expanding=True)
    invited = and_(
        guests.c.event_id == events.c.id,
        guests.c.user_id.in_(people),
        guests.c.answer != Answer.NO,
    )
    columns = ("id", "subject", "starts_at", "ends_at", "is_all_day", "owner_id")
    return (
        select(
            *(events.c[key] for key in columns),
            owner.c.name.label("owner"),
            guest.c.id.label("guest_id"),
            guest.c.name.label("guest"),
        )
        .join(owner, owner.c.id == events.c.owner_id)
        .outerjoin(guests, invited)
        .outerjoin(guest, guest.c.id == guests.c.user_id)
        .where(
            events.c.deleted_at.is_(None),
            events.c.cancelled_at.is_(None),
            events.c.starts_at < bindparam("until", type_=Moment),
            events.c.ends_at > bindparam("since", type_=Moment),
            events.c.starts_at > bindparam("long_ago", type_=Moment),
            events.c.id != bindparam("but"),
            or_(events.c.owner_id.in_(people), guests.c.user_id.is_not(None)),
        )
        .order_by(events.c.starts_at, events.c.id)
        .limit(200)
    )
