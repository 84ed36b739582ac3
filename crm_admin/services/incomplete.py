"""Incomplete records of the people one supervises, worst first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, func, select

from crm_admin.database import db
from crm_admin.models.base import Record
from crm_admin.models.users import User
from crm_admin.services import access, completeness, history, listing, validation


@dataclass(frozen=True)
class Row:
    """One incomplete record and whose it is."""

    model: type[Record]
    id: int
    title: str
    owner: str
    percent: int
    lacks: list[completeness.Lack]


@dataclass(frozen=True)
class Person:
    """How complete one person's records are on the whole."""

    id: int
    name: str
    incomplete: int
    percent: int


def entities(actor: User) -> list[type[Record]]:
    """Return the rated entities the actor sees, customers first."""
    found = access.reachable(actor, "view", completeness.checked_entities())
    return sorted(found, key=lambda m: (m.__tablename__ != "customers", m.__tablename__))


def _rated(model: type[Record]) -> Any:
    return access.table_of(model).c.completeness


def owner_key(actor: User, model: type[Record]) -> str:
    """Return the column that says whose a record of this entity is, or "".

    Who may not see it is not told by whom the records are either.
    """
    key = model.owners[0] if model.owners else ""
    return key if key and access.readable(actor, model, key) else ""


def _owner(actor: User, record: Record) -> int | None:
    """Return the first of those the record belongs to that the actor may know of."""
    model = type(record)
    seen = [key for key in record.owners if access.readable(actor, model, key)]
    return next((id for key in seen if (id := getattr(record, key))), None)


def page(
    actor: User, model: type[Record], person: int | None, *, offset: int, limit: int
) -> Sequence[Row]:
    """Return a page of incomplete records, the least complete first. Source: A3"""
    conditions = [*access.rows(model, actor), _rated(model) < 100, *_of(actor, model, person)]
    statement = select(model).where(*conditions).order_by(_rated(model), model.id)
    found = access.fetch(statement.offset(offset).limit(limit))
    owners = [_owner(actor, record) for record in found]
    names = history.names(User, {id for id in owners if id})
    return [
        Row(
            model,
            record.id,
            str(record)[:120],
            names.get(id, "") if id else "",
            getattr(record, "completeness", 100),
            [lack for lack in lacks if _readable(actor, model, lack)],
        )
        for record, lacks, id in zip(found, completeness.lacks(found), owners, strict=True)
    ]


def _readable(actor: User, model: type[Record], lack: completeness.Lack) -> bool:
    if lack.rule is not None and not validation.sees(actor, model, lack.rule):
        return False
    return bool(lack.related) or access.readable(actor, model, lack.field_key)


def _of(actor: User, model: type[Record], person: int | None) -> list[ColumnElement[bool]]:
    key = owner_key(actor, model)
    return [access.table_of(model).c[key] == person] if person and key else []


def count(actor: User, model: type[Record], person: int | None) -> int:
    """Return how many records are incomplete, up to the lists' limit."""
    conditions = [*access.rows(model, actor), _rated(model) < 100, *_of(actor, model, person)]
    found = select(model.id).where(*conditions).limit(listing.COUNTED + 1).subquery()
    return db.session.scalar(select(func.count()).select_from(found)) or 0


def people(actor: User, model: type[Record]) -> list[Person]:
    """Return each person's share of complete records, the worst first; nobody's are left out."""
    key = owner_key(actor, model)
    if not key:
        return []
    owner = access.table_of(model).c[key]
    lacking = func.sum(case((_rated(model) < 100, 1), else_=0))
    statement = (
        select(User.id, User.name, lacking, func.avg(_rated(model)))
        .select_from(model)
        .join(User, User.id == owner)
        .where(*access.rows(model, actor), _rated(model).is_not(None))
        .group_by(User.id, User.name)
    )
    found = [
        Person(id, name, int(lost or 0), int(average or 0))
        for id, name, lost, average in db.session.execute(statement)
    ]
    return sorted(found, key=lambda person: (person.percent, -person.incomplete, person.name))
