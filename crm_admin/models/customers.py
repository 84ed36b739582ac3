"""Customers: the organisations and people the business serves, and who looks after them."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_admin.errors import Problem
from crm_admin.i18n import N_
from crm_admin.models.base import (
    Checked,
    Customizable,
    Model,
    Record,
    Searchable,
    field,
    unique_alive,
)
from crm_admin.models.handovers import LONGEST_REASON
from crm_admin.models.types import Money, State
from crm_admin.models.users import User


class LifecycleStage(State):
    """How far a customer has come with us. Source: A9"""

    PROSPECT = "prospect", N_("Prospect"), "mut"
    OPPORTUNITY = "opportunity", N_("Opportunity customer"), "inf"
    CUSTOMER = "customer", N_("Active customer"), "ok"
    LAPSED = "lapsed", N_("Lapsed"), "bad"


class Part(State):
    """A part one of our people takes with a customer. Source: A5, A13, A14"""

    ACCOUNT_MANAGER = "account_manager", N_("Account manager")
    TECHNICAL_MANAGER = "technical_manager", N_("Technical manager")
    CHIEF_REPRESENTATIVE = "chief_representative", N_("Chief representative")


class Customer(Searchable, Checked, Customizable, Record):
    """An organisation or person served. It has one account manager, or lies in the pool.

    Source: A1, A2, A5
    """

    __tablename__ = "customers"
    __table_args__ = (
        unique_alive("number"),
        Index(None, "name", "id"),
        Index(None, "updated_at", "id"),
    )
    singular, plural = N_("Customer"), N_("Customers")
    number_prefix = "C"
    detail = "number"
    owners = ("account_manager_id", "technical_manager_id", "chief_representative_id")
    spoken_keys = ("name", "short_name")
    search_keys = (
        "number",
        "external_number",
        "name",
        "short_name",
        "phone",
        "email",
        "credit_code",
    )

    number: Mapped[str] = field(label=N_("Number"), given=True)
    external_number: Mapped[str | None] = field(
        label=N_("Earlier number"), help=N_("Its number in another system or file."), index=True
    )
    name: Mapped[str] = field(label=N_("Name"))
    short_name: Mapped[str | None] = field(label=N_("Short name"))
    category: Mapped[str | None] = field(label=N_("Category"), picklist="customer_categories")
    industry: Mapped[str | None] = field(label=N_("Industry"), picklist="industries", index=True)
    grade: Mapped[str | None] = field(label=N_("Grade"), picklist="customer_grades", index=True)
    stage: Mapped[LifecycleStage] = field(
        label=N_("Lifecycle stage"), default=LifecycleStage.PROSPECT, index=True
    )
    stage_since: Mapped[datetime | None] = field(
        label=N_("In this stage since"), given=True, of=("stage",)
    )
    source: Mapped[str | None] = field(label=N_("Source"), picklist="customer_sources")
    phone: Mapped[str | None] = field(label=N_("Phone"), kind="phone", index=True)
    fax: Mapped[str | None] = field(label=N_("Fax"), kind="phone")
    email: Mapped[str | None] = field(label=N_("E-mail"), kind="email")
    website: Mapped[str | None] = field(label=N_("Website"), kind="url")
    country: Mapped[str | None] = field(label=N_("Country"))
    province: Mapped[str | None] = field(label=N_("Province"))
    city: Mapped[str | None] = field(label=N_("City"), index=True)
    district: Mapped[str | None] = field(label=N_("District"))
    postal_code: Mapped[str | None] = field(label=N_("Postal code"))
    address: Mapped[str | None] = field(label=N_("Mailing address"))
    credit_code: Mapped[str | None] = field(
        label=N_("Unified social credit code"), help=N_("18 characters, as on the licence.")
    )
    credit_rating: Mapped[str | None] = field(label=N_("Credit rating"), picklist="credit_ratings")
    credit_limit: Mapped[Decimal | None] = field(
        Money, label=N_("Credit limit"), help=N_("In the company's currency.")
    )
    segment: Mapped[str | None] = field(label=N_("Strategic segment"), picklist="segments")
    parent_id: Mapped[int | None] = field(
        ForeignKey("customers.id"), label=N_("Parent customer"), index=True
    )
    account_manager_id: Mapped[int | None] = field(
        ForeignKey("users.id"), label=N_("Account manager"), verb="assign", index=True
    )
    technical_manager_id: Mapped[int | None] = field(
        ForeignKey("users.id"), label=N_("Technical manager"), verb="assign", index=True
    )
    chief_representative_id: Mapped[int | None] = field(
        ForeignKey("users.id"), label=N_("Chief representative"), verb="assign", index=True
    )
    next_contact_on: Mapped[date | None] = field(label=N_("Next contact on"), index=True)
    notes: Mapped[str | None] = field(Text, label=N_("Notes"), kind="lines")
    #: Since when it has no account manager; its assignments say so too, but no list asks them.
    pooled_at: Mapped[datetime | None]

    parent: Mapped["Customer | None"] = relationship(remote_side="Customer.id")

    account_manager: Mapped[User | None] = relationship(foreign_keys=[account_manager_id])
    technical_manager: Mapped[User | None] = relationship(foreign_keys=[technical_manager_id])
    chief_representative: Mapped[User | None] = relationship(foreign_keys=[chief_representative_id])

    def problems(self) -> Iterator[Problem]:
        if self.parent_id is not None and self.parent_id == self.id:
            yield Problem("parent_id", N_("A customer cannot belong to itself."))


class Assignment(Model):
    """Who took a part with a customer from one moment to another; the open one has no end.

    Source: A5, A6
    """

    __tablename__ = "assignments"
    __table_args__ = (
        Index(
            "uq_assignments_open",
            "customer_id",
            "part",
            unique=True,
            sqlite_where=text("until_at IS NULL"),
            postgresql_where=text("until_at IS NULL"),
        ),
    )

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    part: Mapped[Part]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    from_at: Mapped[datetime]
    until_at: Mapped[datetime | None]
    by_id: Mapped[int | None]
    #: Why it came to them, and why it went back into the pool, where somebody said so.
    reason: Mapped[str | None] = mapped_column(String(LONGEST_REASON))
    end_reason: Mapped[str | None] = mapped_column(String(LONGEST_REASON))
    handover_id: Mapped[int | None] = mapped_column(ForeignKey("handovers.id"), index=True)

    user: Mapped[User] = relationship()


class LifecycleStep(Model):
    """The moment a customer came to a stage. Source: A9"""

    __tablename__ = "lifecycle_steps"

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    stage: Mapped[LifecycleStage]
    since_at: Mapped[datetime]
    by_id: Mapped[int | None]
