"""Reminders: whom a supervisor asked to put what right, and whether they did."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from crm_admin.i18n import N_
from crm_admin.models.base import Model
from crm_admin.models.types import State

#: The condition of a reminder that is still to be heeded.
UNHEEDED = text("repaired_at IS NULL")


class Lacking(State):
    """What a record lacks that somebody is reminded of."""

    MISSING = "missing", N_("Incomplete"), "warn"
    OPEN = "open", N_("Not closed"), "warn"
    FAILED = "failed", N_("Not passed"), "bad"


class Reminder(Model):
    """One thing of which somebody was reminded: once a company day, whoever reminds them.

    Source: A3
    """

    __tablename__ = "reminders"
    __table_args__ = (
        Index(None, "person_id", "on_day", "entity", "record_id", "lacking", unique=True),
        Index(
            None,
            "entity",
            "record_id",
            sqlite_where=UNHEEDED,
            postgresql_where=UNHEEDED,
        ),
    )

    person_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    on_day: Mapped[date]
    entity: Mapped[str]
    record_id: Mapped[int]
    lacking: Mapped[Lacking]
    by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    repaired_at: Mapped[datetime | None]
    #: Whether it was neither they who put it right, nor who stands in for them.
    by_others: Mapped[bool] = mapped_column(default=False)
