"""Runs of jobs: one a job and day, taken over when whoever worked on it is gone.

A holder renews its lease while it works. What makes a job's effects happen once is their own
unique keys; the lease only keeps two from doing the same work at the same time.
"""

import os
import secrets
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select, update

from crm_admin import clock
from crm_admin.database import db
from crm_admin.errors import Conflict
from crm_admin.models.job_runs import Heartbeat, JobRun, RunState
from crm_admin.services import records

LEASE = timedelta(seconds=60)
#: How long after its last beat the scheduler is said not to be running.
SILENCE = timedelta(minutes=3)
LONGEST_ERROR = 4_000
#: A failed run is tried again after 1, 2, 4 ... minutes, and then once an hour.
LONGEST_PAUSE = timedelta(hours=1)


def holder() -> str:
    """Return a name that no other process or thread bears."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"


@dataclass
class Progress:
    """How far a run has come: `mark` is the last id done, kept with each chunk's effects."""

    run_id: int
    holder: str
    mark: int = 0
    count: int = 0

    def keep(self, mark: int, done: int) -> None:
        """Note, within the chunk's transaction, that it is done and on how many it acted.

        Raises:
            Conflict: the run was taken over; the chunk's effects must not be committed.
        """
        self.mark, self.count = mark, self.count + done
        statement = update(JobRun).where(JobRun.id == self.run_id, JobRun.holder == self.holder)
        kept = statement.values(mark=mark, count=self.count, lease_until=clock.now() + LEASE)
        if not db.session.execute(kept).rowcount:  # type: ignore[attr-defined]
            raise Conflict("Another process has taken this run over.")


def claim(job: str, day: date, *, scheduled: bool) -> Progress | None:
    """Take a run to work on, or return None where it is done, waits, or someone works on it.

    A run by hand is always a new one. A scheduled run is the job's only one for that day; one whose
    holder is gone, or which failed a while ago, is taken over from where it stopped.
    """
    me, now = holder(), clock.now()
    try:
        with records.transaction(f"job {job}"):
            statement = select(JobRun).where(
                JobRun.job == job, JobRun.day == day, JobRun.is_scheduled
            )
            run = db.session.scalar(statement.with_for_update()) if scheduled else None
            if run is None:
                run = JobRun(
                    job=job,
                    day=day,
                    is_scheduled=scheduled,
                    state=RunState.RUNNING,
                    started_at=now,
                    holder=me,
                    lease_until=now + LEASE,
                )
                db.session.add(run)
                db.session.flush()  # its id is the run's name from here on
            elif not _is_free(run, now):
                return None
            else:
                run.state, run.holder, run.lease_until = RunState.RUNNING, me, now + LEASE
                run.tries, run.error, run.finished_at = run.tries + 1, None, None
            return Progress(run.id, me, run.mark, run.count)
    except Conflict:
        return None  # another process made the same run at the same moment


def _is_free(run: JobRun, now: datetime) -> bool:
    """Return whether a scheduled run may be taken over now.

    A moment further off than any could be was noted by a clock that was wrong: nobody waits for it.
    """
    if run.state == RunState.RUNNING:
        return not now < run.lease_until <= now + 2 * LEASE
    if run.state == RunState.FAILED:
        pause = min(timedelta(minutes=2 ** min(run.tries - 1, 10)), LONGEST_PAUSE)
        return not now < (run.finished_at or run.started_at) + pause <= now + pause
    return False


def renew(progress: Progress) -> bool:
    """Say that the holder is still at work; return whether the run is still its own."""
    with records.transaction("job lease"):
        statement = update(JobRun).where(
            JobRun.id == progress.run_id,
            JobRun.holder == progress.holder,
            JobRun.state == RunState.RUNNING,
        )
        renewed = statement.values(lease_until=clock.now() + LEASE)
        return bool(db.session.execute(renewed).rowcount)  # type: ignore[attr-defined]


def finish(progress: Progress, error: str = "") -> None:
    """Close the run: done, or failed with the error that an administrator is shown."""
    with records.transaction("job"):
        statement = update(JobRun).where(
            JobRun.id == progress.run_id, JobRun.holder == progress.holder
        )
        db.session.execute(
            statement.values(
                state=RunState.FAILED if error else RunState.DONE,
                finished_at=clock.now(),
                error=error[-LONGEST_ERROR:] or None,
            )
        )


def recent(limit: int = 50, job: str | None = None) -> Sequence[JobRun]:
    """Return the latest runs, the newest first."""
    statement = select(JobRun).order_by(JobRun.id.desc()).limit(limit)
    if job is not None:
        statement = statement.where(JobRun.job == job)
    return db.session.scalars(statement).all()


def last_of(jobs: Sequence[str]) -> dict[str, JobRun]:
    """Return {job: its latest run}."""
    found = (recent(1, job) for job in jobs)
    return {runs[0].job: runs[0] for runs in found if runs}


def done_days(job: str, since: date) -> set[date]:
    """Return the days from `since` on for which the scheduled run is done."""
    statement = select(JobRun.day).where(
        JobRun.job == job,
        JobRun.is_scheduled,
        JobRun.day >= since,
        JobRun.state == RunState.DONE,
    )
    return set(db.session.scalars(statement))


def first_day(job: str) -> date | None:
    """Return the first day for which the job ever ran by the clock, or None."""
    statement = select(JobRun.day).where(JobRun.job == job, JobRun.is_scheduled)
    return db.session.scalar(statement.order_by(JobRun.day).limit(1))


def beat(name: str = "scheduler") -> None:
    """Note that a part of the system is alive."""
    with suppress(Conflict), records.transaction("heartbeat"):  # another said so just now
        row = db.session.scalar(select(Heartbeat).where(Heartbeat.name == name))
        if row is None:
            db.session.add(Heartbeat(name=name, beat_at=clock.now()))
        else:
            row.beat_at = clock.now()


def last_beat(name: str = "scheduler") -> datetime | None:
    """Return when the part was last alive, or None where it never was."""
    return db.session.scalar(select(Heartbeat.beat_at).where(Heartbeat.name == name))


def is_silent(name: str = "scheduler") -> bool:
    """Return whether the part has not been heard of for too long."""
    last = last_beat(name)
    return last is None or clock.now() - last > SILENCE
