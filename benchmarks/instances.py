"""Installations to measure: demo data loaded once, kept, and copied for every run."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "instance" / "bench"
PASSWORD = "measured by many"
#: What the kept data depends on: any change of it makes new data.
SOURCES = (
    "crm_admin/models/*.py",
    "crm_admin/migrations/versions/*.py",
    "crm_admin/services/demo*.py",
    "crm_admin/services/loading*.py",
    "config/**/*.toml",
)


@dataclass(frozen=True)
class Instance:
    """A folder with an installation, and how many customers it has."""

    folder: Path
    customers: int
    #: The address of its database, where that is not a file in the folder.
    database: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """The settings under which it runs."""
        return os.environ | {
            "CRM_INSTANCE": str(self.folder),
            "CRM_DATABASE_URL": self.database,
            "CRM_ADMIN_PASSWORD": PASSWORD,
            "CRM_TIMEZONE": "Asia/Shanghai",
            "CRM_LOG_LEVEL": "WARNING",
            "CRM_LANGUAGE": "zh_Hans_CN",
        }


@contextmanager
def copy(customers: int, *, needed: bool = True) -> Iterator[Instance]:
    """Give a copy of an installation with so many customers, gone afterwards."""
    kept = _kept(customers) if needed else None
    with tempfile.TemporaryDirectory(prefix="crm-bench-") as folder:
        if kept is not None:
            shutil.copytree(kept, folder, dirs_exist_ok=True)
        yield Instance(Path(folder), customers)


def _kept(customers: int) -> Path:
    """Return the folder of the loaded installation, made where it is not there yet."""
    key = f"{customers}-{_stamp()}"
    folder = KEPT / key
    if not (folder / "crm.db").exists():
        for old in KEPT.glob(f"{customers}-*"):
            shutil.rmtree(old)
        partial = KEPT / f"new-{os.getpid()}"
        partial.mkdir(parents=True)
        print(f"Loading {customers:,} customers (kept for the next run) ...", flush=True)
        started = time.monotonic()
        load(Instance(partial, customers))
        partial.rename(folder)
        print(f"Loaded in {time.monotonic() - started:.0f} s.", flush=True)
    return folder


def _stamp() -> str:
    """Return what changes with the sources, and every week: contracts end around the present."""
    digest = hashlib.sha256("-".join(map(str, date.today().isocalendar()[:2])).encode())  # noqa: DTZ011
    for file in sorted(file for source in SOURCES for file in ROOT.glob(source)):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def load(instance: Instance, *, jobs: bool = True) -> tuple[float, float, float]:
    """Load demo data by the command; return wall seconds, CPU seconds and the most MiB it took."""
    options = ["--customers", str(instance.customers), "--password", PASSWORD]
    command = [sys.executable, "-m", "flask", "--app", "app", "demo", "load", *options]
    started = time.monotonic()
    process = subprocess.Popen(
        [*command, "--jobs" if jobs else "--no-jobs"],
        cwd=ROOT,
        env=instance.environment,
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit("The demo data could not be loaded.")
    wall = time.monotonic() - started
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
