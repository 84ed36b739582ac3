"""`python -m benchmarks requests`: one person asks, one request after the other.

A bar is compared with the figure "at ref.": what a request takes while nobody else uses the
machine, were it as fast as the one that the bars were set on. "CPU ms" is the plain mean.
"""

import argparse
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from statistics import mean
from urllib.parse import quote

from benchmarks import inside, machine, tables
from benchmarks.clients import Answer, Client, FilledForm, form_of
from benchmarks.inside import Inside, Subjects
from benchmarks.instances import Instance
from benchmarks.servers import Server, serving
from benchmarks.tables import Bar, judged, quiet, spread

#: How many requests are made between two looks at the machine's pace, and how often all of them.
TOGETHER, PASSES = 10, 3
LIST, SEARCH, RECORD, SAVE, HOME, CSV = (Bar(n) for n in (6, 6, 8, 8, 8, 150))
#: Someone who sees everything, and someone who sees their own customers only.
EVERYTHING, OWN = "sun.liping", "zhang.wei"
#: Someone whose right has a condition, and whose fields have limits, one of them in some records.
LIMITED = "gu.zhengming"


@dataclass(frozen=True)
class Request:
    """Something to ask for: a page, or with `having` a form to fill in and send again and again.

    `fill` changes the form for the next time.
    """

    name: str
    path: str
    bar: Bar | None = None
    having: str = ""
    fill: Callable[[FilledForm], None] | None = None
    by: str = EVERYTHING
    share: float = 1


def wanted(about: Subjects) -> list[Request]:
    """Return what is measured."""
    people, record = "/customers/", "/customers/details/?id="

    def search(name: str, text: str) -> Request:
        return Request(f"search: {name}", f"{people}?search={quote(text)}", SEARCH)

    return [
        Request("list", people, LIST),
        Request("list, page 100", f"{people}?page=100", LIST),
        Request("list by name", f"{people}?sort=name", LIST),
        Request("list of own customers", people, LIST, by=OWN),
        Request("list, limited by rights", people, by=LIMITED),
        search("two characters", about.common),
        search("rare", about.rare),
        search("nothing found", about.absent),
        Request("filter: grade A", f"{people}?grade.is=A", LIST),
        Request("interactions", "/interactions/", LIST),
        Request("record, typical", f"{record}{about.typical}", RECORD),
        Request("record, heaviest", f"{record}{about.heaviest}", RECORD),
        Request("edit form", f"/customers/edit/?id={about.typical}", RECORD),
        Request("edit, saved", f"/customers/edit/?id={about.typical}", SAVE, "version", _edit),
        Request("new interaction, saved", f"/interactions/new/?customer={about.typical}", SAVE,
                "content", lambda form: _write_down(form, about.writer)),
        Request("home", "/", HOME),
        Request("home, salesperson", "/", HOME, by=OWN),
        Request("CSV of all customers", f"{people}export/csv/", CSV, share=0.1),
    ]  # fmt: skip


def _edit(form: FilledForm) -> None:
    """Change a field; every save makes the next version."""
    form.values["notes"] = secrets.token_hex(8)
    if form.values.get("_sent"):
        form.values["version"] = str(int(form.values["version"]) + 1)
    form.values["_sent"] = "1"


def _write_down(form: FilledForm, writer: int) -> None:
    if "author" in form.values:  # offered to those who may write for others
        form.values["author"] = str(writer)
    form.values["content"] = f"电话回访，记录 {secrets.token_hex(4)}"
    form.values["form_key"] = secrets.token_hex(8)


def run(instance: Instance, options: argparse.Namespace) -> int:
    """Measure and print every request; return how many were over their bar."""
    with inside.opened(instance) as app:
        requests = wanted(inside.subjects())
        inside.limit(LIMITED)
        insiders = {name: Inside(app, name) for name in (EVERYTHING, OWN, LIMITED)}
        statements = {r.name: _statements(insiders[r.by], r) for r in requests}
    with serving(instance, options.workers) as server:
        clients = {name: Client(server.port) for name in (EVERYTHING, OWN, LIMITED)}
        for name, client in clients.items():
            client.sign_in(name)
        tables.head(
            f"One at a time, {instance.customers:,} customers, {options.workers} process(es)"
        )
        print(
            f"{'':26}{'p50 ms':>8}{'p95 ms':>8}{'CPU ms':>8}{'at ref.':>8}{'bar':>9}     "
            f"{'SQL':>4}{'kB':>8}"
        )
        measured = [Measured(r, clients[r.by], statements[r.name]) for r in requests]
        for _pass in range(PASSES):  # what others do to the machine in between passes by
            for one in measured:
                one.ask(server, options.times // PASSES)
        over = sum(one.told() for one in measured)
        print(f"memory of the web processes: {server.memory():.0f} MiB")
    return over


def _statements(insider: Inside, request: Request) -> int:
    """Return how many statements the request takes once everything is warm."""
    if not request.having:
        insider.statements("GET", request.path, None)
        return insider.statements("GET", request.path, None)
    form = form_of(insider.ask("GET", request.path), request.having)
    assert request.fill is not None
    for _ in range(2):
        request.fill(form)
        count = insider.statements("POST", request.path, dict(form.values))
    return count


class Measured:
    """A request, asked again and again, and what it took."""

    def __init__(self, request: Request, client: Client, statements: int) -> None:
        self.request, self.client, self.statements = request, client, statements
        self.ask_once = _asking(client, request)
        self.used, self.paces, self.seconds = list[float](), list[float](), list[float]()
        self.wrong, self.size = 0, 0
        for _ in range(3):
            self.ask_once()

    def ask(self, server: Server, times: int) -> None:
        """Ask so often, and look at the machine's pace every few times."""
        together = max(1, int(TOGETHER * self.request.share))
        for _ in range(max(2, times // TOGETHER)):
            self.paces.append(machine.hello())
            self.used.append(sum(self._one(server) for _ in range(together)) * 1000 / together)

    def _one(self, server: Server) -> float:
        """Ask once; return the seconds of CPU that it took the server."""
        before = server.cpu()
        answer = self.ask_once()
        spent = server.cpu() - before
        self.seconds.append(answer.seconds)
        self.wrong += not _is_right(answer, self.request)
        self.size = len(answer.body)
        if answer.location:  # a browser goes where it is sent; else messages would pile up
            self.client.get(answer.location)
        return spent

    def told(self) -> int:
        """Print the figures, and return 1 where the bar is not kept."""
        bar, (p50, p95) = self.request.bar, spread(self.seconds)
        # Each batch beside the pace just before it: the machine's speed changes within seconds.
        ratios = [used / pace for used, pace in zip(self.used, self.paces, strict=True)]
        level = quiet(ratios) * machine.REFERENCE
        figures = f"{p50:8.1f}{p95:8.1f}{mean(self.used):8.1f}{level:8.1f} {judged(level, bar):13}"
        failed = f"   {self.wrong} WRONG ANSWERS" if self.wrong else ""
        line = f"{self.request.name:26}{figures}{self.statements:5}{self.size / 1000:8.1f}{failed}"
        print(line, flush=True)
        return int(bool(self.wrong) or (bar is not None and not bar.keeps(level)))


def _asking(client: Client, request: Request) -> Callable[[], Answer]:
    """Return what asks for the page, or sends its form, once."""
    if not request.having:
        return lambda: client.get(request.path)
    form = form_of(client.get(request.path), request.having)

    def send() -> Answer:
        assert request.fill is not None
        request.fill(form)
        return client.post(request.path, form.values)

    return send


def _is_right(answer: Answer, request: Request) -> bool:
    return answer.status in (302, 303) if request.having else answer.status == 200
