"""Where records fall short of the rules, and how complete they were on each day."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, synonym

from crm_admin.models.base import Model
from crm_admin.models.rules import Rule


class Finding(Model):
    """A record that breaks a rule, from when it was found to when it was put right.

    `found_on` is the company's day. One that was closed without being put right, since the rule or
    the record is gone, says nobody in `fixed_by_id`.
    Source: A3
    """

    __tablename__ = "findings"
    __table_args__ = (
        Index(
            "uq_findings_open",
            "rule_id",
            "record_id",
            unique=True,
            sqlite_where=text("fixed_at IS NULL"),
            postgresql_where=text("fixed_at IS NULL"),
        ),
        Index(None, "entity", "record_id"),
        Index(
            None,
            "reminded_at",
            sqlite_where=text("reminded_at IS NOT NULL"),
            postgresql_where=text("reminded_at IS NOT NULL"),
        ),
    )

    rule_id: Mapped[int] = mapped_column(ForeignKey("rules.id"))
    entity: Mapped[str]
    record_id: Mapped[int]
    found_on: Mapped[date]
    found_at: Mapped[datetime] = synonym("created_at")
    #: Since when whoever the record belongs to has had it before them.
    seen_at: Mapped[datetime | None]
    #: When and by whom its owner was last reminded of it.
    reminded_at: Mapped[datetime | None]
    reminded_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    fixed_at: Mapped[datetime | None]
    #: Who saved what put it right; the system where a job found it so.
    fixed_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))

    rule: Mapped[Rule] = relationship()


class DailyScore(Model):
    """How complete one person's records of an entity were on a day.

    Departments add up those who were in them on that day. Source: A3, F3
    """

    __tablename__ = "daily_scores"
    __table_args__ = (
        UniqueConstraint("day", "entity", "user_id"),
        Index(None, "user_id", "entity", "day"),
    )

    day: Mapped[date]
    entity: Mapped[str]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("departments.id"))
    #: How many records they had, how many lacked nothing, and the sum of all their percentages.
    records: Mapped[int]
    complete: Mapped[int]
    percents: Mapped[int]
