"""Visit cadences: which customers are due for a visit, how long overdue, and who is told.

Cadences are few and kept in memory; what they ask becomes one statement over the customers that
somebody sees, which finds the last interaction that counts by the index of each customer's. A day
is the company's.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    not_,
    or_,
    select,
)
from sqlalchemy.sql.selectable import ScalarSelect

from crm_admin import clock
from crm_admin.database import ask, db
from crm_admin.i18n import N_, Nn_
from crm_admin.models.base import Model
from crm_admin.models.cadences import Cadence
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.models.picklists import Picklist, PicklistItem
from crm_admin.models.types import Moment
from crm_admin.models.users import User
from crm_admin.services import access, configuration, notifications, records, tips, zones
from crm_admin.services.tips import Tip

#: How many customers one transaction of the job looks at, and how many the first page names.
CHUNK, WORST = 500, 5
#: After so many days nobody is told of a visit that was due: what lay long before was on the page.
LATE = 14
#: What these columns are asked for with, if they are seen.
_KEYS = ("name", "grade", "account_manager_id")


class Rule(NamedTuple):
    """A cadence as it is asked: whom it is about, what counts (nothing: all does), how often."""

    grade: str | None
    segment: str | None
    days: int
    kinds: tuple[str, ...]
    tells_chief: bool


class Due(NamedTuple):
    """A customer to be visited by a day; `last_at` is None where nobody was there yet."""

    id: int
    name: str
    grade: str | None
    manager: str | None
    manager_id: int | None
    chief_id: int | None
    last_at: datetime | None
    due_on: date
    tells_chief: bool

    def late(self, today: date) -> int:
        """Return by how many days the visit is overdue; 0 on its day, less before."""
        return (today - self.due_on).days


@configuration.kept
def rules() -> tuple[Rule, ...]:
    """Return the living cadences, the most frequent first."""
    living = records.alive(Cadence).order_by(Cadence.every_days, Cadence.id)
    return tuple(
        Rule(
            one.grade,
            one.segment,
            one.every_days,
            tuple(sorted(item.code for item in one.kinds)),
            one.tells_chief,
        )
        for one in db.session.scalars(living)
    )


def kinds() -> Sequence[PicklistItem]:
    """Return the kinds of interaction there are, in their order."""
    statement = (
        records.alive(PicklistItem)
        .join(Picklist, Picklist.id == PicklistItem.picklist_id)
        .where(Picklist.code == "interaction_kinds", Picklist.deleted_at.is_(None))
    )
    return db.session.scalars(statement.order_by(PicklistItem.position, PicklistItem.id)).all()


def sees(actor: User) -> bool:
    """Return whether the actor sees enough of customers to be told which are due."""
    return access.allows(actor, "view", Customer) and all(
        access.readable(actor, Customer, key) for key in _KEYS
    )


def page(
    actor: User,
    today: date,
    *,
    person: int | None = None,
    ahead: int = 0,
    offset: int = 0,
    limit: int = 50,
) -> tuple[list[Due], int]:
    """Return a page of the customers that are due, the most overdue first, and how many there are.

    Args:
        person: the account manager whose customers are asked for; none: all that the actor sees.
        ahead: how many days ahead of today it also looks; 0: overdue or due today.

    Source: A13, A15, C9
    """
    if not sees(actor) or not (found := rules()):
        return [], 0
    statement = _due(found, access.limit(Customer, actor), person is not None)
    values = _values(found, today, ahead) | {"start": offset, "size": limit}
    if person is not None:
        values["person"] = person
    rows, told = ask(statement, values).all(), _told(actor)
    return [_row(row, found, told) for row in rows], rows[0].whole if rows else 0


def overdue(actor: User, today: date) -> tuple[int, list[Due]]:
    """Return how many of the actor's own customers are overdue, and the worst few; one statement.

    One that is due today is not overdue yet. Source: C4, C9
    """
    found, count = page(actor, today - timedelta(days=1), person=actor.id, limit=WORST)
    return count, found


def people(actor: User) -> list[tuple[int, str]]:
    """Return (id, name) of those who look after customers that the actor sees, by name."""
    if not sees(actor):
        return []
    theirs, manager = access.rows(Customer, actor), Customer.account_manager_id
    known: ColumnElement[bool]
    if access.limit(Customer, actor) is None:  # a look at the index for each person
        known = exists().where(manager == User.id, *theirs)
    else:
        known = User.id.in_(select(manager).where(*theirs).distinct())
    chosen = select(User.id, User.name).where(known).order_by(User.name, User.id)
    return [(id, name) for id, name in ask(chosen)]


def due_after(today: date, last: int) -> list[Due]:
    """Return the next customers whose visit was due of late and no later than today, by id."""
    if not (found := rules()):
        return []
    statement = _chunk(found)
    values = _values(found, today, 0) | _values(found, today - timedelta(days=LATE), 0, "old")
    rows = ask(statement, values | {"mark": last, "size": CHUNK})
    return [_row(row, found, told=True) for row in rows]


def tell(found: Sequence[Due]) -> int:
    """Tell each account manager of the visits due; where the cadence says so, the chief as well.

    Once for each customer, day and person, whoever runs this and however often. Source: A13, C9
    """
    return notifications.notify_all(
        notifications.Message(
            user_id=user_id,
            key=f"visit:{one.id}:{one.due_on}:{user_id}:inbox",
            kind="visit",
            message=N_("A visit to %(customer)s was due by %(day)s."),
            values={"customer": one.name, "day": one.due_on.isoformat()},
            entity="customers",
            record_id=one.id,
        )
        for one in found
        for user_id in dict.fromkeys((one.manager_id, one.chief_id if one.tells_chief else None))
        if user_id is not None
    )


def _told(actor: User) -> bool:
    """Return whether the actor may know when somebody was last with a customer."""
    return access.allows(actor, "view", Interaction) and access.readable(
        actor, Interaction, "happened_at"
    )


def _row(row: Any, found: Sequence[Rule], told: bool) -> Due:
    rule, seen = found[row.place], clock.day_in(zones.here(), row.last_at or row.created_at)
    return Due(
        row.id,
        row.name,
        row.grade,
        row.manager,
        row.account_manager_id,
        row.chief_representative_id,
        row.last_at if told else None,
        seen + timedelta(days=rule.days),
        rule.tells_chief,
    )


def _values(found: Sequence[Rule], today: date, ahead: int, name: str = "since") -> dict[str, Any]:
    """Return the moments before which a last visit is too long ago, one for each cadence.

    A visit on a day is good for the cadence's days after it: it is due when these have passed.
    """
    zone, last = zones.here(), today + timedelta(days=ahead)
    return {
        f"{name}_{n}": datetime.combine(last - timedelta(days=rule.days - 1), time(), zone)
        for n, rule in enumerate(found)
    }


def _fits(rule: Rule) -> ColumnElement[bool]:
    customers = _table(Customer).c
    asked = [customers.grade == rule.grade] if rule.grade else []
    asked += [customers.segment == rule.segment] if rule.segment else []
    return and_(*asked) if asked else customers.id > 0


def _last(kinds: tuple[str, ...]) -> ScalarSelect[Any]:
    """Return the moment of a customer's last interaction that counts."""
    talks, customers = _table(Interaction).c, _table(Customer).c
    asked = [talks.customer_id == customers.id, talks.deleted_at.is_(None)]
    if kinds:
        asked.append(talks.kind.in_(kinds))
    newest = select(talks.happened_at).where(*asked).order_by(talks.happened_at.desc()).limit(1)
    return newest.correlate(_table(Customer)).scalar_subquery()


def _inner(found: Sequence[Rule], *conditions: ColumnElement[bool]) -> Any:
    """Return the living customers that a cadence is about, with when somebody was last there.

    Each has the first cadence that fits, whose number is its `place`; the most frequent come first.
    """
    customers = _table(Customer).c
    fits = [_fits(rule) for rule in found]

    def of_first(values: Sequence[Any]) -> ColumnElement[Any]:
        return case(*zip(fits, values, strict=True))

    looks = {rule.kinds: _last(rule.kinds) for rule in found}
    # Mostly all cadences count the same.
    last = looks[found[0].kinds] if len(looks) == 1 else of_first([looks[r.kinds] for r in found])
    living = select(
        customers.id,
        customers.created_at,
        last.label("last_at"),
        of_first(range(len(found))).label("place"),
    ).where(customers.deleted_at.is_(None), or_(*fits), *conditions)
    return living.cte().prefix_with("MATERIALIZED")  # or each condition would look anew


def _before(inner: Any, found: Sequence[Rule], name: str) -> ColumnElement[bool]:
    """Return which customers' last visit lies before the moment of their cadence."""
    moments = [bindparam(f"{name}_{n}", type_=Moment) for n in range(len(found))]
    moment = case(*((inner.c.place == n, one) for n, one in enumerate(moments)))
    return func.coalesce(inner.c.last_at, inner.c.created_at) < moment


@lru_cache(maxsize=500)
def _due(found: tuple[Rule, ...], theirs: ColumnElement[bool] | None, of_one: bool) -> Select[Any]:
    """Return the select of a page of the customers that are due, put together once."""
    conditions = [] if theirs is None else [theirs]
    if of_one:
        conditions.append(_table(Customer).c.account_manager_id == bindparam("person"))
    inner = _inner(found, *conditions)
    late = _before(inner, found, "since")
    days = case(*((inner.c.place == n, rule.days) for n, rule in enumerate(found)))
    rank = (_day(func.coalesce(inner.c.last_at, inner.c.created_at)) + days).label("rank")
    paged = (
        select(inner, rank)
        .where(late)
        .order_by(rank, inner.c.id)
        .offset(bindparam("start", type_=Integer))
        .limit(bindparam("size", type_=Integer))
        .subquery()
    )
    count = select(func.count()).select_from(inner).where(late).scalar_subquery()
    return _named(paged, count.label("whole")).order_by(paged.c.rank, paged.c.id)


@lru_cache(maxsize=50)
def _chunk(found: tuple[Rule, ...]) -> Select[Any]:
    """Return the select of the next customers whose visit was due of late, by id."""
    inner = _inner(found, _table(Customer).c.id > bindparam("mark"))
    chosen = (
        select(inner)
        .where(_before(inner, found, "since"), not_(_before(inner, found, "old")))
        .order_by(inner.c.id)
        .limit(bindparam("size", type_=Integer))
        .subquery()
    )
    return _named(chosen).order_by(chosen.c.id)


def _named(chosen: Any, *more: Any) -> Select[Any]:
    """Return the select of these customers with what is told of them."""
    customers, manager = _table(Customer), _table(User).alias()
    keys = ("name", "grade", "account_manager_id", "chief_representative_id")
    return (
        select(chosen, *(customers.c[key] for key in keys), manager.c.name.label("manager"), *more)
        .join(customers, customers.c.id == chosen.c.id)
        .outerjoin(manager, manager.c.id == customers.c.account_manager_id)
    )


def _day(moment: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a moment as a number of days, near enough to sort by."""
    if db.engine.dialect.name == "sqlite":
        return func.julianday(moment)
    return func.extract("epoch", moment) / 86_400


def _table(model: type[Model]) -> Any:
    return access.table_of(model)


@tips.source(15)
def _visits_overdue(day: tips.Day) -> Iterator[Tip]:
    """Tell how many of the actor's customers wait for a visit, and who the longest. Source: C9"""
    count, worst = overdue(day.actor, day.today)
    if count:
        said = {"count": count, "customer": worst[0].name}
        message = Nn_(
            "%(count)s visit is overdue, with %(customer)s",
            "%(count)s visits are overdue, the longest with %(customer)s",
        )
        yield Tip(message, said, "warn", url="/visits/")
