"""Handovers: acts by which customers, and what goes along with them, changed hands."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from crm_admin.models.base import Model

#: The longest reason that can be given.
LONGEST_REASON = 500


class Handover(Model):
    """Customers given by one person to another, in one act and for one reason. Source: A6"""

    __tablename__ = "handovers"

    by_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    to_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    reason: Mapped[str] = mapped_column(String(LONGEST_REASON))
    undone_at: Mapped[datetime | None]
    undone_by_id: Mapped[int | None]


class HandedOver(Model):
    """One field that a handover changed, and whose the record was; nobody's: from the pool."""

    __tablename__ = "handed_over"

    handover_id: Mapped[int] = mapped_column(ForeignKey("handovers.id"), index=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    entity: Mapped[str]
    record_id: Mapped[int]
    field_key: Mapped[str]
    from_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
