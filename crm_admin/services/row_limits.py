"""Which records somebody may do something to: what their grants reach, as one condition.

It is put together once for each right, kind of record and person, and kept until rights change.
"""

import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, false, or_, select

from crm_admin.database import READS_ONLY, ask, db
from crm_admin.errors import Invalid
from crm_admin.models.base import Model, Record
from crm_admin.models.roles import Scope
from crm_admin.models.sharing import Share
from crm_admin.models.users import User
from crm_admin.services import departments, expressions, zones
from crm_admin.services.entity_names import table_of, target_of
from crm_admin.services.grants import allows, grants_of, includes
from crm_admin.services.role_rights import Grant, Person, rights_kept

#: What one may do to a record since one is invited to it.
_READS = ("view", "lookup", "export")
_log = logging.getLogger(__name__)
#: Rights about records that one sees: the conditions and the scope of *View* bind them too.
_OF_SEEN = frozenset(
    (
        "edit", "bulk_edit", "delete", "restore", "export", "assign", "share", "approve", "pay",
        "reopen", "review",
    )
)  # fmt: skip


def limit(model: type[Model], actor: User, verb: str = "view") -> ColumnElement[bool] | None:
    """Return the condition of the records the actor may do this to, None where it is all.

    It is the same object until the configuration changes, so that statements can be kept by it.
    """
    grants = grants_of(actor, verb, model)
    if not grants:
        return false()
    if any(g.scope is Scope.ALL and not g.when for g in grants) and not _hides(model, actor):
        return limit(model, actor) if verb in _OF_SEEN else None
    rights = rights_kept()
    place: tuple[Any, ...] = (actor.id, verb, model.__tablename__)
    if _hides(model, actor) and _looks():
        place = (*place, READS_ONLY)
    if place not in rights.theirs:
        found = _theirs(model, actor, grants, verb)
        # What is given alike reaches no further than what is seen.
        if verb in _OF_SEEN and grants != grants_of(actor, "view", model):
            both = [one for one in (found, limit(model, actor)) if one is not None]
            found = and_(*both) if both else None
        rights.theirs[place] = found
    return rights.theirs[place]


def may_as_self(record: Record, actor: User, verb: str) -> bool:
    """Return whether the actor may do this to a record by rights of their own.

    What one may only by standing in for somebody, or since a record was shared, is not one's own to
    give to others.
    """
    own = [
        grant
        for grant in grants_of(actor, verb, type(record))
        if grant.person.id == actor.id or actor.is_system
    ]
    return bool(own) and reach_record(record, actor, own, verb)


def reach_record(record: Record, actor: User, grants: Sequence[Grant], verb: str) -> bool:
    """Return whether these grants alone reach a living record, whatever was shared."""
    theirs = _theirs(type(record), actor, grants, verb, shared=False)
    if theirs is None:
        return True
    return bool(ask(_among(type(record), theirs), {"ids": [record.id]}).scalars().all())


def _theirs(
    model: type[Model], actor: User, grants: Sequence[Grant], verb: str, *, shared: bool = True
) -> ColumnElement[bool] | None:
    """Return which records the grants reach together, or None where they reach all.

    With `shared`, what was shared with the actor is among them, and what they are invited to.
    """
    found = _reached(model, actor, grants, verb, shared=shared)
    if not _hides(model, actor):
        return found
    open_to = _not_private(model, actor)
    return open_to if found is None else and_(found, open_to)


def _reached(
    model: type[Model], actor: User, grants: Sequence[Grant], verb: str, *, shared: bool
) -> ColumnElement[bool] | None:
    """Return what `_theirs` does, as if nothing were private."""
    reached: list[ColumnElement[bool]] = []
    for grant in grants:
        within = _within(model, actor, grant, verb) if issubclass(model, Record) else None
        fits = _fits(model, grant) if grant.when else None
        if within is None and fits is None:
            return None
        reached.append(and_(*(one for one in (within, fits) if one is not None)))
    if shared and (given := _shared(model, actor, verb)) is not None:
        reached.append(given)
    if shared and verb in _READS and (invited := _invited(model, actor)) is not None:
        reached.append(invited)
    return or_(false(), *reached)


def _hides(model: type[Model], actor: User) -> bool:
    """Return whether some of the records are kept from who may see all: jobs see them."""
    return issubclass(model, Record) and bool(model.private) and not actor.is_system


def _looks() -> bool:
    """Return whether whoever asks looks as the actor, and is somebody else."""
    return bool(db.session().info.get(READS_ONLY))


def _not_private(model: type[Model], actor: User) -> ColumnElement[bool]:
    """Return which records are not private, or are so to the actor.

    Who stands in for somebody is not let in, nor is an administrator, nor who looks as another.
    """
    assert issubclass(model, Record)
    table = table_of(model)
    if _looks():
        return table.c[model.private].is_(False)
    mine = [table.c[key] == actor.id for key in model.owners]
    given = [_invited(model, actor), _shared(model, actor, "view")]
    let_in = [one for one in given if one is not None]
    return or_(table.c[model.private].is_(False), *mine, *let_in)


def _invited(model: type[Model], actor: User) -> ColumnElement[bool] | None:
    """Return which records the actor is invited to, or None where nobody is to any."""
    if not issubclass(model, Record) or model.invites is None:
        return None
    name, record_key, user_key = model.invites
    guests = model.metadata.tables[name].c
    return table_of(model).c.id.in_(select(guests[record_key]).where(guests[user_key] == actor.id))


def _fits(model: type[Model], grant: Grant) -> ColumnElement[bool]:
    """Return which records fit the grant's expression; none where it can no longer be read."""
    try:
        asked = expressions.compiled(model, grant.when)
    except Invalid:
        _log.exception("The condition of a right cannot be read: %s", grant.when)
        return false()
    return asked.condition(grant.person, zones.today())


def _within(
    model: type[Record], actor: User, grant: Grant, verb: str
) -> ColumnElement[bool] | None:
    """Return which living or binned records are within a grant's scope, or None where all are."""
    scope, person = grant.scope, grant.person
    if scope is Scope.SHARED:
        return false()
    if scope is Scope.ALL or not (model.owners or model.follows):
        return None
    table, reached = table_of(model), list[ColumnElement[bool]]()
    people = _people(person, scope)
    for key in model.owners:
        owner = table.c[key]
        reached.append(owner == people[0] if len(people) == 1 else owner.in_(people))
    if model.owners and _heads_company(person, scope):
        reached.append(and_(*(table.c[key].is_(None) for key in model.owners)))
    reads = verb in ("view", "lookup", "export")
    if model.follows and (not model.owners or reads or scope is Scope.RELATED):
        parent = target_of(model, model.follows)
        if allows(actor, "view", parent):
            above = _above(parent, actor, grant, shared=reads)
            if above is None:
                return None
            parents = select(table_of(parent).c.id).where(above)
            reached.append(table.c[model.follows].in_(parents))
    return or_(false(), *reached)


def _above(
    parent: type[Record], actor: User, grant: Grant, *, shared: bool
) -> ColumnElement[bool] | None:
    """Return which records of the entity above are within the scope and seen; None: all are.

    A record that was shared opens what belongs to it to be read, not to be changed.
    """
    seeing = grants_of(actor, "view", parent)
    seen = limit(parent, actor) if shared else _theirs(parent, actor, seeing, "view", shared=False)
    if grant.scope is Scope.RELATED or all(
        not one.when and one.person == grant.person and includes(grant.scope, one.scope)
        for one in seeing
    ):
        return seen
    within = _within(parent, actor, Grant(grant.person, grant.scope), "view")
    given = _shared(parent, actor, "view") if shared else None
    if within is not None and given is not None:
        within = or_(within, given)
    both = [one for one in (within, seen) if one is not None]
    return and_(*both) if both else None


def _shared(model: type[Model], actor: User, verb: str) -> ColumnElement[bool] | None:
    """Return which records are shared with the actor for this, or None where none are."""
    rights, entity = rights_kept(), model.__tablename__
    if verb not in ("view", "lookup", "export", "edit") or (actor.id, entity) not in rights.shares:
        return None
    shares = table_of(Share).c
    theirs = select(shares.record_id).where(
        shares.user_id == actor.id,
        shares.entity == entity,
        or_(shares.until_on.is_(None), shares.until_on >= zones.today()),
    )
    if verb == "edit":
        theirs = theirs.where(shares.may_edit)
    return table_of(model).c.id.in_(theirs)


def _people(person: Person, scope: Scope) -> list[int]:
    """Return whose records are within the scope; the person is always among them."""
    if scope in (Scope.OWN, Scope.RELATED) or person.department_id is None:
        return [person.id]
    if scope is Scope.DEPARTMENT:
        return sorted({person.id, *departments.people_of().get(person.department_id, ())})
    return sorted({person.id, *departments.people_below(person.department_id)})


def reaches_person(grant: Grant, person_id: int) -> bool:
    """Return whether a grant reaches all that is this person's."""
    return grant.scope is Scope.ALL or (
        grant.scope is not Scope.SHARED and person_id in _people(grant.person, grant.scope)
    )


def _heads_company(person: Person, scope: Scope) -> bool:
    """Return whether the scope goes down from the top, so that what nobody owns is in it."""
    if scope is not Scope.BELOW or person.department_id is None:
        return False
    return departments.tree().heads(person.department_id)


def same_records(model: type[Model], actor: User, *verbs: str) -> bool:
    """Return whether the actor may do each of these to the same records, as far as is known."""
    limits = [limit(model, actor, verb) for verb in verbs]
    if all(one is None for one in limits):
        return True
    entity = model.__tablename__
    if (actor.id, entity) in rights_kept().shares:
        return False
    if issubclass(model, Record) and ((model.owners and model.follows) or model.invites):
        return False
    first, *others = (grants_of(actor, verb, model) for verb in verbs)
    return all(grants == first for grants in others)


def within_reach(model: type[Record], actor: User, verb: str, ids: Sequence[int]) -> set[int]:
    """Return those of the visible records that the actor may do this to."""
    if not ids or not allows(actor, verb, model):
        return set()
    theirs = limit(model, actor, verb)
    if theirs is None or same_records(model, actor, verb, "view"):
        return set(ids)
    return set(ask(_among(model, theirs), {"ids": ids}).scalars())


@lru_cache(maxsize=500)
def _among(model: type[Record], theirs: ColumnElement[bool]) -> Select[Any]:
    """Return the select of those of the living `ids` for which a condition holds."""
    table = table_of(model)
    among = table.c.id.in_(bindparam("ids", expanding=True))
    return select(table.c.id).where(among, table.c.deleted_at.is_(None), theirs)
