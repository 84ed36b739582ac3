"""Who sees what is not theirs: by standing in for somebody, or since a record is shared."""

from collections.abc import Iterator
from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_admin.errors import Problem
from crm_admin.i18n import N_
from crm_admin.models.base import Model, Record, field
from crm_admin.models.users import User


class Deputy(Record):
    """Who may do another's work as they may, from one day to another, both included. Source: S5"""

    __tablename__ = "deputies"
    __table_args__ = (CheckConstraint("from_on <= until_on", name="dates_in_order"),)
    singular, plural = N_("Deputy"), N_("Deputies")
    title = "occasion"
    owners = ("person_id",)
    newest = "from_on"
    configures = True

    person_id: Mapped[int] = field(ForeignKey("users.id"), label=N_("Who is away"), index=True)
    deputy_id: Mapped[int] = field(
        ForeignKey("users.id"),
        label=N_("Who stands in"),
        help=N_("They may see and do what the one who is away may, beside what they may already."),
        index=True,
    )
    occasion: Mapped[str] = field(
        label=N_("Occasion"), help=N_("Such as a holiday or a business trip.")
    )
    from_on: Mapped[date] = field(label=N_("From"))
    until_on: Mapped[date] = field(label=N_("Until"), help=N_("This day included."))

    person: Mapped[User] = relationship(foreign_keys=[person_id])
    deputy: Mapped[User] = relationship(foreign_keys=[deputy_id])

    def problems(self) -> Iterator[Problem]:
        if self.person_id is not None and self.person_id == self.deputy_id:
            yield Problem("deputy_id", N_("Nobody stands in for themselves."))
        if self.from_on and self.until_on and self.until_on < self.from_on:
            yield Problem("until_on", N_("It ends before it begins."))


class Share(Model):
    """A record that somebody may see although it is not theirs; taken back, the row goes."""

    __tablename__ = "shares"
    __table_args__ = (
        Index(None, "entity", "record_id", "user_id", unique=True),
        Index(None, "user_id", "entity"),
    )

    entity: Mapped[str]
    record_id: Mapped[int]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    may_edit: Mapped[bool] = mapped_column(default=False)
    until_on: Mapped[date | None]
    by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
