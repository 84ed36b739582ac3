"""Interactions: what passed between one of our people and a customer."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_admin import clock
from crm_admin.i18n import N_
from crm_admin.models.base import Checked, Customizable, Record, Searchable, field
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.users import User

#: The condition of an index of those that wait to be closed.
STILL_OPEN = text("closed_at IS NULL AND written_on IS NOT NULL")


class Interaction(Searchable, Checked, Customizable, Record):
    """A visit, a call, a mail or a meeting: when, where, what was said, what came of it.

    Source: B1, B5, B8
    """

    __tablename__ = "interactions"
    __table_args__ = (
        Index(None, "customer_id", "happened_at"),
        Index(None, "happened_at", "id"),
        Index(None, "author_id", "happened_at"),
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
    next_step: Mapped[str | None] = field(Text, label=N_("Next step"), kind="lines")
    author_id: Mapped[int] = field(ForeignKey("users.id"), label=N_("By"), verb="assign")
    #: The company's day on which it was written; none: before there was closing, so never late.
    written_on: Mapped[date | None]
    closed_at: Mapped[datetime | None] = mapped_column()
    closed_late: Mapped[bool] = mapped_column(default=False)

    customer: Mapped[Customer] = relationship()
    contact: Mapped[Contact | None] = relationship()
    author: Mapped[User] = relationship()
