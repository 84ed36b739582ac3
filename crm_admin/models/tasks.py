"""Tasks: what somebody is to do, until when, and whether it was done."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_admin.errors import Problem
from crm_admin.i18n import N_
from crm_admin.models.base import (
    ALIVE,
    Checked,
    Customizable,
    Record,
    Searchable,
    field,
    unique_alive,
)
from crm_admin.models.contacts import Contact
from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.models.types import State
from crm_admin.models.users import User

#: The most steps that lie between one task of a series and the next.
MOST_EVERY = 999


class TaskStatus(State):
    """Where a task stands."""

    OPEN = "open", N_("Open"), "inf"
    DONE = "done", N_("Done"), "ok"
    DROPPED = "dropped", N_("Dropped"), "mut"


class Priority(State):
    """What comes first among what is due."""

    LOW = "low", N_("Low"), "mut"
    NORMAL = "normal", N_("Normal")
    HIGH = "high", N_("High"), "bad"


class Repeat(State):
    """How far the next task of a series lies from the one before."""

    NEVER = "never", N_("Does not repeat")
    DAILY = "daily", N_("Every day")
    WORKING_DAYS = "working_days", N_("Every working day")
    WEEKLY = "weekly", N_("Every week")
    MONTHLY = "monthly", N_("Every month")
    YEARLY = "yearly", N_("Every year")


class Task(Searchable, Checked, Customizable, Record):
    """Something that one person is to do, by a day, perhaps for a customer.

    `due_day` is the day of the month that a series keeps where a month is long enough for it;
    `previous_id` the task of the series that was done before it; `next_step_of_id` the interaction
    whose next step it is; `reminded_for` the reminder that was sent. Source: C2, C4, B5
    """

    __tablename__ = "tasks"
    __table_args__ = (
        CheckConstraint("repeat_every >= 1", name="repeat_every_positive"),
        unique_alive("previous_id"),
        Index(None, "next_step_of_id", unique=True),
        Index(None, "assignee_id", "status", "due_on", sqlite_where=ALIVE, postgresql_where=ALIVE),
        Index(None, "status", "remind_at", sqlite_where=ALIVE, postgresql_where=ALIVE),
    )
    title = "subject"
    singular, plural = N_("Task"), N_("Tasks")
    owners = ("assignee_id",)
    follows = "customer_id"
    goes_along = "assignee_id"
    goes_along_while = ("status", TaskStatus.OPEN)
    search_keys = ("subject", "result", "notes")

    subject: Mapped[str] = field(label=N_("Subject"))
    kind: Mapped[str | None] = field(label=N_("Kind"), picklist="task_kinds")
    priority: Mapped[Priority] = field(label=N_("Priority"), default=Priority.NORMAL)
    due_on: Mapped[date | None] = field(label=N_("Due on"), index=True)
    remind_at: Mapped[datetime | None] = field(label=N_("Reminder at"))
    repeat: Mapped[Repeat] = field(label=N_("Repeats"), default=Repeat.NEVER)
    repeat_every: Mapped[int] = field(
        label=N_("Every so many"),
        default=1,
        help=N_("2 with “every week” is every second week."),
    )
    repeat_until: Mapped[date | None] = field(label=N_("Repeats until"))
    status: Mapped[TaskStatus] = field(label=N_("Status"), default=TaskStatus.OPEN)
    result: Mapped[str | None] = field(Text, label=N_("Result"), kind="lines")
    assignee_id: Mapped[int] = field(ForeignKey("users.id"), label=N_("Assignee"), verb="assign")
    customer_id: Mapped[int | None] = field(
        ForeignKey("customers.id"), label=N_("Customer"), index=True
    )
    contact_id: Mapped[int | None] = field(
        ForeignKey("contacts.id"), label=N_("Contact"), index=True
    )
    contract_id: Mapped[int | None] = field(
        ForeignKey("contracts.id"), label=N_("Contract"), index=True
    )
    interaction_id: Mapped[int | None] = field(
        ForeignKey("interactions.id"), label=N_("From interaction"), index=True
    )
    notes: Mapped[str | None] = field(Text, label=N_("Notes"), kind="lines")
    done_at: Mapped[datetime | None] = field(label=N_("Done at"), given=True, of=("status",))
    done_by_id: Mapped[int | None] = field(
        ForeignKey("users.id"), label=N_("Done by"), given=True, of=("status",)
    )
    due_day: Mapped[int | None] = mapped_column()
    previous_id: Mapped[int | None] = mapped_column(ForeignKey("tasks.id"))
    next_step_of_id: Mapped[int | None] = mapped_column(ForeignKey("interactions.id"))
    reminded_for: Mapped[datetime | None] = mapped_column()

    assignee: Mapped[User] = relationship(foreign_keys=[assignee_id])
    done_by: Mapped[User | None] = relationship(foreign_keys=[done_by_id])
    customer: Mapped[Customer | None] = relationship()
    contact: Mapped[Contact | None] = relationship()
    contract: Mapped[Contract | None] = relationship()
    interaction: Mapped[Interaction | None] = relationship(foreign_keys=[interaction_id])

    def derive(self) -> None:
        """Keep the day of the month of a series: its own, unless the month was too short for it."""
        if self.due_on is None:
            self.due_day = None
        elif self.due_day is None or last_or(self.due_on, self.due_day) != self.due_on:
            self.due_day = self.due_on.day

    def problems(self) -> Iterator[Problem]:
        every = self.repeat_every
        if every is not None and not 1 <= every <= MOST_EVERY:
            yield Problem(
                "repeat_every", N_("This goes from 1 to %(most)s."), {"most": f"{MOST_EVERY}"}
            )
        if self.repeat == Repeat.NEVER:
            return
        if self.due_on is None:
            yield Problem("due_on", N_("A task that repeats needs a day on which it is due."))
        elif self.repeat_until is not None and self.repeat_until < self.due_on:
            yield Problem("repeat_until", N_("It cannot stop repeating before it is due."))


def last_or(month: date, day: int) -> date:
    """Return this day of the date's month, or the month's last where it has no such day."""
    return month.replace(day=min(day, monthrange(month.year, month.month)[1]))
