"""Contracts: what a customer has signed, and until when."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, relationship

from crm_admin.errors import Problem
from crm_admin.i18n import N_
from crm_admin.models.base import (
    ALIVE,
    Checked,
    Customizable,
    Record,
    Searchable,
    field,
    unique_alive,
)
from crm_admin.models.customers import Customer
from crm_admin.models.types import Money, State
from crm_admin.models.users import User


class ContractKind(State):
    """What was agreed."""

    SALE = "sale", N_("Sale")
    SERVICE = "service", N_("Service")
    SUBSCRIPTION = "subscription", N_("Subscription")
    MEMBERSHIP = "membership", N_("Membership")


class ContractStatus(State):
    """Where a contract stands; only an active one can run out."""

    DRAFT = "draft", N_("Draft"), "mut"
    ACTIVE = "active", N_("In force"), "ok"
    SUSPENDED = "suspended", N_("Suspended"), "warn"
    RENEWED = "renewed", N_("Renewed"), "inf"
    NOT_RENEWED = "not_renewed", N_("Not renewed"), "bad"
    TERMINATED = "terminated", N_("Terminated"), "bad"


class RenewalPolicy(State):
    """What happens at the end of an active contract."""

    RENEW = "renew", N_("Renew by itself")
    ASK = "ask", N_("Ask the owner")
    LAPSE = "lapse", N_("Let it run out")


class Contract(Searchable, Checked, Customizable, Record):
    """An agreement with a customer that runs from one day to another, both included.

    Source: E8, H1, H3
    """

    __tablename__ = "contracts"
    __table_args__ = (
        CheckConstraint("starts_on <= ends_on", name="dates_in_order"),
        CheckConstraint("notice_days >= 0", name="notice_not_negative"),
        unique_alive("number"),
        Index(None, "updated_at", "id"),
        Index(None, "status", "ends_on", sqlite_where=ALIVE, postgresql_where=ALIVE),
        Index(None, "status", "remind_on", sqlite_where=ALIVE, postgresql_where=ALIVE),
    )
    title = "title_text"
    singular, plural = N_("Contract"), N_("Contracts")
    number_prefix = "CT"
    detail = "number"
    owners = ("owner_id",)
    follows = "customer_id"
    goes_along = "owner_id"
    spoken_keys = ("title_text",)
    search_keys = ("number", "external_number", "title_text")

    number: Mapped[str] = field(label=N_("Number"), given=True)
    external_number: Mapped[str | None] = field(
        label=N_("Earlier number"), help=N_("Its number in another system or file."), index=True
    )
    title_text: Mapped[str] = field(label=N_("Title"))
    customer_id: Mapped[int] = field(ForeignKey("customers.id"), label=N_("Customer"), index=True)
    kind: Mapped[ContractKind] = field(label=N_("Kind"), default=ContractKind.SALE)
    status: Mapped[ContractStatus] = field(label=N_("Status"), default=ContractStatus.DRAFT)
    signed_on: Mapped[date | None] = field(label=N_("Signed on"))
    starts_on: Mapped[date] = field(label=N_("Starts on"))
    ends_on: Mapped[date] = field(label=N_("Ends on"), index=True, help=N_("The last day it runs."))
    amount: Mapped[Decimal | None] = field(
        Money, label=N_("Amount"), help=N_("For the whole term, tax included.")
    )
    currency: Mapped[str] = field(label=N_("Currency"), picklist="currencies", default="CNY")
    notice_days: Mapped[int] = field(
        label=N_("Notice days"),
        default=30,
        help=N_("How many days before the end its owner is reminded."),
    )
    remind_on: Mapped[date | None] = field(
        label=N_("Reminder on"), given=True, of=("ends_on", "notice_days")
    )
    renewal_policy: Mapped[RenewalPolicy] = field(label=N_("At the end"), default=RenewalPolicy.ASK)
    predecessor_id: Mapped[int | None] = field(
        ForeignKey("contracts.id"), label=N_("Follows contract"), index=True
    )
    owner_id: Mapped[int] = field(
        ForeignKey("users.id"), label=N_("Owner"), verb="assign", index=True
    )
    notes: Mapped[str | None] = field(Text, label=N_("Notes"), kind="lines")

    customer: Mapped[Customer] = relationship()
    predecessor: Mapped["Contract | None"] = relationship(remote_side="Contract.id")
    owner: Mapped[User] = relationship()

    def derive(self) -> None:
        """Set the first day on which the owner should be reminded."""
        if self.ends_on and self.notice_days is not None and 0 <= self.notice_days <= 3650:
            self.remind_on = self.ends_on - timedelta(days=self.notice_days)

    def problems(self) -> Iterator[Problem]:
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            yield Problem("ends_on", N_("A contract cannot end before it starts."))
        if self.notice_days is not None and not 0 <= self.notice_days <= 3650:
            yield Problem("notice_days", N_("Notice days go from 0 to 3650."))
        if self.amount is not None and self.amount < 0:
            yield Problem("amount", N_("An amount cannot be negative."))
        if self.predecessor_id is not None and self.predecessor_id == self.id:
            yield Problem("predecessor_id", N_("A contract cannot follow itself."))
