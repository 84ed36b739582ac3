"""`python app.py` for real: it starts, serves, and leaves nothing behind."""

import contextlib
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from tests.fresh import database

ROOT = Path(__file__).parents[2]
LONG = 60


class Running:
    """An installation started as a person would, with its output so far."""

    def __init__(self, folder, **settings):
        with contextlib.closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        kept = {k: v for k, v in os.environ.items() if not k.startswith("CRM_")}
        asked = {f"CRM_{k}": str(v) for k, v in ({"PORT": self.port} | settings).items()}
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=ROOT,
            env={**kept, "CRM_INSTANCE": str(folder), **asked},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines, self.said = [], threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.said:
                self.lines.append(line.rstrip("\n"))
                self.said.notify_all()

    @property
    def output(self):
        return "\n".join(self.lines)

    def wait_for(self, text):
        with self.said:
            assert self.said.wait_for(lambda: text in self.output, LONG), self.output

    def get(self, path="/healthz"):
        """Return what the page says, once there is someone to answer."""
        again = threading.Event()
        until = time.monotonic() + LONG
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}") as answer:
                    return answer.read().decode()
            except (ConnectionError, urllib.error.URLError) as error:
                assert self.process.poll() is None and time.monotonic() < until, self.output
                assert not isinstance(error, urllib.error.HTTPError), error
                again.wait(0.05)

    def children(self, word, count=1):
        """Return the ids of the children with this word in their command, once there are so many.

        A word that begins with "!" must not be in it.
        """
        until, again = time.monotonic() + LONG, threading.Event()
        while time.monotonic() < until:
            found = []
            for threads in Path(f"/proc/{self.process.pid}/task").glob("*/children"):
                for pid in threads.read_text().split():
                    with contextlib.suppress(OSError):
                        command = Path(f"/proc/{pid}/cmdline").read_text()
                        if command and (word.strip("!") in command) is not word.startswith("!"):
                            found.append(int(pid))
            if len(found) >= count:
                return found
            again.wait(0.05)
        raise AssertionError(f"no {count} {word}: {self.output}")

    def scheduler(self):
        """Return the scheduler's process id, once it is there."""
        return self.children("scheduler")[0]

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        code = self.process.wait(LONG)
        self.reader.join(LONG)
        return code


def ended(pid, seconds):
    """Return whether the process ends within so many seconds."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with contextlib.closing(os.fdopen(handle)):
        return bool(select.select([handle], [], [], seconds)[0])


@pytest.fixture
def start(tmp_path, request):
    """Start an installation; all that was started is ended after the test."""
    begun = []
    with database(request) as url:

        def start(**settings):
            settings = ({"DATABASE_URL": url} if url else {}) | settings
            begun.append(Running(tmp_path / "instance", **settings))
            return begun[-1]

        yield start
        for running in begun:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.process.pid, signal.SIGKILL)
            running.process.wait()
            running.reader.join()
            running.process.stdout.close()


def test_it_starts_says_the_password_once_serves_and_leaves_nothing_behind(start, tmp_path):
    first = start()
    assert first.get() == "ok"
    assert "password" in first.get("/sign-in").lower()
    assert len(re.findall(r"Password \(shown once\): \S{12,}", first.output)) == 1
    scheduler = first.scheduler()
    assert first.stop() == 0
    assert ended(scheduler, 10)
    assert "Traceback" not in first.output
    second = start()
    second.get()
    assert "Password" not in second.output
    assert second.stop(signal.SIGINT) == 0
    assert "Traceback" not in second.output
    loose = [p for p in (tmp_path / "instance").iterdir() if p.stat().st_mode & 0o077]
    assert loose == []


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"ADMIN_PASSWORD": ""}, "CRM_ADMIN_PASSWORD is set, but empty"),
        ({"ADMIN_PASSWORD": "  "}, "CRM_ADMIN_PASSWORD is set, but empty"),
        ({"ADMIN_PASSWORD": "short"}, "cannot start"),
        ({"PORT": "many"}, "CRM_PORT"),
        ({"LOG_LEVEL": "LOUD"}, "CRM_LOG_LEVEL"),
        ({"HOST": "192.0.2.1"}, "cannot listen on 192.0.2.1"),
    ],
)
def test_it_refuses_to_start_with_what_cannot_work(start, settings, reason):
    running = start(**settings)
    assert running.process.wait(LONG) == 1
    running.reader.join()
    assert reason in running.output


def test_a_port_that_is_taken_is_said_before_anything_starts(start):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        running = start(PORT=taken.getsockname()[1])
        assert running.process.wait(LONG) == 1
        running.reader.join()
    assert "cannot listen on 127.0.0.1" in running.output
    assert "Open http" not in running.output


def test_a_password_that_was_given_is_not_printed(start):
    running = start(ADMIN_PASSWORD="a horse, a kingdom")
    running.get()
    assert running.stop() == 0
    assert "a horse" not in running.output
    assert "shown once" not in running.output


def test_two_workers_serve_at_once_and_one_that_ends_takes_nothing_with_it(start):
    running = start(WORKERS=2)
    assert running.get() == "ok"
    scheduler = running.scheduler()
    workers = running.children("!scheduler", 2)
    with contextlib.suppress(ProcessLookupError):
        os.kill(workers[0], signal.SIGTERM)
    assert ended(workers[0], 20)
    for _ in range(20):
        assert running.get() == "ok"
    assert not ended(scheduler, 0)
    assert running.scheduler() == scheduler
    assert running.stop() == 0
    assert ended(scheduler, 10)
    assert all(ended(pid, 10) for pid in workers)
    assert "Traceback" not in running.output


@pytest.mark.attack
def test_a_scheduler_that_is_killed_is_started_again(start):
    running = start()
    running.get()
    first = running.scheduler()
    os.kill(first, signal.SIGKILL)
    assert ended(first, 5)
    second = running.scheduler()
    assert second != first
    assert running.stop() == 0
    assert ended(second, 10)


@pytest.mark.attack
def test_a_scheduler_whose_parent_was_killed_ends_by_itself(start):
    running = start()
    running.get()
    scheduler = running.scheduler()
    os.kill(running.process.pid, signal.SIGKILL)
    assert ended(scheduler, 45)
