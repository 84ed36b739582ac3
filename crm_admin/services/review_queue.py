"""What one's people wrote and changed on a day, to be looked at one by one.

It is read from the records themselves and their history: nothing has to be put into it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple, overload

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Date,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    type_coerce,
    union,
    union_all,
)
from sqlalchemy.types import NullType

from crm_admin.database import ask
from crm_admin.i18n import N_
from crm_admin.models.audit import AuditEntry
from crm_admin.models.base import Record
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.models.reviews import Review, Verdict
from crm_admin.models.types import Moment, State
from crm_admin.models.users import User
from crm_admin.services import access, reviews, zones

#: The most that is shown of one span of days: nobody looks at more.
MOST = 5_000


class Look(State):
    """How far a record has been looked at."""

    NEW = "new", N_("To check"), "inf"
    FAILED = "failed", N_("Not passed"), "bad"
    FIXED = "fixed", N_("Fixed"), "warn"
    PASSED = "passed", N_("Passed"), "ok"


class Entry(NamedTuple):
    """One record of the queue and how it stands."""

    entity: str
    id: int
    person_id: int
    state: str
    is_new: bool
    percent: int | None
    is_late: bool
    at: datetime

    @property
    def key(self) -> str:
        """What addresses call it."""
        return f"{self.entity}-{self.id}"


@dataclass(frozen=True)
class Asked:
    """Which days, both included, and which entries of them; no days: all that failed of any."""

    since: date | None
    until: date | None
    person: int | None = None
    department: int | None = None
    entity: str = ""
    state: str = ""
    incomplete: bool = False
    late: bool = False


class Entries(Sequence[Entry]):
    """The entries of a queue: there may be thousands, of which a page is shown."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> Entry: ...
    @overload
    def __getitem__(self, place: slice) -> "list[Entry]": ...
    def __getitem__(self, place: int | slice) -> "Entry | list[Entry]":
        if isinstance(place, slice):
            return [_entry(row) for row in self._rows[place]]
        return _entry(self._rows[place])


def _entry(row: Any) -> Entry:
    at = row.at
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    entry: Entry = Entry._make(row)
    return entry._replace(at=moment.replace(tzinfo=UTC))


class Group(NamedTuple):
    """What entries have in common that choices look at."""

    entity: str
    person_id: int
    state: str
    percent: int | None
    is_late: bool

    @property
    def incomplete(self) -> bool:
        """Whether something is missing in them."""
        return self.percent is not None and self.percent < 100


#: Takes what makes a group out of a row.
_ALIKE = itemgetter(0, 2, 3, 5, 6)


@dataclass(frozen=True)
class Found:
    """The entries asked for, and how many there would be with each other choice."""

    entries: Entries
    people: Mapping[int, int]
    departments: Mapping[int | None, int]
    entities: Mapping[str, int]
    states: Mapping[str, int]
    incomplete: int
    late: int
    #: Of all that the choices but the state let through: how many there are, and how many done.
    total: int
    looked_at: int


def read(actor: User, asked: Asked) -> Entries:
    """Return all entries of these days that the actor may look at, the latest first."""
    return Entries(_rows(actor, asked))


def _rows(actor: User, asked: Asked) -> Sequence[Any]:
    models = access.reachable(actor, "review", reviews.models())
    if not models:
        return []
    limits = tuple((model, access.limit(model, actor, "review")) for model in models)
    statement = _statement(limits, asked.since is not None)
    values: dict[str, Any] = {"me": actor.id, "today": zones.today()}
    if asked.since is not None and asked.until is not None:
        values |= {
            "since": begin_of(asked.since),
            "until": begin_of(asked.until + timedelta(days=1)),
        }
    return ask(statement, values).all()


def find(actor: User, asked: Asked, staff: Mapping[int, tuple[str, int | None]]) -> Found:
    """Return what is asked for, with the counts beside each choice.

    Args:
        staff: {id: (name, department)} of those whose records the actor may look at.
    """
    rows = _rows(actor, asked)
    sizes = Counter(map(_ALIKE, rows))
    groups = {alike: Group(*alike) for alike in sizes if alike[1] in staff}
    tests = _tests(asked, staff)

    def counted(but: str, of: Callable[[Group], Any]) -> Counter[Any]:
        found: Counter[Any] = Counter()
        for alike, group in _narrowed(groups, tests, but):
            found[of(group)] += sizes[alike]
        return found

    wanted = {alike for alike, _group in _narrowed(groups, tests)}
    states = counted("state", lambda g: g.state)
    return Found(
        entries=Entries([row for row in rows if _ALIKE(row) in wanted]),
        people=counted("person", lambda g: g.person_id),
        departments=counted("department", lambda g: staff[g.person_id][1]),
        entities=counted("entity", lambda g: g.entity),
        states=states,
        incomplete=counted("incomplete", lambda g: g.incomplete)[True],
        late=counted("late", lambda g: g.is_late)[True],
        total=sum(states.values()),
        looked_at=states[Look.PASSED] + states[Look.FAILED],
    )


def _tests(
    asked: Asked, staff: Mapping[int, tuple[str, int | None]]
) -> dict[str, Callable[[Group], bool]]:
    """Return what each choice lets through, by its name."""
    tests: dict[str, Callable[[Group], bool]] = {}
    if asked.person is not None:
        tests["person"] = lambda g: g.person_id == asked.person
    if asked.department is not None:
        tests["department"] = lambda g: staff[g.person_id][1] == asked.department
    if asked.entity:
        tests["entity"] = lambda g: g.entity == asked.entity
    if asked.state:
        tests["state"] = lambda g: g.state == asked.state
    if asked.incomplete:
        tests["incomplete"] = lambda g: g.incomplete
    if asked.late:
        tests["late"] = lambda g: g.is_late
    return tests


def _narrowed(
    groups: Mapping[Any, Group], tests: Mapping[str, Callable[[Group], bool]], but: str = ""
) -> Iterable[tuple[Any, Group]]:
    """Return what all the choices but one let through."""
    wanted = [test for name, test in tests.items() if name != but]
    return (one for one in groups.items() if all(test(one[1]) for test in wanted))


def look_of(record: Record, standing: Review | None) -> Look:
    """Return how one record stands now, given the verdict on it that counts."""
    if standing is None:
        return Look.NEW
    if standing.verdict == Verdict.FAILED:
        return Look.FIXED if standing.fixed_at is not None else Look.FAILED
    changed = standing.version < record.version and record.updated_by_id != _system()
    return Look.NEW if changed else Look.PASSED


def _system() -> int | None:
    users = access.table_of(User).c
    return ask(select(users.id).where(users.is_system)).scalar()


def begin_of(day: date) -> datetime:
    """Return the moment at which the company's day begins."""
    return datetime.combine(day, time(), zones.here())


Limits = tuple[tuple[type[Record], ColumnElement[bool] | None], ...]


@lru_cache(maxsize=200)
def _statement(limits: Limits, of_days: bool) -> Any:
    """Return the select of all entries, put together once for who may look at the same."""
    parts = [_part(model, theirs, of_days=of_days) for model, theirs in limits]
    every = union_all(*parts).subquery()
    order = (every.c.at.desc(), every.c.entity, every.c.id.desc())
    return select(every).order_by(*order).limit(MOST)


def _part(model: type[Record], theirs: ColumnElement[bool] | None, *, of_days: bool) -> Select[Any]:
    """Return the select of one entity's entries."""
    table, verdicts = access.table_of(model), access.table_of(Review).alias()
    person, source = person_column(model)
    source = source.outerjoin(
        verdicts,
        and_(
            verdicts.c.entity == model.__tablename__,
            verdicts.c.record_id == table.c.id,
            verdicts.c.superseded_at.is_(None),
            verdicts.c.undone_at.is_(None),
        ),
    )
    percent = table.c.completeness if "completeness" in table.c else literal(None)
    is_new = table.c.created_at >= _moment("since") if of_days else literal(False, Boolean)
    found = (
        select(
            literal(model.__tablename__).label("entity"),
            table.c.id,
            person.label("person_id"),
            _state(table, verdicts, of_days=of_days).label("state"),
            is_new.label("is_new"),
            percent.label("percent"),
            _late(model, table).label("is_late"),
            type_coerce(table.c.updated_at, NullType).label("at"),  # read for those shown
        )
        .select_from(source)
        .where(
            table.c.deleted_at.is_(None),
            person.is_not(None),
            person != bindparam("me"),
            true() if theirs is None else theirs,
        )
    )
    if not of_days:
        return found.where(verdicts.c.verdict == Verdict.FAILED)
    return found.where(table.c.id.in_(_touched(model)))


def person_column(model: type[Record]) -> tuple[ColumnElement[Any], Any]:
    """Return the column of whose work a record is, and what it is selected from."""
    table = access.table_of(model)
    if model is Contact:
        above = access.table_of(Customer).alias()
        joined = table.join(above, above.c.id == table.c.customer_id)
        return func.coalesce(above.c.account_manager_id, table.c.created_by_id), joined
    owner = table.c[model.owners[0]]
    return (func.coalesce(owner, table.c.created_by_id) if owner.nullable else owner), table


def _touched(model: type[Record]) -> Any:
    """Return the select of the ids that people added or changed on these days.

    A record says when it was changed last; its history, when it was changed before that.
    """
    table, audit, users = (access.table_of(m) for m in (model, AuditEntry, User))
    since, until = _moment("since"), _moment("until")
    system = select(users.c.id).where(users.c.is_system).scalar_subquery()
    lately = select(table.c.id).where(
        table.c.updated_at >= since, table.c.updated_at < until, _by_people(table)
    )
    before = select(audit.c.record_id).where(
        audit.c.entity == model.__tablename__,
        audit.c.created_at >= since,
        audit.c.created_at < until,
        audit.c.action != literal_column("'loaded'"),  # as the index of these days says it
        audit.c.action != "deleted",
        audit.c.actor_id != system,
    )
    return union(lately, before)


def _moment(name: str) -> Any:
    return bindparam(name, type_=Moment)


def _state(table: Any, verdicts: Any, *, of_days: bool) -> ColumnElement[str]:
    """Return how a record stands; what was changed on these days after it passed is new again."""
    again = verdicts.c.version < table.c.version
    if of_days:
        again = and_(again, table.c.updated_at < _moment("until"), _by_people(table))
    return case(
        (verdicts.c.id.is_(None), Look.NEW.value),
        (
            verdicts.c.verdict == Verdict.FAILED,
            case((verdicts.c.fixed_at.is_(None), Look.FAILED.value), else_=Look.FIXED.value),
        ),
        (again, Look.NEW.value),
        else_=Look.PASSED.value,
    )


def _by_people(table: Any) -> ColumnElement[bool]:
    users = access.table_of(User)
    system = select(users.c.id).where(users.c.is_system).scalar_subquery()
    return or_(table.c.updated_by_id.is_(None), table.c.updated_by_id != system)


def _late(model: type[Record], table: Any) -> ColumnElement[bool]:
    """Return whether an interaction was closed late, or should have been by now. Source: B3"""
    if model is not Interaction:
        return literal(False, Boolean)
    today = bindparam("today", type_=Date)
    is_open = and_(table.c.closed_at.is_(None), table.c.written_on < today)
    return case((or_(table.c.closed_late, is_open), True), else_=False)
