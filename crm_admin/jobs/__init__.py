"""Work the clock starts. One module a job: when it runs and what it does, in one place.

A job is a function of the day, the system in whose name it acts, and its progress. It works in
chunks: each is one transaction that holds the chunk's effects and `progress.keep(...)`. Safe to run
twice, and to be killed at any moment.
"""

import logging
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pkgutil import iter_modules

from crm_admin.i18n import described
from crm_admin.models.users import User
from crm_admin.services import job_runs, organisation
from crm_admin.services.job_runs import Progress

log = logging.getLogger(__name__)

Work = Callable[[date, User, Progress], None]


@dataclass(frozen=True)
class Job:
    """A scheduled function: daily at `hour`:`minute` of the company's time zone.

    `bounded` jobs catch up only a few missed days; for others the last missed day stands for all,
    since states follow dates however long it was off.
    """

    name: str
    label: str
    hour: int
    minute: int
    bounded: bool
    work: Work

    @property
    def description(self) -> str:
        """What the job does, as its own first sentence says; to be translated."""
        return described(self.work.__doc__)


JOBS: dict[str, Job] = {}

Errand = Callable[[], int]


@dataclass(frozen=True)
class SteadyJob:
    """Work that goes on all day, every `seconds`: it has no runs to keep, since it owes no day.

    It must be safe when several schedulers do it at once.
    """

    name: str
    label: str
    seconds: int
    work: Errand


STEADY: dict[str, SteadyJob] = {}


def job(label: str, *, hour: int, minute: int = 0, bounded: bool = False) -> Callable[[Work], Work]:
    """Schedule the function, under its own name: `@job(N_("Renewal notices"), hour=6)`."""

    def register(work: Work) -> Work:
        JOBS[work.__name__] = Job(work.__name__, label, hour, minute, bounded, work)
        return work

    return register


def steady(label: str, *, seconds: int) -> Callable[[Errand], Errand]:
    """Let the function be called all day: `@steady(N_("Outgoing mail"), seconds=30)`."""

    def register(work: Errand) -> Errand:
        STEADY[work.__name__] = SteadyJob(work.__name__, label, seconds, work)
        return work

    return register


def run(job: Job, day: date, *, scheduled: bool = False) -> Progress | None:
    """Run a job for a day within the application's context; return its progress, or None.

    None means that the scheduled run of that day is done, is another process's work, or waits to be
    tried again after it failed. An error is kept in the run, where an administrator looks, and
    raised again.
    """
    progress = job_runs.claim(job.name, day, scheduled=scheduled)
    if progress is None:
        return None
    try:
        with _kept_alive(progress):
            job.work(day, organisation.system(), progress)
    except Exception:
        job_runs.finish(progress, error=traceback.format_exc())
        log.exception("job %s failed", job.name)
        raise
    job_runs.finish(progress)
    log.info("job %s acted on %s records", job.name, progress.count)
    return progress


@contextmanager
def _kept_alive(progress: Progress) -> Iterator[None]:
    """Renew the run's lease from a thread of its own until the block ends."""
    from flask import current_app  # the thread needs a context of its own

    app, over = current_app._get_current_object(), threading.Event()  # type: ignore[attr-defined]

    def renew() -> None:
        while not over.wait(job_runs.LEASE.total_seconds() / 3):
            try:
                with app.app_context():
                    if not job_runs.renew(progress):
                        return
            except Exception:
                log.exception("the lease of job run %s was not renewed", progress.run_id)

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


for _module in sorted(m.name for m in iter_modules(__path__)):
    import_module(f"{__name__}.{_module}")
