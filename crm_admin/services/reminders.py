"""Reminding people of what their records lack: once a day for each thing, whoever reminds them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import func, literal, select, union_all, update
from sqlalchemy.dialects import postgresql, sqlite

from crm_admin import clock
from crm_admin.database import ask, db
from crm_admin.errors import Denied, Label
from crm_admin.i18n import N_, Nn_
from crm_admin.models.base import Record
from crm_admin.models.findings import Finding
from crm_admin.models.interactions import Interaction
from crm_admin.models.reminders import Lacking, Reminder
from crm_admin.models.reviews import Review
from crm_admin.models.users import User
from crm_admin.services import access, history, notices, reviews, tips, zones
from crm_admin.services.outbox import Post
from crm_admin.services.review_queue import person_column
from crm_admin.services.tips import Tip

#: The most things of which one person is reminded at once, the worst first.
MOST_OF_ONE = 300
#: How many rows one statement writes.
_ROWS = 200
#: Where somebody finds all they were reminded of.
PATH = "reminders"


class Thing(NamedTuple):
    """What one person's record lacks."""

    person_id: int
    entity: str
    record_id: int
    lacking: Lacking


@dataclass
class Outcome:
    """Whom a reminder reached, of how many things, and of how many they had heard already."""

    people: Counter[int] = field(default_factory=Counter)
    again: int = 0


class Received(NamedTuple):
    """One thing of which somebody was reminded, and whether it is done."""

    entity: str
    record_id: int
    title: str
    lacking: Lacking
    by: str
    on_day: date
    done: bool


def lacking_in(record: Record) -> list[Thing]:
    """Return what a record lacks, by whose work it is; nothing where that is nobody's."""
    person, found = reviews.person_of(record), []
    if person is None:
        return []
    percent = getattr(record, "completeness", None)
    if percent is not None and percent < 100:
        found.append(Lacking.MISSING)
    if isinstance(record, Interaction) and record.closed_at is None and record.written_on:
        found.append(Lacking.OPEN)
    standing = reviews.standing(record.__tablename__, record.id)
    if standing is not None and standing.verdict == "failed" and standing.fixed_at is None:
        found.append(Lacking.FAILED)
    return [Thing(person, record.__tablename__, record.id, lacking) for lacking in found]


def lacking(actor: User, people: Iterable[int]) -> dict[int, list[Thing]]:
    """Return {person: what their records lack}, failed first, then open, then the worst.

    Only records that the actor may look at count, and of each person so many.
    """
    chosen = sorted(set(people) - {actor.id})
    models = access.reachable(actor, "review", reviews.models())
    parts = [_part(model, actor, chosen) for model in models]
    found: dict[int, list[Thing]] = {id: [] for id in chosen}
    if not parts or not chosen:
        return found
    every = union_all(*(select(part) for part in parts)).subquery()
    ranked = select(
        every,
        func.row_number()
        .over(partition_by=every.c.person_id, order_by=(every.c.worth, every.c.entity, every.c.id))
        .label("place"),
    ).subquery()
    rows = ask(select(ranked).where(ranked.c.place <= MOST_OF_ONE).order_by(ranked.c.place))
    for row in rows:
        found[row.person_id].append(Thing(row.person_id, row.entity, row.id, Lacking(row.lacking)))
    return found


def _part(model: type[Record], actor: User, people: Sequence[int]) -> Any:
    """Return what the records of one entity lack, each with how urgent it is."""
    table, verdicts = access.table_of(model), access.table_of(Review)
    person, source = person_column(model)
    theirs = [*access.rows(model, actor, "review"), person.in_(people)]

    def those(lacking: Lacking, worth: Any, source: Any, *more: Any) -> Any:
        return (
            select(
                person.label("person_id"),
                literal(model.__tablename__).label("entity"),
                table.c.id.label("id"),
                literal(str(lacking)).label("lacking"),
                worth.label("worth"),
            )
            .select_from(source)
            .where(*theirs, *more)
        )

    failed = source.join(
        verdicts,
        (verdicts.c.entity == model.__tablename__) & (verdicts.c.record_id == table.c.id),
    )
    found = [those(Lacking.FAILED, literal(-2), failed, *reviews.unfixed())]
    if "completeness" in table.c:
        lacks = table.c.completeness < 100
        found.append(those(Lacking.MISSING, table.c.completeness, source, lacks))
    if model is Interaction:
        still = [table.c.closed_at.is_(None), table.c.written_on <= zones.today()]
        found.append(those(Lacking.OPEN, literal(-1), source, *still))
    return union_all(*found).subquery()


def remind(things: Iterable[Thing], actor: User, post: Post | None = None) -> Outcome:
    """Remind people of these things, within a transaction; each hears of all theirs at once.

    What somebody has reminded them of today, they do not hear again: the database sees to that,
    with two supervisors at once too. Source: A3

    Raises:
        Denied: one of them is the actor's own.
    """
    asked = list(dict.fromkeys(things))
    if any(thing.person_id == actor.id for thing in asked):
        raise Denied(N_("Nobody reminds themselves."))
    today, written = zones.today(), list[Any]()
    rows = [
        {
            "person_id": thing.person_id,
            "on_day": today,
            "entity": thing.entity,
            "record_id": thing.record_id,
            "lacking": thing.lacking,
            "by_id": actor.id,
            "created_at": clock.now(),
        }
        for thing in sorted(asked)  # always in one order, so that two do not wait for each other
    ]
    for first in range(0, len(rows), _ROWS):
        written += _once(rows[first : first + _ROWS])
    _note_in_findings(written, actor)
    theirs: dict[int, list[Any]] = defaultdict(list)
    for row in written:
        theirs[row.person_id].append(row)
    for person, told in theirs.items():
        _tell(person, told, actor, post)
    people = Counter({person: len(told) for person, told in theirs.items()})
    return Outcome(people, len(asked) - len(written))


def _once(rows: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
    """Write those of the reminders that are not there yet; return them."""
    table = access.table_of(Reminder)
    insert: Any = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table).values(rows).on_conflict_do_nothing()
    columns = (table.c.id, table.c.person_id, table.c.entity, table.c.record_id, table.c.lacking)
    return ask(statement.returning(*columns)).all()


def _note_in_findings(written: Sequence[Any], actor: User) -> None:
    """Let what rules found say that somebody was reminded of it."""
    table, by_entity = access.table_of(Finding), defaultdict(list)
    for row in written:
        if row.lacking == Lacking.MISSING:
            by_entity[row.entity].append(row.record_id)
    for entity, ids in by_entity.items():
        open_ones = update(table).where(
            table.c.entity == entity, table.c.record_id.in_(ids), table.c.fixed_at.is_(None)
        )
        ask(open_ones.values(reminded_at=clock.now(), reminded_by_id=actor.id))


def _tell(person_id: int, told: Sequence[Any], actor: User, post: Post | None) -> None:
    """Tell one person of all their things in one message."""
    person = db.session.get(User, person_id)
    if person is None:
        return
    first = min(told, key=lambda row: row.id)
    key = f"reminder:{first.id}"
    model = access.entities()[first.entity]
    if len(told) == 1 and (record := db.session.get(model, first.record_id)) is not None:
        kind = f"reminder_{first.lacking}"
        notices.tell(person, key, kind, {"by": actor.name}, post, record=record)
        return
    counts = Counter(str(row.lacking) for row in told)
    numbers = {str(lacking): counts[lacking] for lacking in Lacking}
    notices.tell(person, key, "reminders", {"by": actor.name, **numbers}, post, path=PATH)


def received(actor: User, today: date, *, limit: int = 50) -> list[Received]:
    """Return what the actor was reminded of today, and earlier where it is still to be done."""
    table, users = access.table_of(Reminder).c, access.table_of(User).c
    statement = (
        select(
            table.entity, table.record_id, table.lacking, users.name, table.on_day,
            table.repaired_at,
        )
        .join_from(access.table_of(Reminder), access.table_of(User), users.id == table.by_id)
        .where(
            table.person_id == actor.id,
            (table.on_day == today) | table.repaired_at.is_(None),
        )
        .order_by(table.on_day.desc(), table.id)
    )  # fmt: skip
    latest: dict[tuple[str, int, str], Any] = {}
    for row in ask(statement.limit(limit * 4)):
        latest.setdefault((row.entity, row.record_id, row.lacking), row)
    rows = list(latest.values())[:limit]
    titles = _titles(actor, rows)
    return [
        Received(
            row.entity,
            row.record_id,
            titles[row.entity, row.record_id],
            Lacking(row.lacking),
            row.name,
            row.on_day,
            row.repaired_at is not None,
        )
        for row in rows
        if (row.entity, row.record_id) in titles
    ]


def _titles(actor: User, rows: Sequence[Any]) -> dict[tuple[str, int], str]:
    """Return {(entity, id): title} of those of the records that the actor sees now."""
    by_entity: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        by_entity[row.entity].add(row.record_id)
    found: dict[tuple[str, int], str] = {}
    for entity, ids in by_entity.items():
        model = access.entities()[entity]
        table = access.table_of(model)
        seen = select(table.c.id).where(table.c.id.in_(ids), *access.rows(model, actor))
        names = history.names(model, set(ask(seen).scalars()))
        found |= {(entity, id): title for id, title in names.items()}
    return found


def label_of(lacking: Lacking) -> Label:
    """Return what people call it, ready to be translated."""
    return Label(lacking.label)


@tips.source(5)
def _unheeded(day: tips.Day) -> Iterator[Tip]:
    """Tell how much of what the actor was reminded of is still to be done. Source: A3, C4"""
    if count := sum(not one.done for one in received(day.actor, day.today)):
        message = Nn_(
            "You were reminded of %(count)s thing that is still to be done",
            "You were reminded of %(count)s things that are still to be done",
        )
        yield Tip(message, {"count": count}, "warn", url=f"/{PATH}/")
