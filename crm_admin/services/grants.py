"""Which rights somebody has on a kind of record: what their roles give, taken together."""

from collections.abc import Iterable, Mapping
from typing import Any

from crm_admin.models.base import Model
from crm_admin.models.roles import ADMINISTRATOR, Scope
from crm_admin.models.sharing import Deputy
from crm_admin.models.users import User
from crm_admin.services import entity_names
from crm_admin.services.role_rights import IMPLIED, Grant, Person, RoleRights, rights_kept

#: The rights there are, for the matrix of roles; an entity may add verbs of its own.
VERBS = (
    "view", "lookup", "create", "edit", "bulk_edit", "delete", "restore", "export", "import",
    "assign", "share",
)  # fmt: skip
WIDTH = {scope: width for width, scope in enumerate(Scope)}
#: Rights that only some entities know.
SPECIAL = {
    "customers": ("claim", "review"),
    "contacts": ("review",),
    "contracts": ("review",),
    "interactions": ("reopen", "review"),
    "expenses": ("approve", "pay"),
    "users": ("view_as", "appraise"),
    "job_runs": ("run",),
}
#: What a role says where it takes away a right that would follow another.
NONE = "none"
#: The limits of a field, the mildest first.
LIMITS = ("", "read", "masked", "hidden")
STRICTNESS = LIMITS.index
_SYSTEM = Person(0, None)


def includes(wide: Scope, narrow: Scope) -> bool:
    """Return whether all that is within one scope is within another.

    What is related to what one sees may be anybody's, so that neither it nor a department's
    records include the other.
    """
    if wide is Scope.RELATED or narrow is Scope.RELATED:
        return wide is Scope.ALL or wide is narrow or WIDTH[narrow] <= WIDTH[Scope.OWN]
    return WIDTH[narrow] <= WIDTH[wide]


def grants_of(actor: User, verb: str, model: type[Model]) -> tuple[Grant, ...]:
    """Return what gives the actor this right: the widest first, without what another includes."""
    if actor.is_system:
        return (Grant(_SYSTEM, Scope.ALL),)
    if not actor.is_active:
        return ()
    rights, entity = rights_kept(), model.__tablename__
    place = (actor.id, verb, entity)
    if (found := rights.grants.get(place)) is None:
        given = [
            Grant(person, scope, role.when(verb, entity))
            for person, role in rights.held(actor)
            if (scope := granted(role.grants, verb, entity))
            # Who stands in for somebody does not say who does, nor for how long.
            and (person.id == actor.id or model is not Deputy)
        ]
        found = rights.grants[place] = _needed(given)
    return found


def _needed(given: Iterable[Grant]) -> tuple[Grant, ...]:
    """Return the grants that no other includes, the widest first."""
    kept: list[Grant] = []
    for grant in sorted(given, key=lambda g: (bool(g.when), -WIDTH[g.scope])):
        if not any(_covered(grant, other) for other in kept):
            kept.append(grant)
    return tuple(sorted(kept, key=lambda g: -WIDTH[g.scope]))


def _covered(grant: Grant, other: Grant) -> bool:
    """Return whether a grant gives nothing that the other does not."""
    if other.when and (other.when != grant.when or other.person != grant.person):
        return False
    same_people = other.person == grant.person or other.scope is Scope.ALL
    return same_people and includes(other.scope, grant.scope)


def reach(actor: User, verb: str, model: type[Model]) -> Scope | None:
    """Return how far the actor's right to do this reaches, or None where they have none.

    The widest of the actor's roles counts, whatever records it holds for.
    """
    grants = grants_of(actor, verb, model)
    return grants[0].scope if grants else None


def unlimited(actor: User, verb: str, model: type[Model]) -> bool:
    """Return whether the actor may do this to all records, whoever's and whatever they hold."""
    return any(g.scope is Scope.ALL and not g.when for g in grants_of(actor, verb, model))


def allows(actor: User, verb: str, model: type[Model]) -> bool:
    """Return whether the actor may do this to any record at all."""
    return bool(grants_of(actor, verb, model))


def granted(grants: Mapping[str, Any], verb: str, entity: str) -> Scope | None:
    """Return the scope one role's grants give, its row for the entity before its row for all."""
    row = grants.get(entity, grants.get("*", {}))
    scope = row.get(verb) or row.get(IMPLIED.get(verb, ""))
    return Scope(scope) if scope and scope != NONE else None


def role_ids(actor: User) -> tuple[int, ...]:
    """Return the roles whose rights the actor has: their own, and of those they stand in for."""
    rights = rights_kept()
    if actor.id not in rights.stand_ins:
        return rights.users.get(actor.id, ())
    people = rights.people(actor)
    return tuple(id for person in people for id in rights.users.get(person.id, ()))


def held(actor: User) -> list[RoleRights]:
    """Return what the roles give whose rights the actor has now, also by standing in."""
    return [role for _person, role in rights_kept().held(actor)]


def explain(actor: User, verb: str, model: type[Model]) -> list[tuple[Person, RoleRights, Scope]]:
    """Return (whose, role, scope) of each role that lets the actor do this, widest first."""
    if not actor.is_active or actor.is_system:
        return []
    given = [
        (person, role, scope)
        for person, role in rights_kept().held(actor)
        if (scope := granted(role.grants, verb, model.__tablename__))
    ]
    return sorted(given, key=lambda g: -WIDTH[g[2]])


def is_administrator(actor: User) -> bool:
    """Return whether the actor is one, not only standing in for one."""
    mine = rights_kept().of(actor.id)
    return actor.is_system or any(role.code == ADMINISTRATOR for role in mine)


def covers(actor: User, role: RoleRights) -> bool:
    """Return whether the actor has every right that this role would give, and as far.

    What one has only by standing in for somebody is not one's own to give. Administrators have all:
    they could mend no role that once had more than theirs.
    """
    mine = rights_kept().of(actor.id)
    if is_administrator(actor):
        return True
    named = entity_names.all_of()
    others = [entity for entity in (*named, "job_runs") if entity not in role.grants]
    for row_of, row in role.grants.items():
        implied = {verb for verb, base in IMPLIED.items() if base in row and verb not in row}
        for verb in (*row, *implied):
            scope = row.get(verb) or row[IMPLIED[verb]]
            if scope == NONE:
                continue
            for entity in others if row_of == "*" else [row_of]:
                if not means(verb, entity):
                    continue
                when = role.when(verb, entity)
                if not any(_gives(held, verb, entity, Scope(scope), when) for held in mine):
                    return False
    return all(_sees_as_much(mine, role, entity) for entity in named)


def means(verb: str, entity: str) -> bool:
    """Return whether a right means anything for an entity, or for the row of all others."""
    special = any(verb in some for some in SPECIAL.values())
    return entity == "*" or not special or verb in SPECIAL.get(entity, ())


def _gives(held: RoleRights, verb: str, entity: str, scope: Scope, when: str) -> bool:
    """Return whether a role gives a right this far, for all records that fit the expression."""
    mine = granted(held.grants, verb, entity)
    model = entity_names.model_of(entity)
    if mine is not None and mine is not Scope.SHARED and not (model and entity_names.owned(model)):
        mine = Scope.ALL  # its records are nobody's, so that every right reaches all
    return mine is not None and includes(mine, scope) and held.when(verb, entity) in ("", when)


def _sees_as_much(mine: list[RoleRights], role: RoleRights, entity: str) -> bool:
    """Return whether the role lifts no limit of a field that those of `mine` together have."""
    if not granted(role.grants, "view", entity):
        return True
    theirs = role.fields.get(entity, {})
    for key, limit in strictest(mine, entity).items():
        whens = {held.when_limited(key, entity) for held in mine}
        when = role.when_limited(key, entity)
        same = not when or whens == {when}  # else it is not limited where mine is
        if STRICTNESS(theirs.get(key, "") if same else "") < STRICTNESS(limit):
            return False
    return True


def saying(held: list[RoleRights], entity: str) -> list[RoleRights]:
    """Return those of the roles that count for an entity's fields.

    A role by which one sees no record of it says nothing of its fields, and lifts no limit.
    """
    return [role for role in held if granted(role.grants, "view", entity)] or held


def strictest(held: list[RoleRights], entity: str) -> dict[str, str]:
    """Return {field: limit} as the roles together have it, as if each condition held."""
    rows = [role.fields.get(entity, {}) for role in saying(held, entity)]
    keys = {key for row in rows for key in row}
    return {key: min((row.get(key, "") for row in rows), key=STRICTNESS) for key in keys}
