"""Events: what somebody has in their calendar, and who is invited to it."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_admin.errors import Problem
from crm_admin.i18n import N_
from crm_admin.models.base import Customizable, Model, Record, field
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.types import State
from crm_admin.models.users import User

#: So many days an event lasts at most; who looks for those of a day looks no further back.
LONGEST = timedelta(days=100)


class Answer(State):
    """What somebody who is invited has said."""

    OPEN = "open", N_("No answer yet"), "mut"
    YES = "yes", N_("Comes"), "ok"
    NO = "no", N_("Does not come"), "bad"


class EventGuest(Model):
    """Somebody invited to an event, what they answered, and of which time and place they know."""

    __tablename__ = "event_guests"
    __table_args__ = (
        Index(None, "event_id", "user_id", unique=True),
        Index(None, "user_id", "event_id"),
    )

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    answer: Mapped[Answer] = mapped_column(default=Answer.OPEN)
    answered_at: Mapped[datetime | None]
    #: When and where it was when they were last told; nothing yet: they were not.
    told: Mapped[str | None] = mapped_column(Text)


class Event(Customizable, Record):
    """An appointment, a visit, a meeting or a leave, in its organiser's calendar.

    An event of whole days begins and ends at midnight of the clock by which it was written, and is
    on the same days for whoever looks at it. Source: C1, C2, C3
    """

    __tablename__ = "events"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="times_in_order"),
        Index(None, "owner_id", "starts_at"),
        Index(None, "starts_at", "id"),
    )
    title = "subject"
    singular, plural = N_("Event"), N_("Events")
    owners = ("owner_id",)
    newest = "starts_at"
    search_keys = ("subject", "place")
    invites = ("event_guests", "event_id", "user_id")
    private = "is_private"
    #: Who was taken off the list just now, and is to be told.
    uninvited = cast("tuple[int, ...]", ())

    subject: Mapped[str] = field(label=N_("Event title"))
    kind: Mapped[str | None] = field(label=N_("Kind"), picklist="event_kinds")
    starts_at: Mapped[datetime] = field(label=N_("Starts"))
    ends_at: Mapped[datetime] = field(label=N_("Ends"))
    is_all_day: Mapped[bool] = field(
        label=N_("All day"), default=False, help=N_("Of the times only the days count.")
    )
    place: Mapped[str | None] = field(label=N_("Place"))
    owner_id: Mapped[int] = field(ForeignKey("users.id"), label=N_("Organiser"), verb="assign")
    customer_id: Mapped[int | None] = field(
        ForeignKey("customers.id"), label=N_("Customer"), index=True
    )
    contact_id: Mapped[int | None] = field(
        ForeignKey("contacts.id"), label=N_("Contact"), index=True
    )
    is_private: Mapped[bool] = field(
        label=N_("Private"),
        default=False,
        help=N_("Others see only that the time is taken, whatever their rights."),
    )
    notes: Mapped[str | None] = field(Text, label=N_("Notes"), kind="lines")
    cancelled_at: Mapped[datetime | None] = field(label=N_("Cancelled at"), given=True)
    #: The zone by whose clock it was written; its days are meant by that.
    time_zone: Mapped[str] = mapped_column()

    owner: Mapped[User] = relationship(foreign_keys=[owner_id])
    customer: Mapped[Customer | None] = relationship()
    contact: Mapped[Contact | None] = relationship()
    guests: Mapped[list[User]] = relationship(
        secondary="event_guests", order_by=User.name, info={"label": N_("Invited")}
    )

    @property
    def first_on(self) -> date:
        """The day it begins on, by the clock it was written by."""
        return self.starts_at.astimezone(ZoneInfo(self.time_zone)).date()

    @property
    def last_on(self) -> date:
        """The last day it touches, by the clock it was written by."""
        last = self.ends_at - timedelta(microseconds=1)
        return last.astimezone(ZoneInfo(self.time_zone)).date()

    def problems(self) -> Iterator[Problem]:
        if self.starts_at is None or self.ends_at is None:
            return
        if self.ends_at <= self.starts_at:
            yield Problem("ends_at", N_("It ends before it begins."))
        elif self.ends_at - self.starts_at > LONGEST:
            message = N_("An event lasts at most %(count)s days.")
            yield Problem("ends_at", message, {"count": LONGEST.days})


class CalendarFeed(Model):
    """The secret address of somebody's calendar; only its hash is kept."""

    __tablename__ = "calendar_feeds"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), unique=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    made_at: Mapped[datetime]
