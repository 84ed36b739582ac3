"""Reviews: what supervisors thought of records that their people wrote."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from crm_admin.i18n import N_
from crm_admin.models.base import Model
from crm_admin.models.types import State

#: The longest remark beside a reason.
LONGEST_NOTE = 500
#: The condition of the verdict that counts now.
STANDING = text("superseded_at IS NULL AND undone_at IS NULL")


class Verdict(State):
    """What somebody who looked at a record said of it."""

    PASSED = "passed", N_("Passed"), "ok"
    FAILED = "failed", N_("Not passed"), "bad"


class Review(Model):
    """A verdict on one version of a record, of whose work it is, on a company day.

    The one that counts has not been superseded nor undone; there is one of a record at most. What
    failed has `fixed_at` once somebody changed the record after it. Source: B4
    """

    __tablename__ = "reviews"
    __table_args__ = (
        Index(
            "uq_reviews_standing",
            "entity",
            "record_id",
            unique=True,
            sqlite_where=STANDING,
            postgresql_where=STANDING,
        ),
        Index(None, "entity", "record_id", "id"),
        Index(None, "person_id", "on_day"),
        Index(None, "by_id", "id"),
    )

    entity: Mapped[str]
    record_id: Mapped[int]
    version: Mapped[int]
    on_day: Mapped[date]
    person_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    verdict: Mapped[Verdict]
    #: The code of one of the reasons offered, and what was written beside it.
    reason: Mapped[str | None] = mapped_column(info={"picklist": "review_reasons"})
    note: Mapped[str | None] = mapped_column(String(LONGEST_NOTE))
    fixed_at: Mapped[datetime | None]
    superseded_at: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]
