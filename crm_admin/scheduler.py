"""Starts the jobs at their times. APScheduler is only the clock; what ran stands in the database.

Any number of schedulers may run at once: a run of a job and day is one row, claimed by one of them.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from typing import NoReturn
from zoneinfo import ZoneInfo

from apscheduler.schedulers.blocking import BlockingScheduler
from flask import Flask

from crm_admin import clock
from crm_admin.jobs import JOBS, STEADY, Job, SteadyJob, run
from crm_admin.services import job_runs

log = logging.getLogger(__name__)

#: Seconds between looks at what is due; a jump of the wall clock delays a job by no more.
LOOK_EVERY = 20
#: Seconds that a job at work has to end when the process is told to.
GRACE = 8


def due(job: Job, now: datetime, catch_up: int) -> Iterator[date]:
    """Yield the days for which the job's scheduled run is due at `now`, the oldest first.

    Args:
        now: a moment in the company's time zone.
        catch_up: for how many past days a bounded job still runs, today not counted.

    Alerts catch up within a bound; states follow dates however late.
    """
    started = (now.hour, now.minute) >= (job.hour, job.minute)
    last = now.date() if started else now.date() - timedelta(days=1)
    first_ever = job_runs.first_day(job.name)
    if first_ever is None:
        first = now.date()  # nothing is owed from before the installation
    else:
        first = max(first_ever, last - timedelta(days=catch_up if job.bounded else 0))
    done = job_runs.done_days(job.name, first)
    day = first
    while day <= last:
        if day not in done:
            yield day
        day += timedelta(days=1)


def look(app: Flask, zone: ZoneInfo) -> None:
    """Run what is due now; a job that fails keeps no other from running."""
    for job in JOBS.values():
        try:
            with app.app_context():
                now = clock.now().astimezone(zone)
                days = list(due(job, now, app.config["CATCH_UP_DAYS"]))
        except Exception:
            log.exception("what is due of job %s could not be asked", job.name)
            continue
        for day in days:
            try:
                with app.app_context():
                    run(job, day, scheduled=True)
            except Exception:
                log.warning("job %s for %s will be tried again", job.name, day)


def keep_at(app: Flask, job: SteadyJob) -> None:
    """Do steady work once; when it fails, the next time is soon."""
    try:
        with app.app_context():
            if count := job.work():
                log.info("%s acted on %s records", job.name, count)
    except Exception:
        log.exception("%s failed", job.name)


def start(app: Flask, zone: ZoneInfo, *, parent: int | None = None) -> NoReturn:
    """Look for due jobs until the process is told to end; with `parent`, until that one is gone.

    A job at work then has a few seconds to end; one that is cut off goes on from its last chunk
    when a scheduler runs again.
    """
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a long job is no fault
    at_work, locks = threading.Lock(), {name: threading.Lock() for name in STEADY}

    def watch() -> None:
        if parent is not None and os.getppid() != parent:
            os._exit(0)
        with app.app_context():
            job_runs.beat()

    def work() -> None:
        with at_work:
            look(app, zone)

    def keep(job: SteadyJob) -> None:
        with locks[job.name]:
            keep_at(app, job)

    scheduler = BlockingScheduler(timezone=zone)
    often = [(partial(keep, job), job.seconds) for job in STEADY.values()]
    for function, seconds in [(watch, LOOK_EVERY), (work, LOOK_EVERY), *often]:
        scheduler.add_job(
            function,
            "interval",
            seconds=seconds,
            next_run_time=clock.now(),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        scheduler.start()
    except SystemExit:
        until = time.monotonic() + GRACE
        for lock in (at_work, *locks.values()):
            lock.acquire(timeout=max(until - time.monotonic(), 0))
    logging.shutdown()
    os._exit(0)  # a job's thread would keep the process alive
