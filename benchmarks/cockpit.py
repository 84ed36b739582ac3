"""`python -m benchmarks cockpit`: what the supervisor's pages take, in this process.

A bar is compared with the quiet figure of CPU time in this process, database included (SQLite). At
ten times the bar's size the figures are printed without a bar.
"""

import argparse
import time
from dataclasses import dataclass
from statistics import mean

from sqlalchemy import func, select

from benchmarks import inside, tables
from benchmarks.inside import Inside
from benchmarks.instances import Instance
from benchmarks.tables import Bar, judged, quiet
from crm_admin.database import db
from crm_admin.models.interactions import Interaction
from crm_admin.services import access, organisation, review_queue, reviews, zones
from crm_admin.services.review_queue import Asked

#: The size for which the bar is set.
SIZE, PAGE = 10_000, Bar(50)
#: Who heads a region, and who sees the whole company.
REGION, COMPANY = "li.jianguo", "admin"


@dataclass(frozen=True)
class Page:
    """An address to ask for, and by whom."""

    name: str
    path: str
    by: str
    bar: Bar | None = PAGE


def _pages(at: str) -> list[Page]:
    return [
        Page("cockpit, one region", "/cockpit/", REGION),
        Page("cockpit, whole company", "/cockpit/", COMPANY),
        Page("cockpit, failed of any day", "/cockpit/?day=any", COMPANY),
        Page("one entry", f"/cockpit/entry/?at={at}", COMPANY),
        Page("my people, one region", "/team/", REGION, None),
        Page("my people, whole company", "/team/", COMPANY, None),
        Page("CRM use, whole company", "/crm-use/", COMPANY, None),
    ]


def run(instance: Instance, options: argparse.Namespace) -> int:
    """Ask for each page again and again; return how many figures are over their bar."""
    over = 0
    with inside.opened(instance) as app:
        count = db.session.scalar(select(func.count(Interaction.id)))
        tables.head(f"The cockpit: {instance.customers:,} customers, {count:,} interactions")
        at = _an_entry()
        print(f"{'page':<28}{'quiet ms':>9}{'CPU ms':>8}{'ms':>8}{'SQL':>5}  bar")
        for page in _pages(at):
            over += _measure(Inside(app, page.by), page, instance, min(options.times, 60))
    return over


def _an_entry() -> str:
    """Return an entry of the queue as an address names it."""
    actor = organisation.by_username(COMPANY)
    assert actor is not None
    found = review_queue.read(actor, Asked(None, None))
    today = zones.today()
    lately = review_queue.read(actor, Asked(today.replace(day=1), today))
    print(f"{len(lately):,} entries this month, {len(found):,} failed and not passed yet; ", end="")
    print(f"{len(reviews.people(actor))} people, {len(access.entities())} entities")
    return [*lately, *found][0].key


def _measure(client: Inside, page: Page, instance: Instance, times: int) -> int:
    """Print what a page takes; return whether that is over its bar."""
    for _ in range(3):
        answer = client.ask("GET", page.path)
        assert answer.status == 200, f"{page.path}: {answer.status}"
    cpu, wall = [], []
    for _ in range(times):
        begun, started = time.process_time(), time.perf_counter()
        client.ask("GET", page.path)
        cpu.append((time.process_time() - begun) * 1000)
        wall.append((time.perf_counter() - started) * 1000)
    statements = client.statements("GET", page.path, None)
    bar = page.bar if instance.customers <= SIZE else None
    figure = quiet(cpu)
    line = f"{page.name:<28}{figure:>9.1f}{mean(cpu):>8.1f}{mean(wall):>8.1f}{statements:>5}"
    print(f"{line}  {judged(figure, bar)}", flush=True)
    return int(bar is not None and not bar.keeps(figure))
