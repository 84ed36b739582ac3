"""Scores: how complete the records of people and departments are, day by day.

Every night keeps one row a person and entity; departments add up who was in them on that day.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, case, func, insert, select

from crm_admin.database import ask, db
from crm_admin.models.base import Record
from crm_admin.models.findings import DailyScore
from crm_admin.models.users import User
from crm_admin.services import access, completeness, departments, owning
from crm_admin.services.entity_names import table_of

_scores, _users = table_of(DailyScore), table_of(User)


@dataclass(frozen=True)
class Point:
    """The figures of one day: how many records, how many of them complete, and in percent."""

    day: date
    records: int
    complete: int
    percents: int

    @property
    def percent(self) -> int:
        """How complete the records are on the whole, 0 to 100, rounded down."""
        return self.percents // self.records if self.records else 100


@dataclass(frozen=True)
class Line:
    """How a person's or a department's figures went, the oldest first."""

    id: int
    name: str
    points: Sequence[Point]

    @property
    def change(self) -> int:
        """How many points of percent were gained since the first day shown; lost ones below 0."""
        return self.points[-1].percent - self.points[0].percent


def keep(model: type[Record], day: date) -> int:
    """Keep each person's figures of a day, where they are not kept yet; return how many were new.

    Source: A3, F3
    """
    entity = model.__tablename__
    known = select(_scores.c.user_id).where(_scores.c.day == day, _scores.c.entity == entity)
    kept = set(ask(known).scalars())
    rows = [
        {
            "day": day,
            "entity": entity,
            "user_id": user,
            "department_id": department,
            "records": count,
            "complete": int(complete),
            "percents": int(percents),
        }
        for user, department, count, complete, percents in ask(_now(model)).all()
        if user not in kept
    ]
    if rows:
        db.session.connection().execute(insert(_scores), rows)
    return len(rows)


def scored() -> list[type[Record]]:
    """Return the entities whose records count for somebody, by name."""
    return [m for m in completeness.checked_entities() if owning.owner_model(m) is not None]


@cache
def _now(model: type[Record]) -> Select[Any]:
    """Return the select of each person's figures as they are now."""
    table, owner = table_of(model), owning.owner(model)
    return (
        select(
            owner,
            _users.c.department_id,
            func.count(),
            func.sum(case((table.c.completeness == 100, 1), else_=0)),
            func.sum(table.c.completeness),
        )
        .select_from(owning.source(model).join(_users, _users.c.id == owner))
        .where(table.c.deleted_at.is_(None), table.c.completeness.is_not(None))
        .group_by(owner, _users.c.department_id)
    )


_OF_DAYS = (
    _scores.c.entity == bindparam("entity"),
    _scores.c.day >= bindparam("first"),
    _scores.c.day <= bindparam("last"),
)
_FIGURES = (
    func.sum(_scores.c.records),
    func.sum(_scores.c.complete),
    func.sum(_scores.c.percents),
)
_OF_PERSON = (
    select(_scores.c.day, _scores.c.records, _scores.c.complete, _scores.c.percents)
    .where(*_OF_DAYS, _scores.c.user_id == bindparam("user"))
    .order_by(_scores.c.day)
)
_OF_PEOPLE = (
    select(
        _scores.c.user_id, _scores.c.day, _scores.c.records, _scores.c.complete, _scores.c.percents
    )
    .where(*_OF_DAYS, _scores.c.user_id.in_(bindparam("users", expanding=True)))
    .order_by(_scores.c.day)
)
_OF_DEPARTMENTS = (
    select(_scores.c.department_id, _scores.c.day, *_FIGURES)
    .where(*_OF_DAYS, _scores.c.department_id.in_(bindparam("departments", expanding=True)))
    .group_by(_scores.c.department_id, _scores.c.day)
    .order_by(_scores.c.day)
)


def person(actor: User, model: type[Record], id: int, first: date, last: date) -> Sequence[Point]:
    """Return a person's figures from one day to another, both included, as far as there are any.

    There are none of a person some of whose records the actor does not see; one's own are there.
    """
    if not access.readable(actor, model, "completeness"):
        return []
    if id != actor.id and not owning.knows_person(actor, model, id):
        return []
    asked = {"entity": model.__tablename__, "first": first, "last": last, "user": id}
    return [Point(*row) for row in ask(_OF_PERSON, asked).all()]


def last_of(model: type[Record], people: Iterable[int], first: date, last: date) -> dict[int, int]:
    """Return {person: how complete their records were on the last day kept of these}, in percent.

    It asks no right: whoever calls it knows whose figures may be told.
    """
    asked = {"entity": model.__tablename__, "first": first, "last": last, "users": list(people)}
    return {row.user_id: Point(*row[1:]).percent for row in ask(_OF_PEOPLE, asked)}


def of_departments(
    actor: User, model: type[Record], first: date, last: date, names: Mapping[int, str]
) -> list[Line]:
    """Return the figures of the named departments, those below them included, in their order.

    There are none of a department some of whose people's records the actor does not see.
    """
    known = owning.known_departments(actor, model)
    if not known or not access.readable(actor, model, "completeness"):
        return []
    asked = {
        "entity": model.__tablename__,
        "first": first,
        "last": last,
        "departments": sorted(known),
    }
    days: dict[int, list[Point]] = {}
    for department, *figures in ask(_OF_DEPARTMENTS, asked).all():
        days.setdefault(department, []).append(Point(*figures))
    tree, found = departments.tree(), []
    for id, name in names.items():
        if id not in known:
            continue
        points = _together(days.get(one, ()) for one in tree.below(id) if one in known)
        if points:
            found.append(Line(id, name, points))
    return found


def _together(several: Iterable[Sequence[Point]]) -> list[Point]:
    """Return the figures of several departments, added up day by day."""
    sums: dict[date, list[int]] = {}
    for points in several:
        for one in points:
            kept = sums.setdefault(one.day, [0, 0, 0])
            for place, figure in enumerate((one.records, one.complete, one.percents)):
                kept[place] += int(figure)
    return [Point(day, *sums[day]) for day in sorted(sums)]
