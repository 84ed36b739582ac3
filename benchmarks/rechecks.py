"""`python -m benchmarks rechecks`: how long the nightly check of all records takes.

The first run after loading notes everything that is lacking; the next finds nothing new; before the
last some records were changed. Each is judged by the processor time that a hundred thousand records
take, since others use the machine too. Where the address of an empty PostgreSQL database stands in
CRM_DATABASE_URL it is measured there, without the time of the database's own processes.
"""

import argparse
import os
import resource
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update

from app import create_app
from benchmarks import instances, tables
from benchmarks.instances import Instance
from benchmarks.tables import Bar, judged
from crm_admin.database import ask, db
from crm_admin.jobs import JOBS
from crm_admin.jobs import run as run_job
from crm_admin.models.customers import Customer
from crm_admin.models.findings import Finding
from crm_admin.services import completeness, records, zones
from crm_admin.services.entity_names import table_of

#: Seconds for a hundred thousand records, and MiB.
SECONDS, MEMORY = Bar(60), Bar(400)
#: Which part of the customers is changed before the last run: one in so many.
ONE_IN = 100


def run(instance: Instance, options: argparse.Namespace) -> int:
    """Check everything three times; return how many figures were over their bar."""
    url = os.environ.get("CRM_DATABASE_URL", "")
    tables.head(f"Nightly check, {'PostgreSQL' if url else 'SQLite'}")
    instances.load(replace(instance, database=url), jobs=False)
    app = create_app(
        INSTANCE=str(instance.folder), DATABASE_URL=url, TIMEZONE="Asia/Shanghai",
        LOG_LEVEL="WARNING",
    )  # fmt: skip
    over = 0
    with app.app_context():
        count = sum(_count(model) for model in completeness.checked_entities())
        print(f"{count:,} records of {instance.customers:,} customers")
        day = zones.today()
        for number, name in enumerate(("everything is new", "nothing is new", "little is new")):
            if number == 2:
                _change()
            over += _measure(name, count, day + timedelta(days=number))
        print(f"{_open():,} open findings")
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"peak {memory:,.0f} MiB {judged(memory, MEMORY)}")
        db.session.remove()
        db.engine.dispose()
    return over + (not MEMORY.keeps(memory))


def _measure(name: str, count: int, day: Any) -> bool:
    started, cpu = time.monotonic(), time.process_time()
    progress = run_job(JOBS["check_completeness"], day)
    wall, cpu = time.monotonic() - started, time.process_time() - cpu
    each = cpu * 100_000 / count
    changed = progress.count if progress else 0
    print(
        f"{name:18} wall {wall:6.1f} s, CPU {cpu:6.1f} s, {changed:9,} differences; "
        f"100,000 records {each:5.1f} s of CPU {judged(each, SECONDS)}"
    )
    return not SECONDS.keeps(each)


def _count(model: Any) -> int:
    return db.session.scalar(select(func.count()).where(model.deleted_at.is_(None))) or 0


def _open() -> int:
    open_ones = select(func.count()).select_from(Finding).where(Finding.fixed_at.is_(None))
    return db.session.scalar(open_ones) or 0


def _change() -> None:
    """Empty a field of some customers behind the back of the checks at their saves."""
    table = table_of(Customer)
    with records.transaction("demo"):
        ask(update(table).where(table.c.id % ONE_IN == 0).values(fax=None))
