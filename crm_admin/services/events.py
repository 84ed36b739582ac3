"""Events: what must hold of them, who is invited, who is told of what, and what they answer."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import inspect, select

from crm_admin import clock
from crm_admin.database import db
from crm_admin.errors import Conflict, Denied, Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.contacts import Contact
from crm_admin.models.events import Answer, Event, EventGuest
from crm_admin.models.users import User
from crm_admin.services import access, changes, notifications, records, zones
from crm_admin.services.notifications import Message

#: How long an event is of which nobody said when it ends.
USUAL = timedelta(hours=1)
#: Fields whose change those concerned are told of.
_TOLD = frozenset(("starts_at", "ends_at", "is_all_day", "place", "owner_id", "cancelled_at"))


class Guest(NamedTuple):
    """Somebody invited, and what they answered."""

    id: int
    name: str
    answer: Answer


@records.prepare.register
def _prepare(record: Event, actor: User) -> None:
    """Set its days by the clock it is written by, and refuse another customer's contact."""
    settle(record, actor)
    if record.contact_id is not None and changes.of(record).keys() & {"contact_id", "customer_id"}:
        contact = db.session.get(Contact, record.contact_id)
        if contact is not None and record.customer_id is None:
            record.customer_id = contact.customer_id
        if contact is not None and contact.customer_id != record.customer_id:
            message = N_("This contact belongs to another customer.")
            raise Invalid([Problem("contact_id", message)])
    _invite(record)


def settle(event: Any, actor: User) -> None:
    """Set what an event, or a row that becomes one, leaves open: its clock, its end, whole days."""
    if event.time_zone is None:
        event.time_zone = zone_of(actor).key
    if event.starts_at is not None and event.ends_at is None:
        event.ends_at = event.starts_at + USUAL
    if event.is_all_day and event.starts_at is not None:
        zone = ZoneInfo(event.time_zone)
        event.starts_at, event.ends_at = whole_days(event.starts_at, event.ends_at, zone)


def _invite(record: Event) -> None:
    """Leave the organiser off the list, and refuse whoever may not see events at all."""
    history = inspect(record).attrs.guests.history
    if not history.has_changes():
        return
    owner_id = record.owner_id
    if any(guest.id == owner_id for guest in record.guests):
        record.guests = [guest for guest in record.guests if guest.id != owner_id]
    for guest in history.added:
        if guest.id != owner_id and not may_be_invited(guest):
            message = N_("%(person)s may not see such records at all.")
            raise Invalid([Problem("guests", message, {"person": guest.name})])
    record.uninvited = tuple(guest.id for guest in history.deleted or ())


def may_be_invited(user: User) -> bool:
    """Return whether somebody can be invited: signs in, and may see events at all."""
    return user.is_active and not user.is_system and access.allows(user, "view", Event)


def whole_days(starts: datetime, ends: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the midnights before the first and after the last day, as the zone's clock has them.

    Nights on which clocks are changed make a day longer or shorter, never a day more or less.
    """
    first, last = starts.astimezone(zone), ends.astimezone(zone)
    until = last.date()
    if last.time() != time() or until == first.date():
        until += timedelta(days=1)
    begin = datetime.combine(first.date(), time(), zone)
    return begin.astimezone(UTC), datetime.combine(until, time(), zone).astimezone(UTC)


def zone_of(user: User) -> ZoneInfo:
    """Return the zone of somebody's clock: their own, else the company's."""
    return zones.known(user.time_zone) or zones.here()


@records.follow_up.register
def _follow_up(record: Event, changed: Mapping[str, list[Any]], actor: User) -> None:
    """Tell those concerned, once for each change of time or place. Source: C3"""
    removed, record.uninvited = record.uninvited, ()
    rows = _rows(record)
    known = f"{record.starts_at.isoformat()} {record.ends_at.isoformat()} {record.place or ''}"
    is_over = record.ends_at <= clock.now()
    people = _people([*(row.user_id for row in rows), record.owner_id, *removed])
    messages = []
    for row in rows:
        what = _news(row, record, known, restored=not changed and record.version > 1)
        if row.told is not None and row.told.split()[:2] != known.split()[:2]:
            row.answer, row.answered_at = Answer.OPEN, None  # another time, another answer
        row.told = known
        if row.user_id == actor.id:
            row.answer, row.answered_at = Answer.YES, clock.now()
        elif what:
            messages.append(_message(record, people[row.user_id], actor, what))
    if record.owner_id != actor.id and not actor.is_system and _TOLD & changed.keys():
        what = CANCELLED if record.cancelled_at else CHANGED if record.version > 1 else PLACED
        messages.append(_message(record, people[record.owner_id], actor, what))
    messages += [_farewell(record, people[id], REMOVED) for id in removed if id != actor.id]
    if not is_over and (record.cancelled_at is None or "cancelled_at" in changed):
        notifications.notify_all(messages)
    db.session.flush()


INVITED = N_("%(person)s invites you to “%(title)s”, %(when)s.")
CHANGED = N_("“%(title)s” is now %(when)s.")
CANCELLED = N_("%(person)s cancelled “%(title)s”, %(when)s.")
PLACED = N_("%(person)s put “%(title)s” into your calendar, %(when)s.")
REMOVED = N_("You are no longer invited to what was planned for %(when)s.")
GONE = N_("What you were invited to, %(when)s, was cancelled.")
COMES = N_("%(person)s comes to “%(title)s”, %(when)s.")
STAYS_AWAY = N_("%(person)s does not come to “%(title)s”, %(when)s.")


def _news(row: EventGuest, record: Event, known: str, *, restored: bool) -> str:
    """Return what somebody invited is to be told now, "" where there is nothing new."""
    if record.deleted_at is not None:
        return "" if row.told is None or record.cancelled_at else GONE
    if row.told is None or restored:
        return INVITED
    if record.cancelled_at is not None:
        return CANCELLED
    return CHANGED if row.told != known else ""


def _message(record: Event, user: User, actor: User, what: str) -> Message:
    if what == GONE:
        return _farewell(record, user, what)
    values = {"title": record.subject, "when": _when(record, user), "person": actor.name}
    return Message(
        user_id=user.id,
        key=f"event:{record.id}:{record.version}:{user.id}",
        kind="event",
        message=what,
        values=values,
        entity="events",
        record_id=record.id,
    )


def _farewell(record: Event, user: User, what: str) -> Message:
    """Return a message of what its reader no longer sees, so that it says when and not what."""
    return Message(
        user_id=user.id,
        key=f"event:{record.id}:{record.version}:{user.id}:gone",
        kind="event",
        message=what,
        values={"when": _when(record, user, told=False)},
        entity="calendar",
    )


def _when(record: Event, user: User, *, told: bool = True) -> str:
    """Return when an event is, by the clock of who is told, and where."""
    if record.is_all_day:
        days = sorted({record.first_on.isoformat(), record.last_on.isoformat()})
        text = " – ".join(days)
    else:
        zone = zone_of(user)
        first, last = record.starts_at.astimezone(zone), record.ends_at.astimezone(zone)
        same = first.date() == last.date()
        text = f"{first:%Y-%m-%d %H:%M} – {last:{'%H:%M' if same else '%Y-%m-%d %H:%M'}}"
    return f"{text}, {record.place}" if record.place and told else text


def _rows(record: Event) -> Sequence[EventGuest]:
    chosen = select(EventGuest).where(EventGuest.event_id == record.id).order_by(EventGuest.id)
    found = db.session.scalars(chosen.execution_options(populate_existing=True))
    return found.all()


def _people(ids: Iterable[int]) -> dict[int, User]:
    found = db.session.scalars(select(User).where(User.id.in_({*ids})))
    return {user.id: user for user in found}


def answer(event: Event, actor: User, said: Answer) -> None:
    """Keep what somebody invited answers, and tell the organiser.

    Raises:
        Denied: the actor is not invited. Invalid: it is cancelled.
    """
    invited = select(EventGuest).where(
        EventGuest.event_id == event.id, EventGuest.user_id == actor.id
    )
    row = db.session.scalar(invited.with_for_update())
    if row is None:
        raise Denied(N_("You are not invited to this event."))
    if event.cancelled_at is not None:
        raise Invalid([Problem("", N_("This event was cancelled."))])
    if row.answer == said:
        return
    row.answer, row.answered_at = said, clock.now()
    db.session.flush()
    records.note(event, actor, "accepted" if said == Answer.YES else "declined", {})
    if event.owner_id != actor.id and event.ends_at > clock.now():
        owner = db.session.get_one(User, event.owner_id)
        what = COMES if said == Answer.YES else STAYS_AWAY
        message = _message(event, owner, actor, what)
        stamp = f"{message.key}:{actor.id}:{row.answered_at.isoformat()}"
        notifications.notify_all([Message(**(message.__dict__ | {"key": stamp}))])


def cancel(event: Event, actor: User, *, version: int) -> None:
    """Cancel an event as it was read; it stays where it was, struck out, and all are told.

    Raises:
        Conflict: it changed since `version`. Invalid: it is cancelled already.
    """
    records.claim(event, actor, "edit")
    if version != event.version:
        raise Conflict(N_("Someone else saved this record while you were editing it."))
    if event.cancelled_at is not None:
        raise Invalid([Problem("", N_("This event was cancelled."))])
    event.cancelled_at = clock.now()
    records.save(event, actor, action="cancelled")


def guests(event: Event) -> list[Guest]:
    """Return who is invited to an event, by name."""
    statement = (
        select(User.id, User.name, EventGuest.answer)
        .join(EventGuest, EventGuest.user_id == User.id)
        .where(EventGuest.event_id == event.id)
        .order_by(User.name, User.id)
    )
    return [Guest(*row) for row in db.session.execute(statement)]


def invitable(event: Event, actor: User) -> list[User]:
    """Return those whom the actor may invite, and those who are invited already, by name."""
    choice = access.visible(User, actor, "lookup").order_by(User.name, User.id)
    offered = {user.id: user for user in access.fetch(choice) if may_be_invited(user)}
    kept = {user.id: user for user in event.guests}
    found = {**offered, **kept}
    found.pop(event.owner_id or 0, None)
    return sorted(found.values(), key=lambda user: (user.name, user.id))
