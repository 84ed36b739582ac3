"""The fields of an entity, and those of the records it points at, as parts of an expression."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Date,
    Integer,
    String,
    Text,
    cast,
    func,
    inspect,
    type_coerce,
)
from sqlalchemy.orm import RelationshipDirection

from crm_admin.database import db
from crm_admin.models import reckoning
from crm_admin.models.base import Model
from crm_admin.models.types import Moment, Money, exact
from crm_admin.services import entity_names, zones
from crm_admin.services.expressions.terms import Asked, Kind, Leaf, Sql, Term, Value
from crm_admin.services.field_sizes import LARGEST_MONEY

Read = Callable[[Any], Any]


@dataclass(frozen=True)
class Field:
    """A field by one of its names: its label, its term, and the relation it belongs to or is."""

    name: str
    label: str
    term: Term
    picklist: str = ""


@cache
def fields_of(model: type[Model]) -> dict[str, Field]:
    """Return {name: field} of all that may be used of an entity's own; relations by both names."""
    found = {}
    for key, column in inspect(model).columns.items():
        label = column.info.get("label")
        made = _term(model, key, column) if label else None
        if label and made is not None:
            for name in dict.fromkeys((key, model.form_key(key))):
                found[name] = Field(name, label, made, column.info.get("picklist", ""))
    return found


@cache
def related(model: type[Model]) -> dict[str, type[Model]]:
    """Return {relation: entity} of the relations that lead on to one other record."""
    known = fields_of(model)
    return {
        relation.key: relation.mapper.class_
        for relation in inspect(model).relationships
        if relation.direction is RelationshipDirection.MANYTOONE and relation.key in known
    }


def of_related(model: type[Model], relation: str, name: str) -> Term:
    """Return a field of the record that a relation points at; empty where it points at none."""
    target = related(model)[relation]
    term = fields_of(target)[name].term
    foreign = model.column_key(relation)
    assert term.leaf is not None
    leaf = replace(term.leaf, foreign=foreign, target=entity_names.table_of(target), nullable=True)
    found, value = _pointed(relation, foreign, target), term.value

    def of_other(record: Any, asker: Any, today: date) -> Any:
        other = found(record)
        return None if other is None else value(other, asker, today)

    return replace(
        term,
        leaf=leaf,
        sql=_sql_of(term, leaf),
        value=of_other,
        fields=frozenset((foreign,)),
        steps=frozenset(((target, name),)),
    )


def _pointed(relation: str, foreign: str, target: type[Model]) -> Read:
    """Return how to get the record that a relation points at, as its foreign key has it.

    What was loaded before the key was set anew counts no more.
    """
    key_of = attrgetter(foreign)

    def found(record: Any) -> Any:
        key = key_of(record)
        if key is None:
            return None
        other = record.__dict__.get(relation)
        return other if other is not None and other.id == key else db.session.get(target, key)

    return found


def _term(model: type[Model], key: str, column: Column[Any]) -> Term | None:
    """Return the term of a column, or None where its kind has no place in expressions."""
    read: Read = attrgetter(key)
    bare = Term(Kind.NUMBER, (0, 0), _plain(read), _no_sql, fields=frozenset((key,)))
    made = _kinds(model, bare, column, read)
    if made is None:
        return None
    leaf = Leaf(column.key, _raw(column), bool(column.nullable))
    return replace(made, leaf=leaf, sql=_sql_of(made, leaf))


def _kinds(model: type[Model], bare: Term, column: Column[Any], read: Read) -> Term | None:
    kind = column.type
    if column.foreign_keys:
        return replace(bare, kind=Kind.RECORD, of=entity_names.target_of(model, column.key))
    if choices := getattr(kind, "enum_class", None):
        return replace(bare, kind=Kind.STATE, of=choices)
    if isinstance(kind, Moment):
        return replace(bare, kind=Kind.DAY, moment=True, value=_day(read), uses=frozenset(["zone"]))
    if isinstance(kind, Date):
        return replace(bare, kind=Kind.DAY)
    if isinstance(kind, Money):
        most = LARGEST_MONEY * 100
        return replace(bare, value=_hundredths(read), scale=2, low=-most, high=most)
    if isinstance(kind, Boolean):
        return replace(bare, kind=Kind.TRUTH)
    if isinstance(kind, Integer):
        most = reckoning.LIMIT if isinstance(kind, BigInteger) else 2**31
        return replace(bare, low=-most, high=most)
    if isinstance(kind, String | Text):
        return replace(bare, kind=Kind.TEXT, value=_filled(read))
    return None


# In memory.


def _plain(read: Read) -> Value:
    return lambda record, asker, today: read(record)


def _filled(read: Read) -> Value:
    """An empty text is none."""
    return lambda record, asker, today: read(record) or None


def _day(read: Read) -> Value:
    def day(record: Any, asker: Any, today: date) -> date | None:
        moment = read(record)
        return moment and reckoning.day_of(moment, zones.here())

    return day


def _hundredths(read: Read) -> Value:
    def hundredths(record: Any, asker: Any, today: date) -> int | None:
        amount = read(record)
        if amount is None:
            return None
        scaled = amount.scaleb(2) if type(amount) is Decimal else exact(amount) * 100
        whole = int(scaled)
        return whole if whole == scaled else int(exact(amount) * 100)

    return hundredths


# In SQL.


def _no_sql(asked: Asked) -> ColumnElement[Any]:
    """Stand where a column's own way is yet to be put; every kind of column has one."""
    raise NotImplementedError("A kind of column has no way into SQL.")


def _raw(column: Column[Any]) -> Read:
    """Return how a column is compared: an amount as its hundredths, a state as its value."""
    if isinstance(column.type, Money):
        return lambda kept: type_coerce(kept, BigInteger)
    if getattr(column.type, "enum_class", None):
        return lambda kept: type_coerce(kept, String)
    return lambda kept: kept


def _sql_of(term: Term, leaf: Leaf) -> Sql:
    """Return how a column's value is reckoned with."""
    if term.moment:
        return lambda asked: reckoning.DayIn(leaf.sql(asked), zones.here().key)
    if term.kind is Kind.NUMBER and term.scale == 0:
        return lambda asked: cast(leaf.sql(asked), BigInteger)
    if term.kind is Kind.TEXT:
        return lambda asked: func.nullif(leaf.sql(asked), "")
    return leaf.sql
