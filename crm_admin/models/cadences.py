"""Cadences: how often customers of a grade or a segment are to be visited."""

from collections.abc import Iterator

from sqlalchemy import Column, ForeignKey, Table
from sqlalchemy.orm import Mapped, relationship

from crm_admin.errors import Problem
from crm_admin.i18n import N_
from crm_admin.models.base import Model, Record, field
from crm_admin.models.picklists import PicklistItem

#: The rarest visits that can be asked for.
MOST_DAYS = 3_660

cadence_kinds = Table(
    "cadence_kinds",
    Model.metadata,
    Column("cadence_id", ForeignKey("cadences.id"), primary_key=True),
    Column("item_id", ForeignKey("picklist_items.id"), primary_key=True, index=True),
)


class Cadence(Record):
    """How often which customers are to be visited; of several that fit, the most frequent counts.

    Source: C9, A13, A15
    """

    __tablename__ = "cadences"
    singular, plural = N_("Visit cadence"), N_("Visit cadences")
    configures = True

    name: Mapped[str] = field(label=N_("Name"), help=N_("Such as: key customers, every month."))
    grade: Mapped[str | None] = field(
        label=N_("Grade"), picklist="customer_grades", help=N_("Empty: of every grade.")
    )
    segment: Mapped[str | None] = field(
        label=N_("Strategic segment"), picklist="segments", help=N_("Empty: of every segment.")
    )
    every_days: Mapped[int] = field(
        label=N_("Every so many days"), help=N_("At most so many days pass between two visits.")
    )
    tells_chief: Mapped[bool] = field(
        label=N_("Tell the chief representative too"),
        default=False,
        help=N_("Of visits that are overdue, beside the account manager."),
    )

    kinds: Mapped[list[PicklistItem]] = relationship(
        secondary=cadence_kinds, order_by=PicklistItem.position, info={"label": N_("What counts")}
    )

    def problems(self) -> Iterator[Problem]:
        if self.every_days is not None and not 0 < self.every_days <= MOST_DAYS:
            message = N_("Say a number from 1 to %(most)s.")
            yield Problem("every_days", message, {"most": MOST_DAYS})
