"""Which records break a rule: one query, whose answer is that of the check of each record.

Most rules are a condition of the database's. What it cannot judge (phone numbers, check digits,
patterns, added fields) is read by the same one query, as far as the rest of the rule applies, and
judged by the rule's own check: no record is made of it, only its id and the value.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, not_, or_, select

from crm_admin.database import ask, db
from crm_admin.models.base import Record
from crm_admin.models.users import User
from crm_admin.services import access, expressions, picklists, validation, zones
from crm_admin.services.changes import CUSTOM
from crm_admin.services.rule_kinds import KINDS, RuleFacts
from crm_admin.services.rule_others import JUDGES, is_text

#: How many rows are fetched at a time where each is judged in memory.
FETCHED = 1000


@dataclass(frozen=True)
class Failing:
    """How many of the records that somebody sees are asked for something, and how many lack it."""

    failing: int
    asked: int


def ids_breaking(
    rule: RuleFacts, actor: User | None = None, *, offset: int = 0, limit: int | None = None
) -> list[int]:
    """Return the ids of the living records that break a rule, in order, from the `offset`th on.

    Args:
        actor: whose view of the entity counts; without one, all records do.

    Raises:
        Invalid: its condition, or what must hold, is no expression.
    """
    if (model := access.model_of(rule.entity)) is None:
        return []
    table = access.table_of(model)
    condition = breaking(model, rule)
    within = [*_asked(model, rule), *_reached(model, actor)]
    if condition is not None:
        found = select(table.c.id).where(*within, condition).order_by(table.c.id)
        return [*ask(found.offset(offset).limit(limit)).scalars()]
    end = None if limit is None else offset + limit
    return [*islice(_judged(model, rule, within), offset, end)]


def count(rule: RuleFacts, actor: User | None = None) -> Failing:
    """Return how many records break a rule, of how many that are asked; see `ids_breaking`."""
    if (model := access.model_of(rule.entity)) is None:
        return Failing(0, 0)
    table, condition = access.table_of(model), breaking(model, rule)
    within = [*_asked(model, rule), *_reached(model, actor)]
    whole = func.count()
    if condition is not None:
        counted = select(whole, whole.filter(condition)).select_from(table).where(*within)
        asked, failing = ask(counted).one()
        return Failing(failing, asked)
    asked = ask(select(whole).select_from(table).where(*within)).scalar_one()
    return Failing(sum(1 for _ in _judged(model, rule, within)), asked)


def breaking(model: type[Record], rule: RuleFacts) -> ColumnElement[bool] | None:
    """Return the condition of the records that break a rule among those it is asked of.

    None where the database cannot say it exactly.
    """
    today = zones.today()
    if judge := JUDGES.get(rule.kind):
        return judge.condition(model, rule, today)
    if rule.kind == "holds":
        must = expressions.compiled(model, rule.parameter)
        return not_(must.condition(validation.NOBODY, today))
    make = _PLAIN.get(rule.kind)
    column = access.table_of(model).c.get(model.column_key(rule.field_key))
    return make(column, rule) if make is not None and column is not None else None


def selecting(model: type[Record], rule: RuleFacts) -> Select[Any] | None:
    """Return the select of the ids of all living records that break a rule, or None as above."""
    condition = breaking(model, rule)
    if condition is None:
        return None
    return select(access.table_of(model).c.id).where(*_asked(model, rule), condition)


def _asked(model: type[Record], rule: RuleFacts) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions of the records that a rule is asked of."""
    table = access.table_of(model)
    yield table.c.deleted_at.is_(None)
    if since := validation.made_since(rule):
        yield table.c.created_at >= since
    if rule.condition:
        asked = expressions.compiled(model, rule.condition)
        yield asked.condition(validation.NOBODY, zones.today())


def _reached(model: type[Record], actor: User | None) -> Sequence[ColumnElement[bool]]:
    return [] if actor is None else access.rows(model, actor)


def _judged(
    model: type[Record], rule: RuleFacts, within: Sequence[ColumnElement[bool]]
) -> Iterator[int]:
    """Yield the ids of the records whose value the rule's own check finds wrong."""
    table, key = access.table_of(model), model.column_key(rule.field_key)
    is_added, beside = key.startswith(CUSTOM), KINDS[rule.kind].beside
    column = table.c["custom" if is_added else key]
    columns = {"id": table.c.id, ("custom" if is_added else key): column}
    if beside and beside in table.c:
        columns[beside] = table.c[beside]
    found = select(*columns.values()).where(*within).order_by(table.c.id)
    if not is_added and rule.kind != "required":
        found = found.where(column.is_not(None))  # what is empty is another rule's matter
    rows = db.session.connection().execute(found.execution_options(yield_per=FETCHED))
    record = _Row(model)
    for row in rows:
        record.__dict__.update(zip(columns, row, strict=True))
        if not validation.is_right(rule, record):
            yield row[0]


class _Row(SimpleNamespace):
    """The values of a row, under the names that a record has them by."""

    def __init__(self, model: type[Record]) -> None:
        super().__init__(column_key=model.column_key)


# What the database judges exactly as the checks do.


def _is_empty(column: Any, rule: RuleFacts) -> ColumnElement[bool]:
    return or_(column.is_(None), column == "") if is_text(column) else column.is_(None)


def _is_unknown(column: Any, rule: RuleFacts) -> ColumnElement[bool] | None:
    if not is_text(column):
        return None
    codes = [*picklists.items(rule.parameter)]
    return and_(column.is_not(None), column != "", column.not_in(codes))


_PLAIN: dict[str, Callable[[Any, RuleFacts], ColumnElement[bool] | None]] = {
    "required": _is_empty,
    "known": _is_unknown,
}
