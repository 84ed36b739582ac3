"""Incomplete records: those of the people one supervises, worst first, and one's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, select, union_all

from crm_admin.database import ask, db
from crm_admin.models.base import Record
from crm_admin.models.findings import Finding
from crm_admin.models.users import User
from crm_admin.services import access, completeness, departments, history, listing, owning
from crm_admin.services.entity_names import table_of

#: How many of one's own incomplete records the first page after signing in names.
WORST = 5
_findings = table_of(Finding)


@dataclass(frozen=True)
class Whose:
    """Whose records are asked for: a person's, or those of a department and all below it."""

    person: int | None = None
    department: int | None = None


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


@dataclass(frozen=True)
class Own:
    """One of the actor's own incomplete records, as the first page names it."""

    entity: str
    id: int
    title: str
    percent: int


@dataclass(frozen=True)
class Mine:
    """How many of the actor's own records are incomplete, and the least complete of them."""

    count: int
    worst: Sequence[Own]


def entities(actor: User) -> list[type[Record]]:
    """Return the rated entities the actor sees, customers first."""
    found = access.reachable(actor, "view", completeness.checked_entities())
    return sorted(found, key=lambda m: (m.__tablename__ != "customers", m.__tablename__))


def own_entities(actor: User) -> list[type[Record]]:
    """Return the rated entities of which the actor may have records of their own."""
    return [
        model
        for model in entities(actor)
        if owning.owner_model(model) and access.readable(actor, model, "completeness")
    ]


def _rated(model: type[Record]) -> Any:
    return access.table_of(model).c.completeness


def _owner(actor: User, record: Record) -> int | None:
    """Return the first of those the record belongs to that the actor may know of."""
    model = type(record)
    seen = [key for key in record.owners if access.readable(actor, model, key)]
    return next((id for key in seen if (id := getattr(record, key))), None)


def conditions(actor: User, model: type[Record], whose: Whose) -> list[ColumnElement[bool]]:
    """Return what holds for the records of a person or a department.

    Who may not know whose the records are is told nothing by asking.
    """
    if not (whose.person or whose.department) or not owning.tells(actor, model):
        return []
    people = [whose.person] if whose.person else departments.people_below(whose.department or 0)
    return [owning.of_people(model, people)]


def _incomplete(actor: User, model: type[Record], whose: Whose) -> list[ColumnElement[bool]]:
    return [*access.rows(model, actor), _rated(model) < 100, *conditions(actor, model, whose)]


def page(
    actor: User, model: type[Record], whose: Whose, *, offset: int, limit: int
) -> Sequence[Row]:
    """Return a page of incomplete records, the least complete first. Source: A3"""
    asked = select(model).where(*_incomplete(actor, model, whose))
    statement = asked.order_by(_rated(model), model.id)
    return _rows(actor, model, statement.offset(offset).limit(limit))


def _rows(actor: User, model: type[Record], statement: Select[Any]) -> Sequence[Row]:
    found = access.fetch(statement)
    owners = [_owner(actor, record) for record in found]
    names = history.names(User, {id for id in owners if id})
    return [
        Row(
            model,
            record.id,
            str(record)[:120],
            names.get(id, "") if id else "",
            getattr(record, "completeness", 100),
            completeness.shown_to(actor, model, lacks),
        )
        for record, lacks, id in zip(found, completeness.lacks(found), owners, strict=True)
    ]


def count(actor: User, model: type[Record], whose: Whose) -> int:
    """Return how many records are incomplete, up to the lists' limit."""
    found = select(model.id).where(*_incomplete(actor, model, whose))
    limited = found.limit(listing.COUNTED + 1).subquery()
    return db.session.scalar(select(func.count()).select_from(limited)) or 0


def people(actor: User, model: type[Record], whose: Whose) -> list[Person]:
    """Return each person's share of complete records, the worst first; nobody's are left out."""
    if not owning.tells(actor, model):
        return []
    owner = owning.owner(model)
    lacking = func.sum(case((_rated(model) < 100, 1), else_=0))
    statement = (
        select(User.id, User.name, lacking, func.avg(_rated(model)))
        .select_from(owning.source(model))
        .join(User, User.id == owner)
        .where(*access.rows(model, actor), _rated(model).is_not(None))
        .where(*conditions(actor, model, Whose(department=whose.department)))
        .group_by(User.id, User.name)
    )
    found = [
        Person(id, name, int(lost or 0), int(average or 0))
        for id, name, lost, average in db.session.execute(statement)
    ]
    return sorted(found, key=lambda person: (person.percent, -person.incomplete, person.name))


# One's own.


def own_page(
    actor: User, model: type[Record], *, easiest: bool, offset: int, limit: int
) -> Sequence[Row]:
    """Return a page of the actor's own incomplete records.

    Args:
        easiest: whether those that lack the fewest things come first; else the least complete.

    Source: A2, A3
    """
    statement = select(model).where(*_own(actor, model))
    if easiest:
        lacking = (
            select(_findings.c.record_id, func.count().label("number"))
            .where(_findings.c.entity == model.__tablename__, _findings.c.fixed_at.is_(None))
            .group_by(_findings.c.record_id)
            .subquery()
        )
        number = func.coalesce(lacking.c.number, 0)
        statement = statement.outerjoin(lacking, lacking.c.record_id == model.id)
        statement = statement.order_by(number, _rated(model).desc(), model.id)
    else:
        statement = statement.order_by(_rated(model), model.id)
    return _rows(actor, model, statement.offset(offset).limit(limit))


def own_count(actor: User, model: type[Record]) -> int:
    """Return how many of the actor's own records are incomplete."""
    found = select(func.count()).select_from(model).where(*_own(actor, model))
    return db.session.scalar(found) or 0


def _own(actor: User, model: type[Record]) -> list[ColumnElement[bool]]:
    mine = owning.of_people(model, [actor.id])
    return [*access.rows(model, actor), _rated(model) < 100, mine]


def mine(actor: User) -> Mine:
    """Return how many of the actor's own records are incomplete, and the worst few: one statement.

    Source: A3, C4
    """
    models = tuple(own_entities(actor))
    if not models:
        return Mine(0, [])
    limits = tuple(access.limit(model, actor) for model in models)
    rows = ask(_mine(models, limits), {owning.PERSON: actor.id}).all()
    counts = {entity: number for entity, _id, _title, _percent, number in rows}
    worst = [Own(entity, id, str(title)[:120], rate) for entity, id, title, rate, _number in rows]
    return Mine(sum(counts.values()), sorted(worst, key=lambda own: own.percent)[:WORST])


@lru_cache(maxsize=500)
def _mine(models: tuple[type[Record], ...], limits: tuple[ColumnElement[bool] | None, ...]) -> Any:
    """Return the select of the worst of one's own of each entity, with how many there are."""
    found = []
    for model, limit in zip(models, limits, strict=True):
        table = table_of(model)
        theirs = [owning.of_person(model), table.c.deleted_at.is_(None), table.c.completeness < 100]
        seen = and_(*theirs) if limit is None else and_(*theirs, limit)
        worst = (
            select(
                literal(model.__tablename__).label("entity"),
                table.c.id,
                table.c[model.title_key()].label("title"),
                table.c.completeness,
                func.count().over().label("number"),
            )
            .where(seen)
            .order_by(table.c.completeness, table.c.id)
            .limit(WORST)
            .subquery()
        )
        found.append(select(worst))
    return union_all(*found)
