"""Lists: which records a person asked for, in which order, one page of them or all in a stream.

Ids are found first and only then their rows, so that wide rows are read for one page only.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    bindparam,
    func,
    inspect,
    select,
    true,
)

from crm_admin import i18n
from crm_admin.database import ask, db
from crm_admin.models.base import Record
from crm_admin.models.users import User
from crm_admin.services import access, filters, search

#: A list says at most that it has more than these.
COUNTED = 10_000
#: Up to so many ids of a narrowed list are read at once: they give its count and its page.
_AT_ONCE = 2_000
MOST_PAGES = 2_000
#: More records than there are.
ALL = 2**31 - 1
#: Columns without a label that people may sort by.
_STAMPS = ("id", "created_at", "updated_at", "pooled_at")


@dataclass(frozen=True)
class Question:
    """What a person asked of a list; `filters` holds (field, operation, value).

    `within` holds (column, id), None where the column must be empty.
    """

    search: str = ""
    filters: tuple[tuple[str, str, str], ...] = ()
    sort: str = ""
    descending: bool = False
    page: int = 0
    size: int = 50
    binned: bool = False
    within: tuple[tuple[str, int | None], ...] = ()
    zone: tzinfo = UTC


@dataclass(frozen=True)
class Page:
    """One page: rows of (id, *values) in the order of the asked keys; `count` up to COUNTED + 1."""

    rows: Sequence[tuple[Any, ...]]
    count: int


def page(
    model: type[Record], actor: User, question: Question, keys: Sequence[str], verb: str = "view"
) -> Page:
    """Return one page of the records the actor may do this to, and how many there are."""
    start = question.page * question.size
    narrowed = bool(question.search or question.filters or question.within)
    narrowed = narrowed or access.limit(model, actor, verb) is not None
    if not (narrowed or question.sort or question.binned):  # as most lists are opened
        asked = {"start": start, "size": question.size}
        ids = ask(_whole(model), asked).scalars().all()
        return Page(rows_of(model, ids, keys, actor), _count_all(model))
    found, ordered, values = _asked(model, actor, question, verb)
    window = {"start": start, "size": question.size}
    by_rights = not (question.search or question.filters or question.within or question.binned)
    if by_rights and (known := _many.get(found)) and known[0] > time.monotonic():
        ids = ask(ordered, values | window).scalars().all()
        return Page(rows_of(model, ids, keys, actor), known[1])
    if narrowed and start + question.size <= _AT_ONCE:
        ids = ask(ordered, values | {"start": 0, "size": _AT_ONCE + 1}).scalars().all()
        count = len(ids)
        if count > _AT_ONCE:
            count = _count(found, values)
            if by_rights:
                _keep_count(found, count)
        ids = ids[start : start + question.size]
    else:
        count = _count(found, values) if narrowed or question.binned else _count_all(model)
        ids = ask(ordered, values | window).scalars().all()
    return Page(rows_of(model, ids, keys, actor), count)


def _keep_count(found: Select[Any], count: int) -> None:
    """Keep for a while how many of very many records rights leave: counting takes longest."""
    if len(_many) >= 500:
        _many.clear()
    _many[found] = (time.monotonic() + COUNTED_EVERY, count)


#: {select: (until when it is good, how many records it finds)}, and for how many seconds.
_many: dict[Any, tuple[float, int]] = {}
COUNTED_EVERY = 20


@cache
def _whole(model: type[Record]) -> Select[Any]:
    """Return the select of a page of the living records' ids, from `start` on."""
    table = access.table_of(model)
    newest = [table.c[model.newest].desc()] if model.newest else []
    ids = select(table.c.id).where(table.c.deleted_at.is_(None))
    return _window(ids.order_by(*newest, table.c.id.desc()))


def _window(ids: Select[Any]) -> Select[Any]:
    """Return the select of `size` of these from `start` on."""
    start, size = (bindparam(name, type_=Integer) for name in ("start", "size"))
    return ids.offset(start).limit(size)


def _count_all(model: type[Record]) -> int:
    """Return how many living records there are, up to COUNTED + 1."""
    return ask(_living(model, db.engine.dialect.name)).scalar() or 0


@cache
def _living(model: type[Record], dialect: str) -> Select[Any]:
    """Return the select of how many living records there are.

    SQLite knows how many rows a table has without looking at them, and few are in the bin.
    """
    table = access.table_of(model)
    counted = select(func.count()).select_from(table)
    if dialect == "sqlite":
        binned = counted.where(table.c.deleted_at.is_not(None))
        return select(func.min(counted.scalar_subquery() - binned.scalar_subquery(), COUNTED + 1))
    living = select(table.c.id).where(table.c.deleted_at.is_(None)).limit(COUNTED + 1)
    return select(func.count()).select_from(living.subquery())


def stream(
    model: type[Record], actor: User, question: Question, keys: Sequence[str], chunk: int = 1_000
) -> Iterator[Sequence[tuple[Any, ...]]]:
    """Yield chunks of rows of (id, *values) of all records asked for that the actor may export.

    A relation's value is the number of the other record where its title is no name, so that a file
    can be taken in again. It has a connection of its own: it outlives the request that began it.
    """
    _found, ordered, values = _asked(model, actor, question, "export")
    ids = ask(ordered, values | {"start": 0, "size": ALL}).scalars().all()
    relations = inspect(model).relationships
    numbered = frozenset(
        key
        for key in keys
        if key in relations and access.readable(actor, relations[key].mapper.class_, "number")
    )
    chosen = _select(model, tuple(keys), i18n.language(), by_number=numbered)
    conceal = access.concealing(actor, model, keys)

    def rows() -> Iterator[Sequence[tuple[Any, ...]]]:
        with db.engine.connect() as connection:
            for start in range(0, len(ids), chunk):
                wanted = ids[start : start + chunk]
                found = connection.execute(chosen, {"ids": wanted})
                by_id = {row[0]: row for row in found}
                rows_of_it = [by_id[id] for id in wanted if id in by_id]
                yield rows_of_it if conceal is None else conceal(rows_of_it, connection.execute)

    return rows()


def related(
    model: type[Record],
    actor: User,
    column_key: str,
    id: int,
    keys: Sequence[str],
    limit: int,
) -> Sequence[tuple[Any, ...]]:
    """Return up to `limit` rows of (id, *values) of the newest records that point at this one."""
    statement = _related(model, tuple(keys), column_key, i18n.language())
    if (theirs := access.limit(model, actor)) is not None:
        statement = statement.where(theirs)
    found = [tuple(row) for row in ask(statement, {"target": id, "size": limit})]
    conceal = access.concealing(actor, model, keys)
    return found if conceal is None else conceal(found, ask)


@cache
def _related(
    model: type[Record], keys: tuple[str, ...], column_key: str, language: str
) -> Select[Any]:
    """Return the select of the living records whose column holds `target`, the newest first."""
    table, (columns, joined) = access.table_of(model), _columns(model, keys)
    newest = [table.c[model.newest].desc()] if model.newest else []
    return (
        select(*columns)
        .select_from(joined)
        .where(table.c[column_key] == bindparam("target"), table.c.deleted_at.is_(None))
        .order_by(*newest, table.c.id.desc())
        .limit(bindparam("size", type_=Integer))
    )


def ids(
    model: type[Record], actor: User, question: Question, verb: str, most: int
) -> Sequence[int]:
    """Return up to `most` ids of the records asked for that the actor may do this to."""
    _found, ordered, values = _asked(model, actor, question, verb)
    return ask(ordered, values | {"start": 0, "size": most}).scalars().all()


def count(model: type[Record], actor: User, question: Question) -> int:
    """Return how many records fit, up to COUNTED + 1."""
    found, _ordered, values = _asked(model, actor, question, "view")
    return _count(found, values)


def neighbours(model: type[Record], actor: User, id: int) -> tuple[int | None, int | None]:
    """Return the ids before and after this one in the list as it is without a search."""
    theirs = access.limit(model, actor)
    both = _beside(model) if theirs is None else _both_sides(model, theirs)
    found: tuple[int | None, int | None] = ask(both, {"place": id}).one()
    return found


@cache
def _beside(model: type[Record]) -> Select[Any]:
    """Return the select of both neighbours for those who see all, put together once."""
    return _both_sides(model, true())


def _both_sides(model: type[Record], theirs: ColumnElement[bool]) -> Select[Any]:
    """Return the select of the next higher and the next lower id than `place`."""
    table = access.table_of(model)
    place: Any = bindparam("place")
    living = select(table.c.id).where(table.c.deleted_at.is_(None), theirs).limit(1)
    before = living.where(table.c.id > place).order_by(table.c.id)
    after = living.where(table.c.id < place).order_by(table.c.id.desc())
    return select(before.scalar_subquery(), after.scalar_subquery())


def _asked(
    model: type[Record], actor: User, question: Question, verb: str
) -> tuple[Select[Any], Select[Any], dict[str, Any]]:
    """Return the selects of all ids that fit, and of a window of them in order; and their values.

    What most people ask of most lists is put together once, and again only for what is rare.
    """
    table, binned, key = access.table_of(model), question.binned, question.sort
    theirs = access.limit(model, actor, "restore" if binned else verb)
    searched, values = None, dict[str, Any]()
    if question.search:
        searched, values = search.condition(model, actor, question.search)
    if key and not _sorts(model, actor, key):
        key = ""
    order = (key, question.descending, i18n.language())
    kept = searched if values else None
    found, ordered = _together(model, theirs, kept, order, binned=binned)
    conditions: list[ColumnElement[bool]] = [table.c[key] == id for key, id in question.within]
    if searched is not None and kept is None:  # it holds what was typed, and is of no use to others
        conditions.append(searched)
    for key, operation, value in question.filters:
        if access.readable(actor, model, key):
            asked = (model.column_key(key), operation, value)
            conditions.append(filters.condition(model, actor, asked, question.zone))
    if conditions:
        found, ordered = found.where(*conditions), ordered.where(*conditions)
    return found, ordered, values


def _sorts(model: type[Record], actor: User, key: str) -> bool:
    """Return whether a list can be in the order of this: a field its reader sees, or a stamp."""
    column_key = model.column_key(key)
    stamp = column_key in _STAMPS and column_key in access.table_of(model).c
    known = stamp or bool(access.field_info(model, column_key).get("label"))
    return known and access.readable(actor, model, key)


@lru_cache(maxsize=500)
def _together(
    model: type[Record],
    theirs: ColumnElement[bool] | None,
    searched: ColumnElement[bool] | None,
    order: tuple[str, bool, str],
    *,
    binned: bool,
) -> tuple[Select[Any], Select[Any]]:
    """Return the selects of the ids within both conditions, and of a window of them in order."""
    table = access.table_of(model)
    deleted = table.c.deleted_at
    found = select(table.c.id).where(deleted.is_not(None) if binned else deleted.is_(None))
    for condition in (theirs, searched):
        found = found if condition is None else found.where(condition)
    key, descending, _language = order
    return found, _window(_sorted(found, model, key, descending, searched is not None))


def _count(found: Select[Any], values: dict[str, Any]) -> int:
    counted = found.limit(COUNTED + 1).subquery()
    return ask(select(func.count()).select_from(counted), values).scalar() or 0


def _sorted(
    found: Select[Any], model: type[Record], key: str, descending: bool, searched: bool
) -> Select[Any]:
    """Return the select in the asked order; equal rows keep their place on every database."""
    table = access.table_of(model)
    if key:
        relation = inspect(model).relationships.get(key)
        column: Any = table.c[model.column_key(key)]
        if relation is not None:
            other = access.table_of(relation.mapper.class_).alias()
            found = found.outerjoin(other, other.c.id == column)
            column = other.c[relation.mapper.class_.title_key()]
        order = column.desc() if descending else column.asc()
        last = table.c.id.desc() if descending else table.c.id.asc()
        if relation is not None or getattr(column, "nullable", True):
            order = order.nulls_last()
        return found.order_by(order, last)
    newest = [table.c[model.newest].desc()] if model.newest else []
    # A sum is in no index: SQLite then reads the search's index rather than the rows in order.
    key_last: Any = table.c.id + 0 if searched else table.c.id
    return found.order_by(*newest, key_last.desc())


def rows_of(
    model: type[Record], ids: Sequence[int], keys: Sequence[str], actor: User
) -> Sequence[tuple[Any, ...]]:
    """Return rows of (id, *values) in the order of the ids; the actor may see these records.

    A value of which they see less in this record than in others is a `masking.Part`.
    """
    if not ids:
        return []
    chosen = _select(model, tuple(keys), i18n.language())
    by_id = {row[0]: row for row in ask(chosen, {"ids": ids}).all()}
    rows = [by_id[id] for id in ids if id in by_id]
    conceal = access.concealing(actor, model, keys)
    return rows if conceal is None else conceal(rows, ask)


@cache
def _select(
    model: type[Record],
    keys: tuple[str, ...],
    language: str,
    *,
    by_number: frozenset[str] = frozenset(),
) -> Select[Any]:
    """Return the select of (id, *values) of the `ids`, made once a language.

    A relation's value is the other record's title.
    """
    columns, joined = _columns(model, keys, by_number=by_number)
    ids = access.table_of(model).c.id.in_(bindparam("ids", expanding=True))
    return select(*columns).select_from(joined).where(ids)


def _columns(
    model: type[Record], keys: Sequence[str], *, by_number: frozenset[str] = frozenset()
) -> tuple[list[Any], Any]:
    """Return the columns (id, *values) of an entity and what they are selected from."""
    table, relations = access.table_of(model), inspect(model).relationships
    columns: list[Any] = [table.c.id]
    joined: Any = table
    for key in keys:
        relation = relations.get(key)
        if relation is None:
            columns.append(table.c[key])
            continue
        target = relation.mapper.class_
        other = access.table_of(target).alias()
        joined = joined.outerjoin(other, other.c.id == table.c[model.column_key(key)])
        numbered = key in by_number and target.number_prefix and target.title != "name"
        columns.append(other.c.number if numbered else title_of(target, other))
    return columns, joined


def title_of(model: type[Any], table: Any) -> Any:
    """Return the column by which people know a record, in the present language where it has one."""
    title = table.c[model.title_key()]
    if model.title_key() in ("label_zh_hans", "label_zh_hant"):
        return func.coalesce(title, table.c.label_en)
    return title
