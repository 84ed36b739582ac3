"""The running application: started as `make run` starts it, and its CPU watched from outside."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.instances import ROOT, Instance

LONGEST_START = 60


class Server:
    """A running installation: where it listens, and what its web processes have used."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.process, self.port = process, port

    def web_processes(self) -> list[int]:
        """Return the ids of the web processes, the scheduler aside."""
        return [self.process.pid, *_children(self.process.pid)]

    def cpu(self) -> float:
        """Return the seconds of CPU that all of them have used so far."""
        return sum(_cpu_of(pid) for pid in self.web_processes())

    def memory(self) -> float:
        """Return the MiB that all of them hold now, shared pages in equal parts."""
        return sum(_memory_of(pid) for pid in self.web_processes())


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            if b"scheduler" not in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(int(child))
    return found


def _cpu_of(pid: int) -> float:
    """Return a process's CPU seconds, to the nanosecond where the system says so."""
    tasks = Path(f"/proc/{pid}/task")
    try:
        return sum(int((t / "schedstat").read_text().split()[0]) for t in tasks.iterdir()) / 1e9
    except OSError:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_of(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


@contextmanager
def serving(instance: Instance, workers: int = 1) -> Iterator[Server]:
    """Serve the installation on a free port until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"CRM_PORT": str(port), "CRM_HOST": "127.0.0.1", "CRM_WORKERS": str(workers)}
    with (instance.folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=ROOT,
            env=instance.environment | settings,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(process, port, instance.folder / "server.log")
            yield Server(process, port)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_for(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + LONGEST_START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"The server did not start:\n{log.read_text(errors='replace')[-2000:]}")
