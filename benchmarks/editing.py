"""`python -m benchmarks editing`: many people edit the same few records, and nothing gets lost.

Each reads a form, adds one to the number in it and saves. Who is told that the record changed
meanwhile must find their own number still in the form, reads again and tries again. In the end
every record must have counted every save that was answered with "saved", and its history too.
"""

import argparse
import threading
import time
from dataclasses import dataclass, field
from random import Random

from sqlalchemy import func, select

from benchmarks import inside, tables
from benchmarks.clients import Client, form_of
from benchmarks.inside import COUNTER
from benchmarks.instances import Instance
from benchmarks.servers import serving
from crm_admin.database import db
from crm_admin.models.audit import AuditEntry
from crm_admin.models.customers import Customer
from crm_admin.services import organisation, records

PEOPLE, RECORDS, SAVES = 40, 20, 10


@dataclass
class Met:
    """What the people met, all together."""

    saved: dict[int, int] = field(default_factory=dict)
    conflicts: int = 0
    wrong: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def run(instance: Instance, options: argparse.Namespace) -> int:
    """Let the people edit and prove what became of it; return how much is wrong."""
    tables.head(f"{PEOPLE} people edit the same {RECORDS} records, {options.workers} process(es)")
    with inside.opened(instance):
        users = inside.hire(PEOPLE)
        ids = _reset()
        kept = select(Customer.id, Customer.version).where(Customer.id.in_(ids))
        versions = dict(db.session.execute(kept).all())
        entries = _entries(ids)
    met = Met(saved=dict.fromkeys(ids, 0))
    with serving(instance, options.workers) as server:
        clients = [Client(server.port) for _ in users]
        for client, user in zip(clients, users, strict=True):
            client.sign_in(user)
        threads = [
            threading.Thread(target=_work, args=(client, ids, met, Random(number)), daemon=True)
            for number, client in enumerate(clients)
        ]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.monotonic() - started
    with inside.opened(instance):
        problems = [*met.wrong, *_lost(ids, met, versions, entries)]
    count = sum(met.saved.values())
    p50, p95 = tables.spread(met.seconds)
    print(f"{count} saves by {PEOPLE} people in {took:.1f} s ({count / took:.0f} a second)")
    print(f"{met.conflicts} times told that it changed meanwhile, what was typed kept, tried again")
    print(f"a save takes {p50:.1f} ms (p50), {p95:.1f} ms (p95)")
    print(f"{len(problems)} lost updates or errors")
    for problem in problems[:10]:
        print(f"  {problem}")
    return len(problems)


def _reset() -> list[int]:
    """Set the counters to 0 and return whose."""
    system = organisation.system()
    ids = db.session.scalars(select(Customer.id).order_by(Customer.id).limit(RECORDS)).all()
    with records.transaction("demo"):
        for customer in db.session.scalars(select(Customer).where(Customer.id.in_(ids))):
            records.change(customer, {COUNTER: 0}, system)
    return [*ids]


def _entries(ids: list[int]) -> dict[int, int]:
    """Return {record: how many entries its history has}."""
    statement = select(AuditEntry.record_id, func.count()).where(
        AuditEntry.entity == "customers", AuditEntry.record_id.in_(ids)
    )
    return dict(db.session.execute(statement.group_by(AuditEntry.record_id)).all())


def _work(client: Client, ids: list[int], met: Met, random: Random) -> None:
    """Add one to the counters of records taken by chance, so many times."""
    for _ in range(SAVES):
        id = random.choice(ids)
        try:
            while not _add_one(client, id, met):
                pass
        except Exception as error:
            with met.lock:
                met.wrong.append(f"customer {id}: {type(error).__name__} {error}")


def _add_one(client: Client, id: int, met: Met) -> bool:
    """Read, add one, save; return whether it was saved."""
    path = f"/customers/edit/?id={id}"
    form = form_of(client.get(path), "version").values
    typed = str(int(float(form[COUNTER].replace(",", ""))) + 1)
    form[COUNTER] = typed
    answer = client.post(path, form)
    with met.lock:
        met.seconds.append(answer.seconds)
        if answer.status in (302, 303):
            met.saved[id] += 1
            return True
        if answer.status != 200:
            raise RuntimeError(f"answer {answer.status}")
        met.conflicts += 1
    kept = form_of(answer, "version").values
    if float(kept[COUNTER].replace(",", "")) != float(typed):
        raise RuntimeError(f"{typed} was typed, the form has {kept[COUNTER]}")
    return False


def _lost(ids: list[int], met: Met, versions: dict[int, int], entries: dict[int, int]) -> list[str]:
    """Return where a record does not show every save that was answered with saved."""
    found, now = [], _entries(ids)
    for customer in db.session.scalars(select(Customer).where(Customer.id.in_(ids))):
        saved = met.saved[customer.id]
        shown = {
            "the counter": int(getattr(customer, COUNTER)),
            "the version": customer.version - versions[customer.id],
            "the history": now[customer.id] - entries[customer.id],
        }
        found += [
            f"customer {customer.id}: {saved} saved, {what} has {count}"
            for what, count in shown.items()
            if count != saved
        ]
    return found
