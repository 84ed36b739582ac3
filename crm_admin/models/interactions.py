"""Interactions: what passed between one of our people and a customer, and what was closed of it."""

from datetime import date, datetime
from typing import cast

from sqlalchemy import Column, ForeignKey, Index, String, Table, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_admin import clock
from crm_admin.i18n import N_
from crm_admin.models import closed, unchangeable
from crm_admin.models.base import Checked, Customizable, Model, Record, Searchable, field
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.types import State
from crm_admin.models.users import User

#: The kind of interaction that has attendees.
MEETING = "meeting"
LONGEST_REASON = 500
#: The condition of an index of those that wait to be closed.
STILL_OPEN = text("closed_at IS NULL AND written_on IS NOT NULL")


class InteractionStatus(State):
    """Whether it was closed, and in time."""

    OPEN = "open", N_("Not closed"), "warn"
    CLOSED = "closed", N_("Closed"), "ok"
    CLOSED_LATE = "closed_late", N_("Closed late"), "bad"


#: Who attended a meeting: of our people, and of the customer's.
interaction_colleagues = Table(
    "interaction_colleagues",
    Model.metadata,
    Column("interaction_id", ForeignKey("interactions.id"), primary_key=True),
    Column("user_id", ForeignKey("users.id"), primary_key=True, index=True),
)
interaction_guests = Table(
    "interaction_guests",
    Model.metadata,
    Column("interaction_id", ForeignKey("interactions.id"), primary_key=True),
    Column("contact_id", ForeignKey("contacts.id"), primary_key=True, index=True),
)


class Interaction(Searchable, Checked, Customizable, Record):
    """A visit, a call, a mail or a meeting: when, where, what was said, what came of it.

    Its author closes it the same day; from then on it stays as it is, and what was wrong in it is
    corrected beside it. Source: B1, B2, B5, B8
    """

    __tablename__ = "interactions"
    __table_args__ = (
        # Visits due look for the last of some kinds: here is all that they ask.
        Index(None, "customer_id", "happened_at", "kind", "deleted_at"),
        Index(None, "happened_at", "id"),
        Index(None, "author_id", "happened_at"),
        Index(None, "status", "happened_at"),
        Index(None, "updated_at", "id"),
        Index(
            "ix_interactions_still_open",
            "written_on",
            "author_id",
            sqlite_where=STILL_OPEN,
            postgresql_where=STILL_OPEN,
        ),
    )
    title = "content"
    singular, plural = N_("Interaction"), N_("Interactions")
    owners = ("author_id",)
    follows = "customer_id"
    newest = "happened_at"
    search_keys = ("content", "effect", "next_step", "place")

    customer_id: Mapped[int] = field(ForeignKey("customers.id"), label=N_("Customer"))
    contact_id: Mapped[int | None] = field(
        ForeignKey("contacts.id"), label=N_("Contact"), index=True
    )
    kind: Mapped[str | None] = field(label=N_("Kind"), picklist="interaction_kinds")
    happened_at: Mapped[datetime] = field(label=N_("Time"), default=clock.now)
    place: Mapped[str | None] = field(label=N_("Place"))
    content: Mapped[str] = field(Text, label=N_("Content"), kind="lines")
    effect: Mapped[str | None] = field(Text, label=N_("Effect"), kind="lines")
    next_step: Mapped[str | None] = field(
        Text,
        label=N_("Next step"),
        kind="lines",
        help=N_("Where nothing is to follow, write “None”; it needs no day then."),
    )
    next_step_on: Mapped[date | None] = field(label=N_("Next step on"), index=True)
    author_id: Mapped[int] = field(ForeignKey("users.id"), label=N_("By"), verb="assign")
    #: None for those written down before interactions were closed, and those that files brought.
    written_on: Mapped[date | None] = field(label=N_("Written on"), given=True)
    status: Mapped[InteractionStatus | None] = field(label=N_("Status"), given=True)
    closed_at: Mapped[datetime | None] = field(label=N_("Closed at"), given=True, of=("status",))
    closed_by_id: Mapped[int | None] = field(
        ForeignKey("users.id"), label=N_("Closed by"), given=True, of=("status",)
    )
    closed_late: Mapped[bool] = mapped_column(default=False)

    customer: Mapped[Customer] = relationship()
    contact: Mapped[Contact | None] = relationship()
    author: Mapped[User] = relationship(foreign_keys=[author_id])
    closed_by: Mapped[User | None] = relationship(foreign_keys=[closed_by_id])
    colleagues: Mapped[list[User]] = relationship(
        secondary=interaction_colleagues,
        order_by=User.id,
        info={"label": N_("Attendees: our people")},
    )
    guests: Mapped[list[Contact]] = relationship(
        secondary=interaction_guests,
        order_by=Contact.id,
        info={"label": N_("Attendees: the customer's people")},
    )

    def derive(self) -> None:
        """Say in one word whether it is closed; of the old ones nobody asks it."""
        if self.closed_at is not None:
            late = InteractionStatus.CLOSED_LATE
            self.status = late if self.closed_late else InteractionStatus.CLOSED
        else:
            self.status = InteractionStatus.OPEN if self.written_on is not None else None

    def locked(self) -> str:
        if self.closed_at is None:
            return ""
        return N_("It was closed, so it stays as it is. What is wrong in it, a correction says.")


class Correction(Model):
    """What somebody added to a closed interaction; the database refuses to change it. Source: B2"""

    __tablename__ = "corrections"

    interaction_id: Mapped[int] = mapped_column(ForeignKey("interactions.id"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    text: Mapped[str] = mapped_column(Text)

    author: Mapped[User] = relationship()


class Reopening(Model):
    """That somebody asks to open a closed interaction again, and why.

    It is about the closing at `closed_at`: once it is closed again, that needs another one.
    """

    __tablename__ = "reopenings"

    interaction_id: Mapped[int] = mapped_column(ForeignKey("interactions.id"), index=True)
    closed_at: Mapped[datetime]
    #: Whether that closing was late: what is opened again and closed is no later for it.
    closed_late: Mapped[bool]
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    reason: Mapped[str] = mapped_column(String(LONGEST_REASON))

    asked_by: Mapped[User] = relationship()


class ReopeningAnswer(Model):
    """That somebody else agreed to open it, or did not."""

    __tablename__ = "reopening_answers"

    reopening_id: Mapped[int] = mapped_column(ForeignKey("reopenings.id"), index=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    agreed: Mapped[bool]

    by: Mapped[User] = relationship()


for _model in (Correction, Reopening, ReopeningAnswer):
    unchangeable.keep(cast(Table, _model.__table__))
closed.keep(cast(Table, Interaction.__table__), interaction_colleagues, interaction_guests)
