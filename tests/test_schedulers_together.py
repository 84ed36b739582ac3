"""Several schedulers at once, killed at any moment: what they do happens once, and all of it."""

import contextlib
import os
import queue
import random
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from crm_admin.database import db
from crm_admin.jobs import JOBS, run
from crm_admin.models.contracts import Contract, ContractStatus
from crm_admin.models.customers import Customer
from crm_admin.models.job_runs import JobRun, RunState
from crm_admin.models.notifications import Notification
from crm_admin.services import installation, organisation, records
from tests.fresh import installed
from tests.make import make

ROOT = Path(__file__).parent.parent
DAY = date(2026, 3, 10)
LONG = 120

#: Does the day's run until it is done, in chunks of ten, and says when one begins.
WORKER = """
import sys
import threading
from datetime import date, timedelta

from app import create_app
from crm_admin.jobs import JOBS, run
from crm_admin.services import contracts, job_runs

job_runs.LEASE = timedelta(seconds=1)
contracts.CHUNK = 10
due_after = contracts.due_after


def seen(*asked):
    print("chunk", flush=True)
    return due_after(*asked)


contracts.due_after = seen
job, day = JOBS["warn_of_renewals"], date.fromisoformat(sys.argv[1])
by_clock = sys.argv[2] == "clock"
app = create_app()
print("ready", flush=True)
sys.stdin.readline()
while True:
    with app.app_context():
        ran = run(job, day, scheduled=by_clock)
        if (ran and not by_clock) or day in job_runs.done_days(job.name, day):
            break
    threading.Event().wait(0.1)
print("done", flush=True)
"""


class Worker:
    """One process; what it says comes into the queue that all share."""

    def __init__(self, environment, heard, how):
        self.how, self.chunks, self.ends_at, self.was_killed = how, 0, 0, False
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115  (closed with the process)
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, DAY.isoformat(), how],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        self.heard = heard
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self.process.stdout:
            self.heard.put((self, line.strip()))
        self.heard.put((self, "gone"))

    def go(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def close(self):
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.log):
            stream.close()


class Crew:
    """Three processes on the day's run, two by the clock and one by hand; killed ones come back."""

    def __init__(self, environment, kills, chance):
        self.environment, self.kills, self.chance = environment, kills, chance
        self.heard, self.workers, self.killed = queue.Queue(), [], 0
        self.waiting, self.running = 3, 3
        for how in ("clock", "clock", "hand"):
            self.begin(how)

    def begin(self, how):
        self.workers.append(Worker(self.environment, self.heard, how))

    def work(self):
        """Listen until all have done their work; return how many were killed meanwhile."""
        while self.running:
            worker, said = self.heard.get(timeout=LONG)
            if handle := getattr(self, f"on_{said}", None):
                handle(worker)
        return self.killed

    def close(self):
        for worker in self.workers:
            worker.close()

    def on_ready(self, worker):
        """Let the first three go together, and each that comes later at once."""
        worker.ends_at = self.chance.randint(1, 4)
        self.waiting -= 1
        for each in self.workers if self.waiting == 0 else [worker] * (self.waiting < 0):
            each.go()

    def on_chunk(self, worker):
        worker.chunks += 1
        if worker.chunks == worker.ends_at and self.killed < self.kills:
            worker.process.send_signal(signal.SIGKILL)
            self.killed += 1
            worker.was_killed = True

    def on_gone(self, worker):
        code = worker.process.wait(LONG)
        if worker.was_killed:
            self.begin(worker.how)
        else:
            worker.log.seek(0)
            assert code == 0, worker.log.read()[-2000:]
            self.running -= 1


def contracts(count):
    """Add contracts that end in a week, and return their ids."""
    customer, owner = make(Customer, name="Acme"), organisation.by_username("admin")
    with records.transaction("tests"):
        made = [
            Contract(
                title_text=f"Contract {n}",
                customer_id=customer.id,
                status=ContractStatus.ACTIVE,
                starts_on=date(2025, 1, 1),
                ends_on=DAY + timedelta(days=7),
                owner_id=owner.id,
            )
            for n in range(count)
        ]
        for record in made:
            records.save(record, organisation.system())
    return [record.id for record in made]


def warned():
    """Return how often the owner of each contract was warned."""
    db.session.rollback()
    statement = select(Notification.record_id).where(Notification.kind == "renewal")
    return Counter(db.session.scalars(statement))


@pytest.mark.parametrize(
    ("count", "kills"),
    [
        pytest.param(60, 2, id="sixty contracts, two kills"),
        pytest.param(600, 40, id="six hundred, forty kills", marks=pytest.mark.attack),
    ],
)
def test_each_owner_is_warned_once_whoever_is_killed(request, tmp_path, count, kills):
    with installed(tmp_path / "instance", request) as app, app.app_context():
        due = contracts(count)
        url = db.engine.url.render_as_string(hide_password=False)
        installation.disconnect()
        environment = os.environ | {
            "CRM_INSTANCE": str(tmp_path / "instance"),
            "CRM_DATABASE_URL": url,
            "CRM_TIMEZONE": "Asia/Shanghai",
        }
        with contextlib.closing(Crew(environment, kills, random.Random(count))) as crew:
            assert crew.work() == kills
        found = warned()
        assert [id for id in due if found[id] == 0] == []
        assert [id for id in due if found[id] > 1] == []
        scheduled = db.session.scalars(select(JobRun).where(JobRun.is_scheduled)).all()
        assert [(r.day, r.state) for r in scheduled] == [(DAY, RunState.DONE)]
        late = make(
            Contract,
            status=ContractStatus.ACTIVE,
            starts_on=date(2025, 1, 1),
            ends_on=DAY + timedelta(days=31),
            owner_id=organisation.by_username("admin").id,
        )
        for day in (1, 1, 2):
            run(JOBS["warn_of_renewals"], DAY + timedelta(days=day), scheduled=True)
        assert warned()[late.id] == 1
        assert warned().total() == count + 1


def noon():
    """Return a zone in which it is about noon, so that all nightly jobs are due."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}"


def test_the_scheduler_runs_alone_does_what_is_due_and_ends_when_told(request, tmp_path):
    with installed(tmp_path / "instance", request) as app, app.app_context():
        url = db.engine.url.render_as_string(hide_password=False)
        installation.disconnect()
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "app", "scheduler"],
            cwd=ROOT,
            env=os.environ
            | {
                "CRM_INSTANCE": str(tmp_path / "instance"),
                "CRM_DATABASE_URL": url,
                "CRM_TIMEZONE": noon(),
            },
            stderr=subprocess.PIPE,
            text=True,
        )
        guard = threading.Timer(LONG, process.kill)
        guard.start()
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "warn_of_renewals" in line:  # the last of the night's
                break
        process.send_signal(signal.SIGTERM)
        lines += process.stderr
        assert process.wait(LONG) == 0, "".join(lines)
        guard.cancel()
        process.stderr.close()
        assert "Traceback" not in "".join(lines)
        runs = db.session.scalars(select(JobRun).where(JobRun.is_scheduled)).all()
        done = {r.job for r in runs if r.state == RunState.DONE}
        assert done >= {"warn_of_renewals", "end_contracts", "back_up_nightly"}
