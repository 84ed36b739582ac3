"""What a person should know when they begin their day, counted within what they may see."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from sqlalchemy import case, extract, func, select

from crm_admin.database import db
from crm_admin.models.base import Record
from crm_admin.models.contacts import Contact
from crm_admin.models.contracts import Contract, ContractStatus
from crm_admin.models.customers import Customer
from crm_admin.models.expenses import Expense, ExpenseStatus
from crm_admin.models.interactions import Interaction
from crm_admin.models.users import User
from crm_admin.services import access, expenses

SHOWN = 8
MONTHS = 12
#: Contracts that end within so many days are counted.
AHEAD = (30, 60, 90)


@dataclass
class Overview:
    """The figures of a person's first page; those they have no right to stay None or empty.

    `soonest` holds (id, *values) of the contracts that end soon, values as `soonest_keys` has them.
    """

    customers: int | None = None
    to_contact: int = 0
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
    found = Overview()
    if _sees(actor, Customer, "account_manager"):
        _own_customers(found, actor, today)
    if _sees(actor, Customer, "completeness"):
        _completeness(found, actor)
    if _sees(actor, Contract, "status", "ends_on"):
        _contracts(found, actor, today)
        _soonest(found, actor, today)
    if _sees(actor, Interaction, "author", "happened_at"):
        _interactions(found, actor, today, zone)
    if access.allows(actor, "approve", Expense) and access.readable(actor, Expense, "status"):
        found.to_decide = _to_decide(actor)
    return found


def _sees(actor: User, model: type[Record], *keys: str) -> bool:
    """Return whether the actor sees records of the entity, and all of these fields."""
    return access.allows(actor, "view", model) and all(
        access.readable(actor, model, key) for key in keys
    )


def _own_customers(found: Overview, actor: User, today: date) -> None:
    mine = [*access.rows(Customer, actor), Customer.account_manager_id == actor.id]
    due = case((Customer.next_contact_on <= today, 1), else_=0)
    count, waiting = db.session.execute(select(func.count(), func.sum(due)).where(*mine)).one()
    found.customers = count
    if not _sees(actor, Customer, "name", "next_contact_on"):
        return
    found.to_contact = waiting or 0
    due_ones = (
        select(Customer.id, Customer.name, Customer.next_contact_on)
        .where(*mine, Customer.next_contact_on <= today)
        .order_by(Customer.next_contact_on, Customer.id)
    )
    rows = db.session.execute(due_ones.limit(SHOWN))
    found.contacts_due = [(id, name, day) for id, name, day in rows if day is not None]
    if _sees(actor, Contact, "name", "birthday"):
        found.birthdays = _birthdays(actor, today)


def _completeness(found: Overview, actor: User) -> None:
    rated = (
        select(Customer.completeness, func.count())
        .where(*access.rows(Customer, actor))
        .group_by(Customer.completeness)
    )
    shares = {r: n for r, n in db.session.execute(rated) if r is not None}
    checked = sum(shares.values())
    found.percent = sum(r * n for r, n in shares.items()) // checked if checked else None
    found.incomplete = sum(n for r, n in shares.items() if r < 100)
    found.sees_completeness = True


def _birthdays(actor: User, today: date) -> list[tuple[int, str]]:
    """Return the contacts of the actor's own customers whose birthday it is."""
    statement = (
        select(Contact.id, Contact.name)
        .join(Customer, Customer.id == Contact.customer_id)
        .where(
            *access.rows(Contact, actor),
            Customer.account_manager_id == actor.id,
            extract("month", Contact.birthday) == today.month,
            extract("day", Contact.birthday) == today.day,
        )
        .order_by(Contact.name)
    )
    return [(id, name) for id, name in db.session.execute(statement.limit(SHOWN))]


def _contracts(found: Overview, actor: User, today: date) -> None:
    mine = [*access.rows(Contract, actor), Contract.status == ContractStatus.ACTIVE]
    months = [_month(today, ahead) for ahead in range(MONTHS)]
    by_day = (
        select(Contract.ends_on, func.count())
        .where(*mine, Contract.ends_on <= max(months[-1][1], today + timedelta(days=max(AHEAD))))
        .group_by(Contract.ends_on)
    )
    counts: dict[date, int] = dict(db.session.execute(by_day).all())

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


def _soonest(found: Overview, actor: User, today: date) -> None:
    """Add the contracts that end first, as far as the actor sees what is in them."""
    shown = {
        "title_text": Contract.title_text,
        "customer": Customer.name,
        "amount": Contract.amount,
        "currency": Contract.currency,
        "ends_on": Contract.ends_on,
        "owner": User.name,
    }
    keys = [key for key in shown if access.readable(actor, Contract, key)]
    rows = (
        select(Contract.id, *(shown[key] for key in keys))
        .join(Customer, Customer.id == Contract.customer_id)
        .join(User, User.id == Contract.owner_id)
        .where(
            *access.rows(Contract, actor),
            Contract.status == ContractStatus.ACTIVE,
            Contract.ends_on.between(today, today + timedelta(days=max(AHEAD))),
        )
        .order_by(Contract.ends_on, Contract.id)
    )
    found.soonest_keys = keys
    found.soonest = [tuple(row) for row in db.session.execute(rows.limit(SHOWN))]


def _month(today: date, ahead: int) -> tuple[date, date]:
    """Return the first and last day of the month so many months after today's."""
    months = today.year * 12 + today.month - 1 + ahead
    year, month = divmod(months, 12)
    return date(year, month + 1, 1), date(year, month + 1, monthrange(year, month + 1)[1])


def _interactions(found: Overview, actor: User, today: date, zone: tzinfo) -> None:
    since = datetime.combine(today.replace(day=1), time(), zone)
    statement = select(func.count()).where(
        *access.rows(Interaction, actor),
        Interaction.author_id == actor.id,
        Interaction.happened_at >= since,
    )
    found.interactions = db.session.scalar(statement) or 0


def _to_decide(actor: User) -> int:
    """Return how many expenses wait for the actor's decision."""
    statement = select(func.count()).where(
        *access.rows(Expense, actor, "approve"),
        Expense.status == ExpenseStatus.SUBMITTED,
        expenses.others_than(actor),
    )
    return db.session.scalar(statement) or 0
