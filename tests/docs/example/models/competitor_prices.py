"""Competitor prices: what others charge, as our people saw it at a customer's."""

from collections.abc import Iterator
from datetime import date
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
from crm_admin.models.customers import Customer
from crm_admin.models.types import Money, State
from crm_admin.models.users import User


class Availability(State):
    """How easily the customer gets the competitor's product."""

    ON_THE_SHELF = "on_the_shelf", N_("On the shelf"), "warn"
    TO_ORDER = "to_order", N_("To order"), "mut"
    SOLD_OUT = "sold_out", N_("Sold out"), "ok"


class CompetitorPrice(Searchable, Checked, Customizable, Record):
    """What a competitor asked for a product at a customer's, on the day it was seen. Source: I9"""

    __tablename__ = "competitor_prices"
    __table_args__ = (
        unique_alive("number"),
        CheckConstraint("price >= 0", name="price_not_negative"),
    )
    title = "product"
    singular, plural = N_("Competitor price"), N_("Competitor prices")
    number_prefix = "CP"
    detail = "number"
    owners = ("reporter_id",)
    follows = "customer_id"
    search_keys = ("number", "product", "competitor")

    number: Mapped[str] = field(label=N_("Number"), given=True)
    product: Mapped[str] = field(label=N_("Product"))
    competitor: Mapped[str] = field(label=N_("Competitor"), index=True)
    customer_id: Mapped[int] = field(ForeignKey("customers.id"), label=N_("Customer"), index=True)
    price: Mapped[Decimal] = field(Money, label=N_("Price"), help=N_("A piece, tax included."))
    currency: Mapped[str] = field(label=N_("Currency"), picklist="currencies", default="CNY")
    availability: Mapped[Availability] = field(
        label=N_("Availability"), default=Availability.ON_THE_SHELF
    )
    seen_on: Mapped[date] = field(label=N_("Seen on"), index=True)
    offer_ends_on: Mapped[date | None] = field(
        label=N_("Offer ends on"), help=N_("The last day, where it is a special offer.")
    )
    reporter_id: Mapped[int] = field(
        ForeignKey("users.id"), label=N_("Reported by"), verb="assign", index=True
    )
    notes: Mapped[str | None] = field(Text, label=N_("Notes"), kind="lines")

    customer: Mapped[Customer] = relationship()
    reporter: Mapped[User] = relationship()

    def problems(self) -> Iterator[Problem]:
        if self.price is not None and self.price < 0:
            yield Problem("price", N_("An amount cannot be negative."))
        if self.seen_on and self.offer_ends_on and self.offer_ends_on < self.seen_on:
            yield Problem("offer_ends_on", N_("An offer cannot have ended before it was seen."))
