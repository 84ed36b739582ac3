"""Expenses: what people spent for the business, claimed, approved and paid."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Text
from sqlalchemy.orm import Mapped, relationship

from crm_admin.errors import Problem
from crm_admin.i18n import N_
from crm_admin.models.base import (
    Checked,
    Customizable,
    Record,
    Searchable,
    field,
    unique_alive,
)
from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Customer
from crm_admin.models.types import Money, State
from crm_admin.models.users import User


class ExpenseStatus(State):
    """Where a claim stands."""

    DRAFT = "draft", N_("Draft"), "mut"
    SUBMITTED = "submitted", N_("Submitted"), "inf"
    APPROVED = "approved", N_("Approved"), "ok"
    REJECTED = "rejected", N_("Rejected"), "bad"
    PAID = "paid", N_("Paid"), "ok"


class Expense(Searchable, Checked, Customizable, Record):
    """A claim for money spent. What was submitted changes only by sending it back.

    Source: G2, I8
    """

    __tablename__ = "expenses"
    __table_args__ = (unique_alive("number"), CheckConstraint("amount > 0", name="amount_positive"))
    title = "number"
    singular, plural = N_("Expense"), N_("Expenses")
    number_prefix = "E"
    owners = ("claimant_id",)
    search_keys = ("number", "purpose")

    number: Mapped[str] = field(label=N_("Number"), given=True)
    kind: Mapped[str | None] = field(label=N_("Kind"), picklist="expense_kinds")
    amount: Mapped[Decimal] = field(Money, label=N_("Amount"), help=N_("Tax included."))
    currency: Mapped[str] = field(label=N_("Currency"), picklist="currencies", default="CNY")
    spent_on: Mapped[date] = field(label=N_("Spent on"))
    claimant_id: Mapped[int] = field(
        ForeignKey("users.id"), label=N_("Claimant"), verb="assign", index=True
    )
    customer_id: Mapped[int | None] = field(
        ForeignKey("customers.id"), label=N_("Customer"), index=True
    )
    contract_id: Mapped[int | None] = field(
        ForeignKey("contracts.id"), label=N_("Contract"), index=True
    )
    purpose: Mapped[str] = field(Text, label=N_("Purpose"), kind="lines")
    status: Mapped[ExpenseStatus] = field(
        label=N_("Status"), default=ExpenseStatus.DRAFT, given=True
    )
    submitted_at: Mapped[datetime | None] = field(
        label=N_("Submitted at"), given=True, of=("status",)
    )
    decided_by_id: Mapped[int | None] = field(
        ForeignKey("users.id"), label=N_("Decided by"), given=True, of=("status",)
    )
    decided_at: Mapped[datetime | None] = field(label=N_("Decided at"), given=True, of=("status",))
    decision_note: Mapped[str | None] = field(
        Text, label=N_("Reason"), kind="lines", given=True, of=("status",)
    )
    paid_on: Mapped[date | None] = field(label=N_("Paid on"), given=True, of=("status",))

    claimant: Mapped[User] = relationship(foreign_keys=[claimant_id])
    decided_by: Mapped[User | None] = relationship(foreign_keys=[decided_by_id])
    customer: Mapped[Customer | None] = relationship()
    contract: Mapped[Contract | None] = relationship()

    def locked(self) -> str:
        if self.status in (ExpenseStatus.DRAFT, ExpenseStatus.REJECTED):
            return ""
        if self.status == ExpenseStatus.SUBMITTED:
            return N_("What was submitted can change only after it is sent back.")
        return N_("What was approved or paid stays as it is.")

    def problems(self) -> Iterator[Problem]:
        if self.amount is not None and self.amount <= 0:
            yield Problem("amount", N_("An expense is more than zero."))
