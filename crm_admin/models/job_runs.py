"""Job runs: what the clock started, for which day, and how it ended."""

from datetime import date, datetime

from sqlalchemy import Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from crm_admin.i18n import N_
from crm_admin.models.base import Model
from crm_admin.models.types import State


class RunState(State):
    """How far a run has come."""

    RUNNING = "running", N_("Running"), "inf"
    DONE = "done", N_("Done"), "ok"
    FAILED = "failed", N_("Failed"), "bad"


class JobRun(Model):
    """One run of one job for one of the company's days.

    A scheduled run exists once a job and day. Whoever holds the lease works on it; when its holder
    is gone the lease runs out and another takes the run over, from the mark the last chunk left.
    """

    __tablename__ = "job_runs"
    __table_args__ = (
        Index(
            "uq_job_runs_scheduled",
            "job",
            "day",
            unique=True,
            sqlite_where=text("is_scheduled = 1"),
            postgresql_where=text("is_scheduled"),
        ),
        Index(None, "job", "id"),
    )

    job: Mapped[str]
    day: Mapped[date]
    is_scheduled: Mapped[bool]
    state: Mapped[RunState]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    count: Mapped[int] = mapped_column(default=0)
    mark: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=1)
    error: Mapped[str | None] = mapped_column(Text)
    holder: Mapped[str]
    lease_until: Mapped[datetime]


class Heartbeat(Model):
    """When a part of the system that nobody watches was last alive."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(unique=True)
    beat_at: Mapped[datetime]
