"""Promotion materials: what is printed and given away, and every movement of their stock."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

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


class PromotionMaterial(Searchable, Checked, Customizable, Record):
    """A brochure, sample or gift. Its stock is the sum of its movements and is never typed.

    Source: I7
    """

    __tablename__ = "promotion_materials"
    __table_args__ = (
        unique_alive("code"),
        CheckConstraint("stock >= 0", name="stock_not_negative"),
    )
    singular, plural = N_("Promotion material"), N_("Promotion materials")
    search_keys = ("code", "name", "place")

    code: Mapped[str] = field(label=N_("Code"))
    name: Mapped[str] = field(label=N_("Name"))
    kind: Mapped[str | None] = field(label=N_("Kind"), picklist="material_kinds")
    unit: Mapped[str | None] = field(label=N_("Unit"), picklist="units")
    unit_cost: Mapped[Decimal | None] = field(
        Money, label=N_("Unit cost"), help=N_("In the company's currency.")
    )
    stock: Mapped[int] = field(label=N_("In stock"), default=0, given=True)
    reorder_level: Mapped[int | None] = field(
        label=N_("Reorder level"), help=N_("At or below it, more should be ordered.")
    )
    place: Mapped[str | None] = field(label=N_("Place"))
    keeper_id: Mapped[int | None] = field(ForeignKey("users.id"), label=N_("Keeper"), index=True)
    notes: Mapped[str | None] = field(Text, label=N_("Notes"), kind="lines")

    keeper: Mapped[User | None] = relationship()

    def problems(self) -> Iterator[Problem]:
        for key in ("unit_cost", "reorder_level"):
            if (value := getattr(self, key)) is not None and value < 0:
                yield Problem(key, N_("This cannot be negative."))


class MovementKind(State):
    """How a movement changes the stock; a count sets it to what was found."""

    RECEIVED = "received", N_("Received")
    ISSUED = "issued", N_("Issued to a person")
    GIVEN = "given", N_("Given to a customer")
    RETURNED = "returned", N_("Returned")
    COUNTED = "counted", N_("Counted")


class MaterialMovement(Customizable, Record):
    """One change of a material's stock: it can be added, never changed.

    `quantity` is what a person wrote down, `change` what it did to the stock. Source: I7
    """

    __tablename__ = "material_movements"
    title = "kind"
    singular, plural = N_("Material movement"), N_("Material movements")
    follows = "material_id"
    append_only = True

    material_id: Mapped[int] = field(
        ForeignKey("promotion_materials.id"), label=N_("Promotion material"), index=True
    )
    kind: Mapped[MovementKind] = field(label=N_("Kind"), default=MovementKind.ISSUED)
    quantity: Mapped[int] = field(
        label=N_("Quantity"), help=N_("For a count: how many were found.")
    )
    change: Mapped[int] = field(label=N_("Change of stock"), given=True, of=("quantity",))
    person_id: Mapped[int | None] = field(
        ForeignKey("users.id"), label=N_("Person"), help=N_("Who received or returned it.")
    )
    customer_id: Mapped[int | None] = field(
        ForeignKey("customers.id"), label=N_("Customer"), index=True
    )
    moved_on: Mapped[date] = field(label=N_("Moved on"))
    notes: Mapped[str | None] = mapped_column(Text, info={"label": N_("Notes"), "kind": "lines"})

    material: Mapped[PromotionMaterial] = relationship()
    person: Mapped[User | None] = relationship()
    customer: Mapped[Customer | None] = relationship()

    def __str__(self) -> str:
        return f"{self.material}, {self.moved_on}" if self.material else super().__str__()

    def problems(self) -> Iterator[Problem]:
        if self.quantity is not None:
            least = 0 if self.kind == MovementKind.COUNTED else 1
            if not least <= self.quantity <= 10_000_000:
                yield Problem(
                    "quantity",
                    N_("The quantity goes from %(least)s to 10,000,000."),
                    {"least": least},
                )
        if self.kind == MovementKind.ISSUED and self.person_id is None:
            yield Problem("person_id", N_("Say to whom it was issued."))
        if self.kind == MovementKind.GIVEN and self.customer_id is None:
            yield Problem("customer_id", N_("Say to which customer it was given."))
