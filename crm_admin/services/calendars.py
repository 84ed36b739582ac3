"""The calendar: what some people have between two days, from every source there is.

A source is a function marked `@source()`; each asks one statement. Events are one of them; tasks,
contracts that end and customers to contact are for a day as a whole.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, bindparam, literal, or_, select

from crm_admin.database import ask
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.contracts import Contract, ContractStatus
from crm_admin.models.customers import Customer
from crm_admin.models.events import LONGEST, Answer, Event, EventGuest
from crm_admin.models.tasks import Task, TaskStatus
from crm_admin.models.types import Moment
from crm_admin.models.users import User
from crm_admin.services import access

#: No page shows more days than these, nor more entries of one kind.
MOST_DAYS, MOST = 62, 2_000


class Asked(NamedTuple):
    """Who asks, for whose entries, from which day to which (both included), by which clock."""

    actor: User
    people: tuple[int, ...]
    first_on: date
    last_on: date
    zone: ZoneInfo

    @property
    def since(self) -> datetime:
        """The moment the first day begins."""
        return datetime.combine(self.first_on, time(), self.zone)

    @property
    def until(self) -> datetime:
        """The moment the last day is over."""
        return datetime.combine(self.last_on + timedelta(days=1), time(), self.zone)


class Entry(NamedTuple):
    """One thing in a calendar; without moments it is for its days as a whole.

    `title` is "" where the one who asks may know only that somebody is busy; such an entry has no
    id. `label` says what it is, for what is no event.
    """

    entity: str
    id: int
    title: str
    first_on: date
    last_on: date
    people: tuple[str, ...]
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    label: str = ""
    tone: str = ""
    kind: str = ""
    is_cancelled: bool = False
    is_open: bool = False


Source = Callable[[Asked], Sequence[Entry]]
#: {source: whether calendar feeds have it too}.
SOURCES: dict[Source, bool] = {}


def source(*, is_fed: bool = False) -> Callable[[Source], Source]:
    """Add a source of entries for days; it asks one statement, within the days that are asked for.

    Args:
        is_fed: whether people's calendar feeds have it too.
    """

    def add(function: Source) -> Source:
        SOURCES[function] = is_fed
        return function

    return add


def entries(asked: Asked) -> list[Entry]:
    """Return all entries of these days: those of whole days first, then by the clock."""
    if not asked.people or not 0 <= (asked.last_on - asked.first_on).days < MOST_DAYS:
        return []
    found = [*_events(asked), *of_days(asked)]
    return sorted(found, key=lambda one: (one.starts_at is not None, *_place(one)))


def _place(one: Entry) -> tuple[Any, ...]:
    at = one.starts_at.timestamp() if one.starts_at else one.first_on.toordinal()
    return (at, one.entity, one.id)


def of_days(asked: Asked, *, fed: bool = False) -> Iterator[Entry]:
    """Yield what the sources beside events have; with `fed`, those that feeds have too."""
    for one, is_fed in SOURCES.items():
        if is_fed or not fed:
            yield from one(asked)


def people(actor: User) -> list[tuple[int, str, int | None]]:
    """Return (id, name, department) of those whose calendars the actor may open, by name.

    The actor is always among them. Source: C3
    """
    grants = [grant for grant in access.grants_of(actor, "view", Event) if not grant.when]
    table = access.table_of(User)
    theirs = [*access.rows(User, actor, "lookup"), table.c.is_active, table.c.is_system.is_(False)]
    chosen = select(table.c.id, table.c.name, table.c.department_id)
    mine = table.c.id == actor.id
    found = ask(chosen.where(or_(mine, and_(*theirs))).order_by(table.c.name, table.c.id)).all()
    return [
        (id, name, department)
        for id, name, department in found
        if id == actor.id or any(access.reaches_person(grant, id) for grant in grants)
    ]


def _events(asked: Asked) -> list[Entry]:
    """Return the events of the people; of those out of reach only that somebody is busy."""
    actor = asked.actor
    if not access.allows(actor, "view", Event) or not all(
        access.readable(actor, Event, key) for key in ("starts_at", "ends_at", "owner_id")
    ):
        return []
    values = {
        "people": list(asked.people),
        "since": asked.since - timedelta(hours=26),  # days are meant by the clock of each event
        "until": asked.until + timedelta(hours=26),
        "long_ago": asked.since - LONGEST - timedelta(hours=26),
    }
    rows = ask(_chosen(access.limit(Event, actor)), values).all()
    by_id: dict[int, Any] = {}
    names: dict[int, list[str]] = {}
    for row in rows:
        by_id[row.id] = row
        shown = [row.owner] if row.owner_id in asked.people else []
        shown += [row.guest] if row.guest and row.guest not in shown else []
        names.setdefault(row.id, []).extend(n for n in shown if n not in names.get(row.id, ()))
    titled = access.readable(actor, Event, "subject")
    found = (_entry(row, names[row.id], asked, titled=titled) for row in by_id.values())
    return [entry for entry in found if entry is not None]


def _entry(row: Any, names: list[str], asked: Asked, *, titled: bool) -> Entry | None:
    """Return a row as an entry, or None where it is on none of the days."""
    if row.is_all_day:
        zone = ZoneInfo(row.time_zone)
        starts = ends = None
    else:
        zone, starts, ends = asked.zone, row.starts_at, row.ends_at
    first = row.starts_at.astimezone(zone).date()
    last = (row.ends_at - timedelta(microseconds=1)).astimezone(zone).date()
    if first > asked.last_on or last < asked.first_on:
        return None
    if not row.reached:
        if row.cancelled_at is not None:
            return None
        return Entry("events", 0, "", first, last, tuple(names), starts, ends, tone="mut")
    return Entry(
        "events",
        row.id,
        row.subject if titled else "…",
        first,
        last,
        tuple(names),
        starts,
        ends,
        kind=row.kind or "",
        is_cancelled=row.cancelled_at is not None,
        is_open=row.owner_id not in asked.people and row.answer == Answer.OPEN,
    )


@lru_cache(maxsize=500)
def _chosen(reach: ColumnElement[bool] | None) -> Select[Any]:
    """Return the select of the events of `people`; `reached` says which may be seen."""
    events, guests = access.table_of(Event), access.table_of(EventGuest)
    owner, guest = access.table_of(User).alias(), access.table_of(User).alias()
    who: Any = bindparam("people", expanding=True)
    invited = and_(
        guests.c.event_id == events.c.id, guests.c.user_id.in_(who), guests.c.answer != Answer.NO
    )
    keys = (
        "id", "subject", "kind", "starts_at", "ends_at", "is_all_day", "owner_id", "time_zone",
        "cancelled_at",
    )  # fmt: skip
    reached = literal(value=True) if reach is None else reach
    return (
        select(
            *(events.c[key] for key in keys),
            owner.c.name.label("owner"),
            guest.c.name.label("guest"),
            guests.c.answer,
            reached.label("reached"),
        )
        .join(owner, owner.c.id == events.c.owner_id)
        .outerjoin(guests, invited)
        .outerjoin(guest, guest.c.id == guests.c.user_id)
        .where(
            events.c.deleted_at.is_(None),
            events.c.starts_at < bindparam("until", type_=Moment),
            events.c.ends_at > bindparam("since", type_=Moment),
            events.c.starts_at > bindparam("long_ago", type_=Moment),
            or_(events.c.owner_id.in_(who), guests.c.user_id.is_not(None)),
        )
        .order_by(events.c.starts_at, events.c.id)
        .limit(MOST)
    )


@source(is_fed=True)
def _tasks(asked: Asked) -> list[Entry]:
    """Return the people's open tasks that are due on these days. Source: C2, C4"""
    if not _sees(asked.actor, Task, "subject", "due_on", "status", "assignee_id"):
        return []
    is_open = Task.status == TaskStatus.OPEN
    rows = _dated(asked, Task, Task.subject, Task.due_on, Task.assignee_id, is_open)
    return [
        Entry("tasks", id, title, day, day, (name,), label=N_("Task"), tone="inf")
        for id, title, day, name in rows
    ]


@source()
def _contracts(asked: Asked) -> list[Entry]:
    """Return the contracts of the people that end on these days."""
    if not _sees(asked.actor, Contract, "title_text", "ends_on", "owner_id", "status"):
        return []
    in_force = Contract.status == ContractStatus.ACTIVE
    columns = Contract.title_text, Contract.ends_on, Contract.owner_id
    return [
        Entry("contracts", id, title, day, day, (name,), label=N_("Contract ends"), tone="bad")
        for id, title, day, name in _dated(asked, Contract, *columns, in_force)
    ]


@source()
def _contacts(asked: Asked) -> list[Entry]:
    """Return the customers of the people who are to be contacted on these days."""
    if not _sees(asked.actor, Customer, "name", "next_contact_on", "account_manager_id"):
        return []
    columns = Customer.name, Customer.next_contact_on, Customer.account_manager_id
    return [
        Entry("customers", id, title, day, day, (name,), label=N_("To contact"), tone="warn")
        for id, title, day, name in _dated(asked, Customer, *columns)
    ]


def _dated(
    asked: Asked, model: type[Record], title: Any, day: Any, person: Any, *more: ColumnElement[bool]
) -> Sequence[Any]:
    """Return (id, title, day, name of whose it is) of what these people have on these days."""
    statement = (
        select(model.id, title, day, User.name)
        .join(User, User.id == person)
        .where(
            *access.rows(model, asked.actor),
            person.in_(asked.people),
            day.between(asked.first_on, asked.last_on),
            *more,
        )
        .order_by(day, model.id)
    )
    return ask(statement.limit(MOST)).all()


def _sees(actor: User, model: type[Record], *keys: str) -> bool:
    return access.allows(actor, "view", model) and all(
        access.readable(actor, model, key) for key in keys
    )
