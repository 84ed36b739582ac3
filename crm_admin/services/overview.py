"""What a person should know when they begin their day, counted within what they may see."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from sqlalchemy import case, extract, func, select

from crm_admin.database import db
from crm_admin.models.contacts import Contact
from crm_admin.models.contracts import Contract, ContractStatus
from crm_admin.models.customers import Customer
from crm_admin.models.expenses import Expense, ExpenseStatus
from crm_admin.models.interactions import Interaction
from crm_admin.models.users import User
from crm_admin.services import access

SHOWN = 8
MONTHS = 12


@dataclass(frozen=True)
class Ending:
    """A contract that ends soon."""

    id: int
    title: str
    customer: str
    amount: Decimal | None
    currency: str
    ends_on: date
    owner: str


@dataclass
class Overview:
    """The figures of a person's first page; those they have no right to stay empty."""

    sees_customers: bool = False
    sees_contracts: bool = False
    sees_interactions: bool = False
    customers: int = 0
    to_contact: int = 0
    incomplete: int = 0
    percent: int | None = None
    interactions: int = 0
    ending: dict[int, int] = field(default_factory=lambda: {30: 0, 60: 0, 90: 0})
    overdue: int = 0
    to_decide: int = 0
    soonest: Sequence[Ending] = ()
    contacts_due: Sequence[tuple[int, str, date]] = ()
    birthdays: Sequence[tuple[int, str]] = ()
    months: Sequence[tuple[date, date, int]] = ()


def of(actor: User, today: date) -> Overview:
    """Return the overview of a person's day, the company's day being `today`. Source: C4"""
    found = Overview()
    if access.allows(actor, "view", Customer):
        _customers(found, actor, today)
    if access.allows(actor, "view", Contract):
        _contracts(found, actor, today)
    if access.allows(actor, "view", Interaction):
        _interactions(found, actor, today)
    if access.allows(actor, "approve", Expense):
        found.to_decide = _to_decide(actor)
    return found


def _customers(found: Overview, actor: User, today: date) -> None:
    found.sees_customers = True
    mine = select(
        func.count(), func.sum(case((Customer.next_contact_on <= today, 1), else_=0))
    ).where(Customer.account_manager_id == actor.id, Customer.deleted_at.is_(None))
    count, due = db.session.execute(mine).one()
    found.customers, found.to_contact = count, due or 0
    rated = (
        select(Customer.completeness, func.count())
        .where(*access.rows(Customer, actor))
        .group_by(Customer.completeness)
    )
    shares = {r: n for r, n in db.session.execute(rated) if r is not None}
    checked = sum(shares.values())
    found.percent = sum(r * n for r, n in shares.items()) // checked if checked else None
    found.incomplete = sum(n for r, n in shares.items() if r < 100)
    due_ones = (
        select(Customer.id, Customer.name, Customer.next_contact_on)
        .where(
            Customer.account_manager_id == actor.id,
            Customer.deleted_at.is_(None),
            Customer.next_contact_on <= today,
        )
        .order_by(Customer.next_contact_on, Customer.id)
    )
    rows = db.session.execute(due_ones.limit(SHOWN))
    found.contacts_due = [(id, name, day) for id, name, day in rows if day is not None]
    if access.allows(actor, "view", Contact):
        found.birthdays = _birthdays(actor, today)


def _birthdays(actor: User, today: date) -> list[tuple[int, str]]:
    """Return the contacts of the actor's own customers whose birthday it is."""
    statement = (
        select(Contact.id, Contact.name)
        .join(Customer, Customer.id == Contact.customer_id)
        .where(
            Customer.account_manager_id == actor.id,
            Contact.deleted_at.is_(None),
            extract("month", Contact.birthday) == today.month,
            extract("day", Contact.birthday) == today.day,
        )
        .order_by(Contact.name)
    )
    return [(id, name) for id, name in db.session.execute(statement.limit(SHOWN))]


def _contracts(found: Overview, actor: User, today: date) -> None:
    found.sees_contracts = True
    mine = [*access.rows(Contract, actor), Contract.status == ContractStatus.ACTIVE]
    months = [_month(today, ahead) for ahead in range(MONTHS)]
    by_day = (
        select(Contract.ends_on, func.count())
        .where(*mine, Contract.ends_on <= max(months[-1][1], today + timedelta(days=90)))
        .group_by(Contract.ends_on)
    )
    counts: dict[date, int] = dict(db.session.execute(by_day).all())

    ahead = {day: count for day, count in counts.items() if day >= today}
    found.overdue = sum(counts.values()) - sum(ahead.values())
    found.ending = {
        days: sum(n for day, n in ahead.items() if day <= today + timedelta(days=days))
        for days in found.ending
    }
    by_month: dict[tuple[int, int], int] = {}
    for day, count in ahead.items():
        by_month[day.year, day.month] = by_month.get((day.year, day.month), 0) + count
    found.months = [
        (start, end, by_month.get((start.year, start.month), 0)) for start, end in months
    ]
    rows = db.session.execute(
        select(
            Contract.id,
            Contract.title_text,
            Customer.name,
            Contract.amount,
            Contract.currency,
            Contract.ends_on,
            User.name,
        )
        .join(Customer, Customer.id == Contract.customer_id)
        .join(User, User.id == Contract.owner_id)
        .where(*mine, Contract.ends_on.between(today, today + timedelta(days=90)))
        .order_by(Contract.ends_on, Contract.id)
        .limit(SHOWN)
    )
    found.soonest = [Ending(*row) for row in rows]


def _month(today: date, ahead: int) -> tuple[date, date]:
    """Return the first and last day of the month so many months after today's."""
    months = today.year * 12 + today.month - 1 + ahead
    year, month = divmod(months, 12)
    return date(year, month + 1, 1), date(year, month + 1, monthrange(year, month + 1)[1])


def _interactions(found: Overview, actor: User, today: date) -> None:
    found.sees_interactions = True
    since = datetime.combine(today.replace(day=1), time(), UTC)
    statement = select(func.count()).where(
        Interaction.author_id == actor.id,
        Interaction.happened_at >= since,
        Interaction.deleted_at.is_(None),
    )
    found.interactions = db.session.scalar(statement) or 0


def _to_decide(actor: User) -> int:
    """Return how many expenses wait for the actor's decision: nobody decides on their own."""
    statement = select(func.count()).where(
        *access.rows(Expense, actor, "approve"),
        Expense.status == ExpenseStatus.SUBMITTED,
        Expense.claimant_id != actor.id,
    )
    return db.session.scalar(statement) or 0
