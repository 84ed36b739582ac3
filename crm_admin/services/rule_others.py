"""Kinds of rules that look at other records, or at the day: each costs one query for all records.

Each says twice who breaks it: `breaks` of the positions among some records as they stand, saved or
not, and `condition` of the living records in the database. Both find the same.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    bindparam,
    exists,
    func,
    inspect,
    or_,
    select,
)

from crm_admin.database import ask
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.models.reckoning import start_of
from crm_admin.services import access, references, zones
from crm_admin.services.rule_kinds import RuleFacts, check

Breaks = Callable[[type[Record], RuleFacts, Sequence[Record], date], set[int]]
Condition = Callable[[type[Record], RuleFacts, date], ColumnElement[bool]]


@dataclass(frozen=True)
class Judge:
    """How a kind that looks beyond the value judges: some records, and all in the database."""

    breaks: Breaks
    condition: Condition


JUDGES: dict[str, Judge] = {}


def number_of(rule: RuleFacts, default: int = 0) -> int:
    """Return the whole number that the rule's parameter is."""
    text = rule.parameter.strip()
    return int(text) if text.isascii() and text.isdigit() else default


# Related records.


@check(
    N_("Has a related record"),
    N_("%(field)s is missing."),
    help=N_("At least one record of another kind belongs to it, such as a contact to a customer."),
    hint=N_("The other kind of record, such as contacts."),
    of_record=True,
)
def related(value: Any, rule: RuleFacts) -> bool:
    """A living record of the entity named by the parameter belongs to it; `value` says so."""
    return bool(value)


def _without(
    model: type[Record], rule: RuleFacts, records: Sequence[Record], today: date
) -> set[int]:
    other = access.model_of(rule.parameter)
    if other is None:
        return set(range(len(records)))
    having = _having(_pointing(model, other), _pointing(model, other, one=True), records, {})
    return {place for place, record in enumerate(records) if record.id not in having}


def _has_none(model: type[Record], rule: RuleFacts, today: date) -> ColumnElement[bool]:
    other, table = access.model_of(rule.parameter), access.table_of(model)
    if other is None:
        return table.c.id.is_not(None)
    pointing = _key_to(model, other)
    living = select(pointing).where(pointing.table.c.deleted_at.is_(None), pointing.is_not(None))
    return table.c.id.not_in(living)


def _having(
    many: Select[Any], one: Select[Any], records: Sequence[Record], values: dict[str, Any]
) -> set[int]:
    """Return the ids of those of the records that a select finds pointed at."""
    ids = [record.id for record in records if record.id is not None]
    if not ids:
        return set()
    if len(ids) == 1:
        return set(ask(one, {"id": ids[0], **values}).scalars())
    return set(ask(many, {"ids": ids, **values}).scalars())


def _key_to(model: type[Record], other: type[Record]) -> Any:
    """Return the column by which records of another entity point at those of this one."""
    return access.table_of(other).c[references.key_to(model, other)]


@cache
def _pointing(model: type[Record], other: type[Record], *, one: bool = False) -> Select[Any]:
    """Return the select of which `ids` of an entity living records of another point at.

    With `one` only `id` is asked for, as at every save.
    """
    key = _key_to(model, other)
    living = select(key).where(key.table.c.deleted_at.is_(None))
    return _of(living, key, one)


def _of(statement: Select[Any], key: Any, one: bool) -> Select[Any]:
    if one:
        return statement.where(key == bindparam("id")).limit(1)
    return statement.where(key.in_(bindparam("ids", expanding=True))).distinct()


# The same value elsewhere.


@check(
    N_("Is unique"),
    N_("%(field)s: another record has the same."),
    help=N_("No two living records of this kind have the same value."),
    of_record=True,
)
def unique(value: Any, rule: RuleFacts) -> bool:
    """No other living record has the value; `value` says so."""
    return bool(value)


@check(
    N_("Is not shared with other customers"),
    N_("%(field)s: other customers have the same."),
    help=N_("The same value, such as a phone number, stands at no other customers, or at few."),
    hint=N_("At how many others it may stand; empty: at none."),
    of_record=True,
)
def shared(value: Any, rule: RuleFacts) -> bool:
    """Not more than so many other customers have the value; `value` says so."""
    return bool(value)


def _whose(model: type[Record], rule: RuleFacts) -> Any:
    """Return the column that says who is counted: the customers of records, or they themselves."""
    table = access.table_of(model)
    if rule.kind == "unique" or not model.follows:
        return table.c.id
    is_customers = access.target_of(model, model.follows) is Customer
    return table.c[model.follows if is_customers else "id"]


def _alike(
    model: type[Record], rule: RuleFacts, records: Sequence[Record], today: date
) -> set[int]:
    key, whose = model.column_key(rule.field_key), _whose(model, rule)
    values = [getattr(record, key) for record in records]
    asked = {value for value in values if value not in (None, "")}
    if not asked:
        return set()
    holders: dict[Any, set[int]] = defaultdict(set)
    one = len(asked) == 1
    given = {"value": next(iter(asked))} if one else {"values": [*asked]}
    for value, holder in ask(_holders(model, key, whose.key, one=one), given):
        holders[value].add(holder)
    most, own = number_of(rule) if rule.kind == "shared" else 0, whose.key
    return {
        place
        for place, (record, value) in enumerate(zip(records, values, strict=True))
        if value in asked and len(holders[value] - {getattr(record, own)}) > most
    }


@cache
def _holders(model: type[Record], key: str, whose: str, *, one: bool) -> Select[Any]:
    """Return the select of who has one `value`, or some `values`, of a field."""
    table = access.table_of(model)
    column = table.c[key]
    found = select(column, table.c[whose]).distinct()
    found = found.where(table.c.deleted_at.is_(None), table.c[whose].is_not(None))
    if one:
        return found.where(column == bindparam("value", type_=column.type))
    return found.where(column.in_(bindparam("values", type_=column.type, expanding=True)))


def _is_alike(model: type[Record], rule: RuleFacts, today: date) -> ColumnElement[bool]:
    whose = _whose(model, rule)
    table, column = whose.table, whose.table.c[model.column_key(rule.field_key)]
    most = number_of(rule) if rule.kind == "shared" else 0
    other = table.alias()
    same, holder = other.c[column.key], other.c[whose.key]

    def among(count: int) -> ColumnElement[bool]:
        often = select(same).where(other.c.deleted_at.is_(None), same.is_not(None))
        often = often.group_by(same).having(func.count(holder.distinct()) > count)
        return and_(column.is_not(None), column.in_(often))

    found = among(most + 1)
    if whose.nullable:
        found = or_(and_(whose.is_not(None), found), and_(whose.is_(None), among(most)))
    return and_(column != "", found) if is_text(column) else found


def is_text(column: Any) -> bool:
    """Return whether a column holds text that people type."""
    return isinstance(column.type, String) and getattr(column.type, "enum_class", None) is None


# Freshness.


@check(
    N_("Was changed lately"),
    N_("Nothing was changed here for a long time."),
    help=N_("Somebody changed the record within so many days. It is told beside the field chosen."),
    hint=N_("Within how many days, such as 90."),
    of_record=True,
)
def touched(value: Any, rule: RuleFacts) -> bool:
    """It was changed within so many days; `value` says so."""
    return bool(value)


def _since(rule: RuleFacts, today: date) -> datetime:
    """Return the first moment of the days that the parameter counts, today left out."""
    return start_of(today.toordinal() - number_of(rule, 90), zones.here())


def _untouched(
    model: type[Record], rule: RuleFacts, records: Sequence[Record], today: date
) -> set[int]:
    since = _since(rule, today)
    return {
        place
        for place, record in enumerate(records)
        # What is about to be written is changed now.
        if (state := inspect(record)).persistent
        and not state.modified
        and record.updated_at < since
    }


def _is_untouched(model: type[Record], rule: RuleFacts, today: date) -> ColumnElement[bool]:
    changed: ColumnElement[bool] = access.table_of(model).c.updated_at < _since(rule, today)
    return changed


@check(
    N_("Was talked to lately"),
    N_("There was no interaction for a long time."),
    help=N_("There was an interaction with it within so many days, or it was made since."),
    hint=N_("Within how many days, such as 30."),
    of_record=True,
)
def contacted(value: Any, rule: RuleFacts) -> bool:
    """There was an interaction within so many days, or it is newer than that."""
    return bool(value)


def _unheard(
    model: type[Record], rule: RuleFacts, records: Sequence[Record], today: date
) -> set[int]:
    since, until = _since(rule, today), start_of(today.toordinal() + 1, zones.here())
    old = [record for record in records if record.id is not None and record.created_at < since]
    asked = {"since": since, "until": until}
    having = _having(_talks(model), _talks(model, one=True), old, asked)
    ids = {record.id for record in old} - having
    return {place for place, record in enumerate(records) if record.id in ids}


@cache
def _talks(model: type[Record], *, one: bool = False) -> Select[Any]:
    """Return the select of with which `ids` there was an interaction between two moments."""
    key, at = _key_to(model, Interaction), Interaction.__table__.c.happened_at
    found = select(key).where(key.table.c.deleted_at.is_(None))
    found = found.where(at >= bindparam("since", type_=at.type))
    return _of(found.where(at < bindparam("until", type_=at.type)), key, one)


def _is_unheard(model: type[Record], rule: RuleFacts, today: date) -> ColumnElement[bool]:
    table, since = access.table_of(model), _since(rule, today)
    until = start_of(today.toordinal() + 1, zones.here())
    talk = access.table_of(Interaction).alias()
    here = talk.c[_key_to(model, Interaction).key] == table.c.id
    lately = [talk.c.happened_at >= since, talk.c.happened_at < until]
    found = exists().where(here, talk.c.deleted_at.is_(None), *lately)
    return and_(table.c.created_at < since, ~found.correlate(table))


def talked_to(model: type[Record]) -> bool:
    """Return whether interactions name records of this entity."""
    target = access.table_of(model).c.id
    return any(c.references(target) for c in access.table_of(Interaction).columns)


JUDGES |= {
    "related": Judge(_without, _has_none),
    "unique": Judge(_alike, _is_alike),
    "shared": Judge(_alike, _is_alike),
    "touched": Judge(_untouched, _is_untouched),
    "contacted": Judge(_unheard, _is_unheard),
}
