"""Writing many new records at once: demo data, or the first import of an empty installation.

Rows are checked, completed and noted in the history as `records.save` does it, but a thousand at a
time; `loading_subjects.py` says what else each entity needs. What the rules find lacking is left to
the next run of the completeness check.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from inspect import getattr_static
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Integer, String, Table, func, inspect, select, text

from crm_admin import clock
from crm_admin.database import WRITES, db
from crm_admin.errors import Denied, Invalid, Label, Problem
from crm_admin.i18n import N_
from crm_admin.models.audit import AuditEntry
from crm_admin.models.base import Model, Record, Searchable
from crm_admin.models.rules import Severity
from crm_admin.models.types import Money
from crm_admin.models.users import User
from crm_admin.services import access, numbers, records, search, validation

#: How many rows are held, checked and written at a time.
CHUNK = 1000
#: Traces a record may bring along from where it was kept before.
_TRACES = {"created_at", "created_by_id", "updated_at", "updated_by_id"}
_LONGEST_TEXT = 100_000


@dataclass(frozen=True)
class Past:
    """A save before the loading that a row brings along: `changes` is {field: [old, new]}."""

    action: str
    actor_id: int
    at: datetime
    changes: Mapping[str, list[Any]]


class Row:
    """A row that answers like a record of its entity, without the ORM's watch over each value.

    `brought` holds what came with it that is no field of it.
    """

    __slots__ = ("__dict__", "brought")
    brought: Mapping[str, Any]

    if TYPE_CHECKING:  # its fields are known only when it is made

        def __getattr__(self, key: str) -> Any: ...
        def __setattr__(self, key: str, value: Any) -> None: ...


class Refused(Invalid):
    """Rows break rules: `rows` is {position from 0: its problems}. Nothing is written."""

    def __init__(self, rows: Mapping[int, Sequence[Problem]]) -> None:
        super().__init__([problem for found in rows.values() for problem in found])
        self.rows = rows


#: What a subject does before and after a chunk of its rows is written.
Before = Callable[[Sequence[Row], User], Mapping[int, Problem] | None]
After = Callable[[Sequence[Row], User], None]


@dataclass(frozen=True)
class Subject:
    """What an entity needs beside its fields, and the names of what its rows may bring along."""

    before: Before
    after: After | None = None
    brings: frozenset[str] = frozenset()


SUBJECTS: dict[type[Record], Subject] = {}


def load(
    model: type[Record], rows: Iterable[Mapping[str, Any]], actor: User, *, first: int = 0
) -> list[int]:
    """Write all rows as new records within the open transaction; return their ids, in order.

    Args:
        rows: field key -> value each; also when and by whom it was `created_at`, `updated_at`, and
            `past`, the list of its earlier saves. Taken as they come, a thousand at a time.
        first: the position by which a refusal calls the first row.

    Raises:
        Refused: rows break rules. Denied: the actor may not add records for everyone.
    """
    if not db.session.info.get(WRITES):
        raise RuntimeError("Load inside records.transaction().")
    plan, ids = _plan(model), list[int]()
    if not access.unlimited(actor, "create", model):
        raise Denied(N_("You may not add such a record."))
    for chunk in in_chunks(rows, CHUNK):
        ids += _load_chunk(plan, chunk, actor, first + len(ids))
    return ids


def load_all(
    model: type[Record], rows: Iterable[Mapping[str, Any]], actor: User, source: str
) -> int:
    """Write the rows in transactions of a thousand each; return how many there were."""
    count = 0
    for chunk in in_chunks(rows, CHUNK):
        with records.transaction(source):
            count += len(load(model, chunk, actor, first=count))
    return count


def in_chunks(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Yield the rows in lists of this size; the last may be shorter."""
    iterator = iter(rows)
    while chunk := list(islice(iterator, size)):
        yield chunk


class _Plan:
    """What is known of an entity's columns, worked out once."""

    def __init__(self, model: type[Record]) -> None:
        self.model, self.table = model, access.table_of(model)
        self.subject = SUBJECTS.get(model)
        nothing = records.prepare.dispatch(object), records.follow_up.dispatch(object)
        hooks = records.prepare.dispatch(model), records.follow_up.dispatch(model)
        if model.configures or (self.subject is None and hooks != nothing):
            raise TypeError(f"{model.__name__} can only be saved one by one.")
        self.brings = {"past"} | (self.subject.brings if self.subject else frozenset())
        columns = {k: c for k, c in inspect(model).columns.items() if not c.primary_key}
        self.fields = {k for k, c in columns.items() if c.info.get("label")} | {"custom"}
        self.constants: dict[str, Any] = {"id": None}
        self.made: dict[str, Callable[[Any], Any]] = {}
        for key, column in columns.items():
            default = getattr(column.default, "arg", None)
            self.constants[key] = None if callable(default) else default
            if callable(default):
                self.made[key] = default
        self.columns = columns
        self.texts = [
            (key, column.type.length or _LONGEST_TEXT)
            for key, column in columns.items()
            if isinstance(column.type, String) and getattr(column.type, "enum_class", None) is None
        ]
        self.states = {
            key: {member.value: member for member in kind}
            for key, column in columns.items()
            if (kind := getattr(column.type, "enum_class", None))
        }
        self.amounts = [k for k, c in columns.items() if isinstance(c.type, Integer | Money)]
        self.needed = [
            key
            for key, c in columns.items()
            if c.info.get("label") and not c.nullable and c.default is None
        ]
        self.owner = records.must_own(model)
        self.derives = model.derive is not Record.derive
        self.judges = model.problems is not Model.problems
        self.complete: Before = self.subject.before if self.subject else lambda rows, actor: None
        self.row_class = _row_class(model)

    def row(self, given: Mapping[str, Any], now: datetime) -> Row:
        """Return the row with every column filled in that a new record starts with."""
        values = {**self.constants, "version": 1, "created_at": now, "updated_at": now, **given}
        row = self.row_class()
        brought = {key: values.pop(key) for key in self.brings & given.keys()}
        if len(values) != len(self.constants):
            unknown = values.keys() - self.constants.keys()
            raise TypeError(f"{self.model.__name__} has no {', '.join(sorted(unknown))}.")
        for key, make in self.made.items():
            if values[key] is None:
                values[key] = make(None)
        for key, _ in self.texts:
            if (value := values[key]) is not None:
                values[key] = value.strip() or (None if key != "search_text" else "")
        row.__dict__, row.brought = values, brought
        return row

    def settle(self, rows: Sequence[Row], actor: User) -> None:
        """Give the rows what every new record of the entity has: a number, and an owner."""
        numbers.give(self.model, rows)
        if self.owner:
            for row in rows:
                if getattr(row, self.owner) is None:
                    setattr(row, self.owner, actor.id)

    def known_states(self, row: Row) -> Iterator[Problem]:
        """Put the members of enumerations in place of their values; yield which are none."""
        values = row.__dict__
        for key, members in self.states.items():
            if (value := values[key]) is not None:
                if value in members:
                    values[key] = members[value]
                else:
                    message = N_("%(field)s: “%(value)s” is not among the choices.")
                    label = Label(self.columns[key].info.get("label", key))
                    yield Problem(key, message, {"field": label, "value": value})

    def is_plain(self, row: Row) -> bool:
        """Return whether every field certainly fits its column; else `save`'s checks decide."""
        values = row.__dict__
        for key in self.needed:
            if values[key] is None:
                return False
        for key, longest in self.texts:
            value = values[key]
            if value is not None and (len(value) > longest or "\0" in value):
                return False
        for key in self.amounts:
            value = values[key]
            if value is not None and not -(2**31) < value < 2**31:
                return False
        return True


_plan = cache(_Plan)


def _row_class(model: type[Record]) -> type[Row]:
    """Return the class of an entity's rows: with the entity's own methods and constants."""
    mapper = inspect(model)
    names = {n for n in dir(model) if not n.startswith("_")} - {"metadata", "registry"}
    own = {n: getattr_static(model, n) for n in names - set(mapper.all_orm_descriptors.keys())}
    return type(model.__name__, (Row,), {"__slots__": (), **own})


def _load_chunk(
    plan: _Plan, given: Sequence[Mapping[str, Any]], actor: User, first: int
) -> Sequence[int]:
    """Complete, check and write some rows."""
    now = clock.now()
    _refuse_fields(plan, given, actor)
    rows = [plan.row(values, now) for values in given]
    _refuse(first, {n: [*plan.known_states(row)] for n, row in enumerate(rows)})
    rules = validation.rules_of(plan.model.__tablename__)
    blocked = any(rule.severity is Severity.BLOCK for rule in rules)
    found = {n: [p] for n, p in (plan.complete(rows, actor) or {}).items()}
    plan.settle(rows, actor)
    for position, row in enumerate(rows):
        if plan.derives:
            row.derive()
        if problems := _problems(plan, row, actor, blocked):
            found.setdefault(position, []).extend(problems)
    _refuse(first, found)
    _refuse(first, {position: [problem] for position, problem in _taken(plan, rows)})
    return _write(plan, rows, actor, now)


def _refuse(first: int, found: Mapping[int, Sequence[Problem]]) -> None:
    if bad := {first + position: found[position] for position in sorted(found) if found[position]}:
        raise Refused(bad)


def _refuse_fields(plan: _Plan, given: Sequence[Mapping[str, Any]], actor: User) -> None:
    """Refuse a field that the actor may not fill in; the system may fill in any."""
    keys = set[str]().union(*given)
    if strange := keys - plan.fields - plan.brings - _TRACES:
        raise TypeError(f"{plan.model.__name__} has no {', '.join(sorted(strange))} to load.")
    for key in () if actor.is_system else sorted(keys & plan.fields - {"custom"}):
        if not access.writable(actor, plan.model, key):
            label = plan.columns[key].info.get("label", key)
            raise Denied(N_("You may not change %(field)s."), field=Label(label))


def _problems(plan: _Plan, row: Row, actor: User, blocked: bool) -> list[Problem]:
    """Return what is wrong with the row; doubts are settled as for any other record."""
    found = [*row.problems()] if plan.judges else []
    if blocked or not plan.is_plain(row):
        record = plan.model(**row.__dict__)
        found += validation.field_problems(record, row.__dict__)
        found += validation.blocking(record, actor)
    return found


def _taken(plan: _Plan, rows: Sequence[Row]) -> Iterator[tuple[int, Problem]]:
    """Yield which rows want what a living record, or an earlier row, has and only one may."""
    for index in plan.table.indexes:
        keys = [column.key for column in index.columns]
        if not index.unique:
            continue
        first, *rest = (plan.table.c[key] for key in keys)
        wanted = {getattr(row, keys[0]) for row in rows}
        kept = select(first, *rest).where(plan.table.c.deleted_at.is_(None), first.in_(wanted))
        seen = {tuple(row) for row in db.session.execute(kept)}
        for position, row in enumerate(rows):
            value = tuple(getattr(row, key) for key in keys)
            if value in seen and None not in value:
                yield position, Problem(keys[-1], N_("Another record has this already."))
            seen.add(value)


def _write(plan: _Plan, rows: Sequence[Row], actor: User, now: datetime) -> Sequence[int]:
    """Write checked rows, their history and what follows from them; return their ids."""
    ids = _reserve(plan.table, len(rows))
    searched = issubclass(plan.model, Searchable)
    for id, row in zip(ids, rows, strict=True):
        values = row.__dict__
        if searched:
            values["search_text"] = search.text_of(cast(Searchable, row))
        values["created_by_id"] = values["created_by_id"] or actor.id
        values["updated_by_id"] = values["updated_by_id"] or actor.id
        values["version"] = 1 + len(row.brought.get("past", ()))
        values["id"] = id
    insert(plan.model, [row.__dict__ for row in rows])
    insert(AuditEntry, [*_entries(plan.model.__tablename__, rows, actor, now)])
    if plan.subject and plan.subject.after:
        plan.subject.after(rows, actor)
    return ids


def _entries(
    entity: str, rows: Sequence[Row], actor: User, now: datetime
) -> Iterator[dict[str, Any]]:
    """Yield each row's history: the saves it brings along, and that it was loaded."""
    source = db.session.info[WRITES]
    for row in rows:
        shared = {"entity": entity, "record_id": row.id, "source": source}
        past: Sequence[Past] = row.brought.get("past", ())
        for version, save in enumerate(past, 1):
            yield shared | {
                "created_at": save.at,
                "actor_id": save.actor_id,
                "action": save.action,
                "version": version,
                "changes": dict(save.changes),
            }
        yield shared | {
            "created_at": now,
            "actor_id": actor.id,
            "action": "loaded",
            "version": len(past) + 1,
            "changes": {},
        }


def insert(model: type[Model], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows that all have the same keys, in one go."""
    if rows:
        db.session.connection().execute(access.table_of(model).insert(), rows)


def _reserve(table: Table, count: int) -> Sequence[int]:
    """Return the next ids of a table; nobody else gets them.

    On SQLite the open transaction is the only one that writes; PostgreSQL counts them itself.
    """
    if db.engine.dialect.name == "sqlite":
        last = db.session.scalar(select(func.max(table.c.id))) or 0
        return range(last + 1, last + 1 + count)
    drawn = text(
        "SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)"
    )
    return db.session.scalars(drawn, {"name": table.name, "count": count}).all()
