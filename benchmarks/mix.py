"""`python -m benchmarks mix`: forty salespeople at the same moment, each about their own work.

The people are threads of a process of their own, so that they do not take the server's time.
"""

import argparse
import json
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from random import Random
from urllib.parse import quote

from benchmarks import inside, tables
from benchmarks.clients import Answer, Client, form_of, ids_in
from benchmarks.instances import ROOT, Instance
from benchmarks.servers import serving
from benchmarks.tables import Bar, judged, spread

#: Of a hundred requests so many are lists and searches, records, edits, home, new interactions.
SHARES = {"list": 25, "search": 20, "record": 25, "edit": 15, "home": 10, "interaction": 5}
RATES, P95 = {1: Bar(120, least=True), 2: Bar(250, least=True)}, Bar(200)
WORDS = ("软件", "科技", "有限", "北京", "医药", "023", "云帆", "李")


def run(instance: Instance, options: argparse.Namespace) -> int:
    """Let the people work for a while and print what they met; return what was over its bar."""
    with inside.opened(instance):
        users = inside.sellers()
    title = (
        f"{options.clients} people at once for {options.seconds:g} s, {options.workers} process(es)"
    )
    tables.head(title)
    with serving(instance, options.workers) as server:
        asked = {"port": server.port, "users": users, "clients": options.clients,
                 "seconds": options.seconds}  # fmt: skip
        before = server.cpu()
        made = subprocess.run(
            [sys.executable, "-m", "benchmarks.mix"], cwd=ROOT, check=True, text=True,
            input=json.dumps(asked), stdout=subprocess.PIPE,
        )  # fmt: skip
        cpu, memory = server.cpu() - before, server.memory()
    found = json.loads(made.stdout)
    return _report(found, options.workers, cpu, memory)


def _report(found: dict[str, list[float]], workers: int, cpu: float, memory: float) -> int:
    (seconds,) = found.pop("__seconds")
    errors, conflicts = found.pop("__errors"), found.pop("__conflicts")
    every = [value for values in found.values() for value in values]
    for name, values in sorted(found.items()):
        p50, p95 = spread(values)
        print(f"{name:26}{p50:8.1f}{p95:8.1f}   {len(values)} times")
    p50, p95 = spread(every)
    rate = len(every) / seconds
    bar = RATES[min(2, workers)]
    print(f"{'requests a second':26}{rate:8.1f}        {judged(rate, bar)}")
    print(f"{'all, p50 and p95 ms':26}{p50:8.1f}{p95:8.1f}{judged(p95, P95)}")
    print(f"{'errors':26}{len(errors):8}   conflicts told {len(conflicts)}")
    print(f"CPU of the web processes {cpu / len(every) * 1000:.1f} ms a request, {memory:.0f} MiB")
    return (not bar.keeps(rate)) + (not P95.keeps(p95)) + bool(errors)


class Person(threading.Thread):
    """One salesperson who never pauses."""

    def __init__(self, number: int, port: int, id: int, username: str) -> None:
        super().__init__(daemon=True)
        self.random, self.id = Random(number), id
        self.client = Client(port)
        self.client.sign_in(username)
        self.ids = ids_in(self.client.get("/customers/")) or [1]
        self.until = 0.0
        self.seconds: dict[str, list[float]] = {}
        self.errors = self.conflicts = 0
        self.tasks: dict[str, Callable[[], None]] = {
            "list": self.look, "search": self.search, "record": self.read, "edit": self.edit,
            "home": lambda: self.page("home", "/"), "interaction": self.write_down,
        }  # fmt: skip

    def run(self) -> None:
        names, weights = [*SHARES], [*SHARES.values()]
        while time.perf_counter() < self.until:
            self.tasks[self.random.choices(names, weights)[0]]()

    def page(self, name: str, path: str) -> Answer:
        return self._count(name, self.client.get(path), {200})

    def look(self) -> None:
        extra = self.random.choice(
            ("", "?sort=name", "?page=2", "?grade.is=A", "?stage.is=customer")
        )
        self.ids = ids_in(self.page("list", f"/customers/{extra}")) or self.ids

    def search(self) -> None:
        self.page("search", f"/customers/?search={quote(self.random.choice(WORDS))}")

    def read(self) -> None:
        self.page("record", f"/customers/details/?id={self.random.choice(self.ids)}")

    def edit(self) -> None:
        path = f"/customers/edit/?id={self.random.choice(self.ids)}"
        answer = self.page("edit form", path)
        if answer.status == 200:
            form = form_of(answer, "version").values
            form["notes"] = secrets.token_hex(8)
            answer = self._count("edit, saved", self.client.post(path, form), {200, 302})
            self.conflicts += answer.status == 200

    def write_down(self) -> None:
        path = f"/interactions/new/?customer={self.random.choice(self.ids)}"
        answer = self.page("interaction form", path)
        if answer.status == 200:
            form = form_of(answer, "content").values
            if "author" in form:  # offered to those who may write for others
                form["author"] = str(self.id)
            form["content"] = f"电话回访，记录 {secrets.token_hex(4)}"
            self._count("interaction, saved", self.client.post(path, form), {302})

    def _count(self, name: str, answer: Answer, right: set[int]) -> Answer:
        self.seconds.setdefault(name, []).append(answer.seconds)
        self.errors += answer.status not in right
        return answer


def main() -> None:
    """Be the people: read from standard input what to do, write to standard output what was met."""
    asked = json.load(sys.stdin)
    users = asked["users"]
    people = [
        Person(number, asked["port"], *users[number % len(users)])
        for number in range(asked["clients"])
    ]
    started = time.perf_counter()
    for person in people:
        person.until = started + asked["seconds"]
        person.start()
    for person in people:
        person.join()
    found: dict[str, list[float]] = {"__seconds": [time.perf_counter() - started]}
    found["__errors"] = [0.0] * sum(person.errors for person in people)
    found["__conflicts"] = [0.0] * sum(person.conflicts for person in people)
    for person in people:
        for name, values in person.seconds.items():
            found.setdefault(name, []).extend(values)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
