"""What a person should know when they begin their day, counted within what they may see.

Each statement is put together once for all who have the same rights: the page is opened often.
"""

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Date, Integer, Select, bindparam, case, extract, func, select

from crm_admin.database import ask
from crm_admin.i18n import N_, Nn_
from crm_admin.models.base import Record
from crm_admin.models.contacts import Contact
from crm_admin.models.contracts import Contract, ContractStatus
from crm_admin.models.customers import Customer
from crm_admin.models.expenses import Expense, ExpenseStatus
from crm_admin.models.interactions import Interaction
from crm_admin.models.users import User
from crm_admin.services import access, expenses, tasks, tips
from crm_admin.services.tips import Tip

SHOWN = 8
MONTHS = 12
#: Contracts that end within so many days are counted.
AHEAD = (30, 60, 90)

_customers, _contacts = access.table_of(Customer), access.table_of(Contact)
_contracts, _talks = access.table_of(Contract), access.table_of(Interaction)
_users = access.table_of(User)
_ME: Any = bindparam("me")
_TODAY: Any = bindparam("today", type_=Date)
_SIZE: Any = bindparam("size", type_=Integer)
Limit = ColumnElement[bool] | None


@dataclass
class Overview:
    """The figures of a person's first page; those they have no right to stay None or empty.

    `soonest` holds (id, *values) of the contracts that end soon, values as `soonest_keys` has them.
    """

    work: tasks.Day | None = None
    customers: int | None = None
    to_contact: int = 0
    own_incomplete: int = 0
    sees_completeness: bool = False
    incomplete: int = 0
    percent: int | None = None
    interactions: int | None = None
    ending: dict[int, int] | None = None
    overdue: int = 0
    to_decide: int = 0
    soonest_keys: Sequence[str] = ()
    soonest: Sequence[tuple[Any, ...]] = ()
    contacts_due: Sequence[tuple[int, str, date]] = ()
    birthdays: Sequence[tuple[int, str]] = ()
    months: Sequence[tuple[date, date, int]] = ()


def of(actor: User, today: date, zone: tzinfo) -> Overview:
    """Return the overview of a person's day. Source: C4

    Args:
        today: the company's day.
        zone: where the person is; their month begins when it does there.
    """
    found = Overview(work=tasks.of_day(actor, today, SHOWN))
    if _sees(actor, Customer, "account_manager"):
        _count_own(found, actor, today)
    if _sees(actor, Customer, "completeness"):
        _rate(found, actor)
    if _sees(actor, Contract, "status", "ends_on"):
        _count_contracts(found, actor, today)
    if _sees(actor, Interaction, "author", "happened_at"):
        since = datetime.combine(today.replace(day=1), time(), zone)
        asked = {"me": actor.id, "since": since}
        found.interactions = ask(_written(_limit(Interaction, actor)), asked).scalar() or 0
    if access.allows(actor, "approve", Expense) and access.readable(actor, Expense, "status"):
        found.to_decide = _to_decide(actor)
    return found


def _sees(actor: User, model: type[Record], *keys: str) -> bool:
    """Return whether the actor sees records of the entity, and all of these fields."""
    return access.allows(actor, "view", model) and all(
        access.readable(actor, model, key) for key in keys
    )


def _limit(model: type[Record], actor: User) -> Limit:
    return access.limit(model, actor)


def _living(model: type[Record], theirs: Limit) -> list[ColumnElement[bool]]:
    """Return the conditions of the records that are within the limit and in no bin."""
    living = access.table_of(model).c.deleted_at.is_(None)
    return [living] if theirs is None else [living, theirs]


# Customers.


def _count_own(found: Overview, actor: User, today: date) -> None:
    theirs = _limit(Customer, actor)
    asked = {"me": actor.id, "today": today}
    found.customers, waiting, lacking = ask(_own(theirs), asked).one()
    if access.readable(actor, Customer, "completeness"):
        found.own_incomplete = lacking or 0
    if not _sees(actor, Customer, "name", "next_contact_on"):
        return
    if waiting:
        found.to_contact = waiting
        rows = ask(_to_contact(theirs), asked | {"size": SHOWN})
        found.contacts_due = [(id, name, day) for id, name, day in rows]
    if found.customers and _sees(actor, Contact, "name", "birthday"):
        born = {"me": actor.id, "month": today.month, "day": today.day, "size": SHOWN}
        rows = ask(_born(_limit(Contact, actor)), born)
        found.birthdays = [(id, name) for id, name in rows]


@lru_cache(maxsize=500)
def _own(theirs: Limit) -> Select[*tuple[Any, ...]]:
    """Return the select of how many customers are one's own, to be contacted, and incomplete."""
    due = case((_customers.c.next_contact_on <= _TODAY, 1), else_=0)
    lacking = case((_customers.c.completeness < 100, 1), else_=0)
    counted = select(func.count(), func.sum(due), func.sum(lacking)).select_from(_customers)
    return counted.where(*_living(Customer, theirs), _customers.c.account_manager_id == _ME)


@lru_cache(maxsize=500)
def _to_contact(theirs: Limit) -> Select[Any]:
    c = _customers.c
    mine = [*_living(Customer, theirs), c.account_manager_id == _ME, c.next_contact_on <= _TODAY]
    chosen = select(c.id, c.name, c.next_contact_on).where(*mine)
    return chosen.order_by(c.next_contact_on, c.id).limit(_SIZE)


@lru_cache(maxsize=500)
def _born(theirs: Limit) -> Select[Any]:
    """Return the select of the contacts of one's own customers whose birthday it is."""
    c = _contacts.c
    joined = _contacts.join(_customers, _customers.c.id == c.customer_id)
    today = [
        extract("month", c.birthday) == bindparam("month", type_=Integer),
        extract("day", c.birthday) == bindparam("day", type_=Integer),
    ]
    mine = [*_living(Contact, theirs), _customers.c.account_manager_id == _ME, *today]
    chosen = select(c.id, c.name).select_from(joined).where(*mine)
    return chosen.order_by(c.name).limit(_SIZE)


def _rate(found: Overview, actor: User) -> None:
    rated = ask(_rated(_limit(Customer, actor)))
    shares = {rate: count for rate, count in rated if rate is not None}
    checked = sum(shares.values())
    found.percent = sum(r * n for r, n in shares.items()) // checked if checked else None
    found.incomplete = sum(n for r, n in shares.items() if r < 100)
    found.sees_completeness = True


@lru_cache(maxsize=500)
def _rated(theirs: Limit) -> Select[Any]:
    rate = _customers.c.completeness
    return select(rate, func.count()).where(*_living(Customer, theirs)).group_by(rate)


# Contracts.


def _count_contracts(found: Overview, actor: User, today: date) -> None:
    months = [_month(today, ahead) for ahead in range(MONTHS)]
    last = max(months[-1][1], today + timedelta(days=max(AHEAD)))
    theirs = _limit(Contract, actor)
    counts: dict[date, int] = dict(ask(_by_day(theirs), {"last": last}).all())

    ahead = {day: count for day, count in counts.items() if day >= today}
    found.overdue = sum(counts.values()) - sum(ahead.values())
    found.ending = {
        days: sum(n for day, n in ahead.items() if day <= today + timedelta(days=days))
        for days in AHEAD
    }
    by_month: dict[tuple[int, int], int] = {}
    for day, count in ahead.items():
        by_month[day.year, day.month] = by_month.get((day.year, day.month), 0) + count
    found.months = [
        (start, end, by_month.get((start.year, start.month), 0)) for start, end in months
    ]
    found.soonest_keys = [key for key in _SHOWN if access.readable(actor, Contract, key)]
    if found.ending[max(AHEAD)]:
        until = {"today": today, "until": today + timedelta(days=max(AHEAD)), "size": SHOWN}
        rows = ask(_soonest(theirs, tuple(found.soonest_keys)), until)
        found.soonest = [tuple(row) for row in rows]


@lru_cache(maxsize=500)
def _by_day(theirs: Limit) -> Select[Any]:
    """Return the select of how many contracts in force end on each day until `last`."""
    day = _contracts.c.ends_on
    mine = [*_living(Contract, theirs), _contracts.c.status == ContractStatus.ACTIVE]
    counted = select(day, func.count()).where(*mine, day <= bindparam("last", type_=Date))
    return counted.group_by(day)


#: What the list of contracts that end soon shows.
_SHOWN = {
    "title_text": _contracts.c.title_text,
    "customer": _customers.c.name,
    "amount": _contracts.c.amount,
    "currency": _contracts.c.currency,
    "ends_on": _contracts.c.ends_on,
    "owner": _users.c.name,
}


@lru_cache(maxsize=500)
def _soonest(theirs: Limit, keys: tuple[str, ...]) -> Select[Any]:
    """Return the select of the contracts that end first: (id, *values)."""
    c = _contracts.c
    joined = _contracts.join(_customers, _customers.c.id == c.customer_id)
    joined = joined.join(_users, _users.c.id == c.owner_id)
    soon = [
        c.status == ContractStatus.ACTIVE,
        c.ends_on.between(_TODAY, bindparam("until", type_=Date)),
    ]
    chosen = select(c.id, *(_SHOWN[key] for key in keys)).select_from(joined)
    return chosen.where(*_living(Contract, theirs), *soon).order_by(c.ends_on, c.id).limit(_SIZE)


def _month(today: date, ahead: int) -> tuple[date, date]:
    """Return the first and last day of the month so many months after today's."""
    months = today.year * 12 + today.month - 1 + ahead
    year, month = divmod(months, 12)
    return date(year, month + 1, 1), date(year, month + 1, monthrange(year, month + 1)[1])


# Interactions and expenses.


@lru_cache(maxsize=500)
def _written(theirs: Limit) -> Select[Any]:
    """Return the select of how many interactions one has written down `since` a moment."""
    c = _talks.c
    since = c.happened_at >= bindparam("since", type_=c.happened_at.type)
    mine = [*_living(Interaction, theirs), c.author_id == _ME, since]
    return select(func.count()).select_from(_talks).where(*mine)


def _to_decide(actor: User) -> int:
    """Return how many expenses wait for the actor's decision."""
    statement = select(func.count()).where(
        *access.rows(Expense, actor, "approve"),
        Expense.status == ExpenseStatus.SUBMITTED,
        expenses.others_than(actor),
    )
    return ask(statement).scalar() or 0


# What of it is a tip.


@tips.source(10)
def _contacts_due(day: tips.Day) -> Iterator[Tip]:
    for id, name, due in day.facts.contacts_due:
        tone = "bad" if due < day.today else "inf"
        said = {"customer": name}
        yield Tip(N_("Contact %(customer)s"), said, tone, due, entity="customers", record_id=id)


@tips.source(20)
def _decisions(day: tips.Day) -> Iterator[Tip]:
    if count := day.facts.to_decide:
        message, asked = (
            Nn_(
                "%(count)s expense waits for a decision",
                "%(count)s expenses wait for a decision",
            ),
            (("status.is", "submitted"),),
        )
        yield Tip(message, {"count": count}, "warn", entity="expenses", asked=asked)


@tips.source(30)
def _contracts_over(day: tips.Day) -> Iterator[Tip]:
    in_force, until = ("status.is", "active"), "ends_on.to"
    if count := day.facts.overdue:
        message = Nn_(
            "%(count)s contract has ended and is still in force",
            "%(count)s contracts have ended and are still in force",
        )
        over = (in_force, (until, f"{day.today - timedelta(days=1)}"))
        yield Tip(message, {"count": count}, "bad", entity="contracts", asked=over)
    if count := (day.facts.ending or {}).get(AHEAD[0], 0):
        last = day.today + timedelta(days=AHEAD[0])
        soon = (in_force, ("ends_on.from", f"{day.today}"), (until, f"{last}"), ("sort", "ends_on"))
        said = {"count": count, "days": AHEAD[0]}
        message = Nn_(
            "%(count)s contract ends within %(days)s days",
            "%(count)s contracts end within %(days)s days",
        )
        yield Tip(message, said, "warn", entity="contracts", asked=soon)


@tips.source(40)
def _own_incomplete(day: tips.Day) -> Iterator[Tip]:
    if count := day.facts.own_incomplete:
        asked = (("account_manager.is", "me"), ("completeness.to", "99"), ("sort", "completeness"))
        message = Nn_(
            "%(count)s of your customers is incomplete",
            "%(count)s of your customers are incomplete",
        )
        yield Tip(message, {"count": count}, "warn", entity="customers", asked=asked)


@tips.source(90)
def _birthdays(day: tips.Day) -> Iterator[Tip]:
    for id, name in day.facts.birthdays:
        message = N_("%(name)s has a birthday")
        yield Tip(message, {"name": name}, "ok", entity="contacts", record_id=id)
