"""For whom a record counts: its first owner, or that of the record it belongs to."""

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, bindparam, false, select

from crm_admin.models.base import Record
from crm_admin.models.roles import Scope
from crm_admin.models.users import User
from crm_admin.services import access, departments
from crm_admin.services.entity_names import owned, table_of, target_of
from crm_admin.services.role_rights import Grant

#: The person asked about in the conditions below.
PERSON = "person"


def owner_model(model: type[Record]) -> type[Record] | None:
    """Return the entity whose first owner counts for these records; None: they are nobody's."""
    if model.owners:
        return model
    return target_of(model, model.follows) if model.follows and owned(model) else None


def tells(actor: User, model: type[Record]) -> bool:
    """Return whether the actor may know whose the records are."""
    above = owner_model(model)
    return above is not None and access.readable(actor, above, above.owners[0])


@cache
def owner(model: type[Record]) -> ColumnElement[Any]:
    """Return for whom a record counts, in a statement that selects from `source(model)`."""
    above = owner_model(model)
    assert above is not None
    return table_of(above).c[above.owners[0]]


@cache
def source(model: type[Record]) -> FromClause:
    """Return the entity's table, with that of the records it belongs to where these say whose."""
    above, table = owner_model(model), table_of(model)
    if above is None or above is model:
        return table
    return table.join(table_of(above), table_of(above).c.id == table.c[model.follows])


@cache
def of_person(model: type[Record]) -> ColumnElement[bool]:
    """Return the condition of the records that count for the person bound as `person`."""
    return _of(model, lambda column: column == bindparam(PERSON))


def of_people(model: type[Record], people: list[int]) -> ColumnElement[bool]:
    """Return the condition of the records that count for any of these people."""
    return _of(model, lambda column: column.in_(people))


def _of(model: type[Record], theirs: Any) -> ColumnElement[bool]:
    above, table = owner_model(model), table_of(model)
    if above is None:
        return false()
    whose: ColumnElement[bool] = theirs(table_of(above).c[above.owners[0]])
    if above is model:
        return whose
    parents: Select[Any] = select(table_of(above).c.id).where(whose)
    return table.c[model.follows].in_(parents)


# Whose figures somebody may see: of people and departments all of whose records they see.


def _grants(actor: User, model: type[Record]) -> list[tuple[Grant, ...]]:
    """Return what lets the actor see the records, and those that say whose they are.

    What holds for some records only shows nobody's figures.
    """
    models = {model, owner_model(model) or model}
    return [
        tuple(grant for grant in access.grants_of(actor, "view", one) if not grant.when)
        for one in models
    ]


def knows_person(actor: User, model: type[Record], person: int) -> bool:
    """Return whether the actor sees all records that count for the person."""
    return tells(actor, model) and all(
        any(access.reaches_person(grant, person) for grant in grants)
        for grants in _grants(actor, model)
    )


def known_departments(actor: User, model: type[Record]) -> set[int]:
    """Return the living departments of whose people the actor sees all records."""
    if not tells(actor, model):
        return set()
    living = set(departments.tree().parents)
    for grants in _grants(actor, model):
        living &= set().union(*(_departments(grant) for grant in grants))
    return living


def _departments(grant: Grant) -> set[int]:
    own = grant.person.department_id
    if grant.scope is Scope.ALL:
        return set(departments.tree().parents)
    if own is None or grant.scope not in (Scope.DEPARTMENT, Scope.BELOW):
        return set()
    return set(departments.tree().below(own)) if grant.scope is Scope.BELOW else {own}
