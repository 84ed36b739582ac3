"""Who may see and do what: every list, page, lookup, export and command goes through here."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, Table, and_, bindparam, false, inspect, or_, select
from sqlalchemy.orm import joinedload

from crm_admin.database import db
from crm_admin.models.base import Model, Record
from crm_admin.models.roles import ADMINISTRATOR, Scope
from crm_admin.models.users import User
from crm_admin.services import departments
from crm_admin.services.role_rights import Rights, rights_kept

M = TypeVar("M", bound=Model)

#: The rights there are, for the matrix of roles; an entity may add verbs of its own.
VERBS = ("view", "lookup", "create", "edit", "delete", "restore", "export", "import", "assign")
_WIDTH = {scope: width for width, scope in enumerate(Scope)}
#: The limits of a field, the mildest first.
LIMITS = ("", "read", "masked", "hidden")
_STRICTNESS = LIMITS.index
#: Rights that follow another where nothing is said of them by name; "none" takes one away.
NONE = "none"
IMPLIED = {"lookup": "view", "restore": "delete"}


def role_ids(actor: User) -> tuple[int, ...]:
    """Return the actor's roles."""
    return rights_kept().users.get(actor.id, ())


def reach(actor: User, verb: str, model: type[Model]) -> Scope | None:
    """Return how far the actor's right to do this reaches, or None where they have none.

    The widest of the actor's roles counts.
    """
    if actor.is_system:
        return Scope.ALL
    if not actor.is_active:
        return None
    rights, entity = rights_kept(), model.__tablename__
    place = (rights.users.get(actor.id, ()), verb, entity)
    if place not in rights.reaches:
        given = (granted(grants, verb, entity) for _, grants, _ in rights.held(actor))
        found = [scope for scope in given if scope]
        rights.reaches[place] = max(found, key=_WIDTH.__getitem__, default=None)
    return rights.reaches[place]


def granted(grants: Mapping[str, Any], verb: str, entity: str) -> Scope | None:
    """Return the scope one role's grants give, its row for the entity before its row for all."""
    row = grants.get(entity, grants.get("*", {}))
    scope = row.get(verb) or row.get(IMPLIED.get(verb, ""))
    return Scope(scope) if scope and scope != NONE else None


def covers(actor: User, grants: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    """Return whether the actor has every right that a role of these would give, and as far.

    Administrators have: they could mend no role that once had more than theirs.
    """
    mine = rights_kept().held(actor)
    if actor.is_system or any(code == ADMINISTRATOR for code, _, _ in mine):
        return True
    others = [entity for entity in (*entities(), "job_runs") if entity not in grants]
    for row_of, row in grants.items():
        for verb, scope in row.items():
            if scope == NONE:
                continue
            for entity in others if row_of == "*" else [row_of]:
                held = [_WIDTH[s] for _, own, _ in mine if (s := granted(own, verb, entity))]
                if max(held, default=-1) < _WIDTH[Scope(scope)]:
                    return False
    for entity, model in entities().items():
        theirs = fields.get(entity, {})
        if granted(grants, "view", entity) and any(
            _STRICTNESS(theirs.get(key, "")) < _STRICTNESS(limit)
            for key, limit in _limits_of(actor, model).items()
        ):
            return False
    return True


def allows(actor: User, verb: str, model: type[Model]) -> bool:
    """Return whether the actor may do this to any record at all."""
    return reach(actor, verb, model) is not None


def explain(actor: User, verb: str, model: type[Model]) -> list[tuple[str, Scope]]:
    """Return (role, scope) of each role that lets the actor do this, widest first."""
    if actor.is_system:
        return [("system", Scope.ALL)]
    given = [
        (code, scope)
        for code, grants, _ in rights_kept().held(actor)
        if (scope := granted(grants, verb, model.__tablename__))
    ]
    return sorted(given, key=lambda g: -_WIDTH[g[1]]) if actor.is_active else []


def explain_field(actor: User, model: type[Model], key: str) -> list[tuple[str, str]]:
    """Return (role, limit) of what each of the actor's roles says of a field, the mildest first."""
    column_key, entity = model.column_key(key), model.__tablename__
    held = _said_of_fields(rights_kept(), actor, entity)
    said = [(code, limits.get(column_key, "")) for code, limits in held]
    return sorted(said, key=lambda one: _STRICTNESS(one[1]))


# Fields.


def limit_of(actor: User, model: type[Model], key: str) -> str:
    """Return one of `LIMITS` for a field, as the most generous of the roles has it."""
    return "" if actor.is_system else _limits_of(actor, model).get(model.column_key(key), "")


def readable(actor: User, model: type[Model], key: str) -> bool:
    """Return whether the actor may see this field whole. Of several roles the most generous counts.

    Who may not, neither sorts nor filters by it, nor finds records by it.
    """
    return limit_of(actor, model, key) not in ("masked", "hidden")


def masked(actor: User, model: type[Model], key: str) -> bool:
    """Return whether the actor sees a part of this field only, as `masking.mask` leaves it."""
    return limit_of(actor, model, key) == "masked"


def shown(actor: User, model: type[Model], key: str) -> bool:
    """Return whether the actor sees anything of this field."""
    return limit_of(actor, model, key) != "hidden"


def writable(actor: User, model: type[Model], key: str) -> bool:
    """Return whether the actor may change this field."""
    return model.column_key(key) not in _fixed_for(actor, model)


def _fixed_for(actor: User, model: type[Model]) -> frozenset[str]:
    """Return the fields the actor may not change, as their roles together have it."""
    rights = rights_kept()
    place = (rights.users.get(actor.id, ()), model.__tablename__)
    if (fixed := rights.fixed.get(place)) is None or actor.is_system or not actor.is_active:
        limits = {} if actor.is_system else _limits_of(actor, model)
        columns = inspect(model).columns.items()
        given = {key for key, column in columns if column.info.get("given")}
        needs = {key: verb for key, column in columns if (verb := column.info.get("verb"))}
        lacked = {key for key, verb in needs.items() if not allows(actor, verb, model)}
        fixed = frozenset({key for key in limits if limits[key]} | given | lacked)
        if not actor.is_system and actor.is_active:
            rights.fixed[place] = fixed
    return fixed


def field_info(model: type[Model], column_key: str) -> Mapping[str, Any]:
    """Return what `field()` was told of this column."""
    column = inspect(model).columns.get(column_key)
    return column.info if column is not None else {}


def _limits_of(actor: User, model: type[Model]) -> dict[str, str]:
    """Return {field: limit} as the actor's roles together have it."""
    rights = rights_kept()
    place = (rights.users.get(actor.id, ()), model.__tablename__)
    if (limits := rights.limits.get(place)) is None:
        rows = [fields for _, fields in _said_of_fields(rights, actor, place[1])]
        keys = {key for row in rows for key in row}
        limits = {key: min((row.get(key, "") for row in rows), key=_STRICTNESS) for key in keys}
        rights.limits[place] = limits
    return limits


def _said_of_fields(rights: Rights, actor: User, entity: str) -> list[tuple[str, dict[str, str]]]:
    """Return (role, its limits) of the roles that count for an entity's fields.

    A role by which one sees no record of it says nothing of its fields, and lifts no limit.
    """
    held = rights.held(actor)
    seeing = [role for role in held if granted(role[1], "view", entity)] or held
    return [(code, fields.get(entity, {})) for code, _, fields in seeing]


# Rows.


def rows(
    model: type[Model], actor: User, verb: str = "view", *, binned: bool = False
) -> list[ColumnElement[bool]]:
    """Return the conditions that hold for the records the actor may do this to."""
    conditions: list[ColumnElement[bool]] = []
    if issubclass(model, Record):
        deleted = table_of(model).c.deleted_at
        conditions.append(deleted.is_not(None) if binned else deleted.is_(None))
    if (theirs := limit(model, actor, verb)) is not None:
        conditions.append(theirs)
    return conditions


def limit(model: type[Model], actor: User, verb: str = "view") -> ColumnElement[bool] | None:
    """Return the condition of the records the actor may do this to, None where it is all.

    It is the same object until the configuration changes, so that statements can be kept by it.
    """
    scope = reach(actor, verb, model)
    if scope is None:
        return false()
    if scope is Scope.ALL:
        return None
    kept, place = rights_kept().theirs, (actor.id, verb, model.__tablename__)
    if place not in kept:
        kept[place] = _theirs(model, actor, scope, verb)
    return kept[place]


def _theirs(model: type[Model], actor: User, scope: Scope, verb: str) -> ColumnElement[bool] | None:
    """Return which living or binned records are within the scope, or None where all are."""
    if scope is Scope.ALL or not issubclass(model, Record):
        return None
    table = table_of(model)
    reached: list[ColumnElement[bool]] = []
    people = _people(actor, scope)
    for key in model.owners:
        owner = table.c[key]
        reached.append(owner == people[0] if len(people) == 1 else owner.in_(people))
    if model.owners and _heads_company(actor, scope):
        reached.append(and_(*(table.c[key].is_(None) for key in model.owners)))
    if model.follows and (not model.owners or verb in ("view", "lookup", "export")):
        parent = target_of(model, model.follows)
        above = reach(actor, "view", parent)
        if above is not None:
            limit = _theirs(parent, actor, min(scope, above, key=_WIDTH.__getitem__), "view")
            if limit is None:
                return None
            above_them = select(table_of(parent).c.id).where(limit)
            reached.append(table.c[model.follows].in_(above_them))
    if not model.owners and not model.follows:
        return None
    return or_(false(), *reached)


def _people(actor: User, scope: Scope) -> list[int]:
    """Return whose records are within the scope; the actor is always among them."""
    if scope is Scope.OWN or actor.department_id is None:
        return [actor.id]
    if scope is Scope.DEPARTMENT:
        return sorted({actor.id, *departments.people_of().get(actor.department_id, ())})
    return sorted({actor.id, *departments.people_below(actor.department_id)})


def _heads_company(actor: User, scope: Scope) -> bool:
    """Return whether the scope goes down from the top, so that what nobody owns is in it."""
    if scope is not Scope.BELOW or actor.department_id is None:
        return False
    return departments.tree().heads(actor.department_id)


def target_of(model: type[Model], key: str) -> type[Record]:
    """Return the entity a foreign key points at."""
    [foreign] = table_of(model).c[key].foreign_keys
    found = model_of(foreign.column.table.name)
    assert found is not None
    return found


def visible(model: type[M], actor: User, verb: str = "view", *, binned: bool = False) -> Select[M]:
    """Return the statement that selects the records of `model` the actor may do this to."""
    return select(model).where(*rows(model, actor, verb, binned=binned))


def fetch(statement: Select[M]) -> Sequence[M]:
    """Return the records a statement made with `visible` selects."""
    return db.session.scalars(statement).all()


def find(
    model: type[M],
    id: Any,
    actor: User,
    verb: str = "view",
    *,
    binned: bool = False,
    whole: bool = False,
) -> M | None:
    """Return the record with this id, or None where there is none or it is out of reach.

    The two cases look the same on purpose: an answer must not tell that a record exists. With
    `whole`, the records it points at are read along with it.
    """
    if (key := key_of(id)) is None:
        return None
    statement = by_key(model, binned=binned, whole=whole)
    if (theirs := limit(model, actor, verb)) is not None:
        statement = statement.where(theirs)
    found: M | None = db.session.scalar(statement, {"key": key})
    return found


#: Columns that name a record in one language or another, where it has them.
_NAMES = ("name", "number", "label_en", "label_zh_hans", "label_zh_hant")


@cache
def by_key(model: type[M], *, binned: bool = False, whole: bool = False) -> Select[M]:
    """Return the select of the one record with `key`, whoever asks; put together once an entity.

    With `whole`, the records it points at are loaded in the same statement.
    """
    statement = select(model).where(model.id == bindparam("key"))
    if issubclass(model, Record):
        gone = model.deleted_at.is_not(None) if binned else model.deleted_at.is_(None)
        statement = statement.where(gone)
    if whole:
        relations = [r for r in inspect(model).relationships if r.secondary is None]
        statement = statement.options(*map(_named, relations))
    return statement


def _named(relation: Any) -> Any:
    """Return the loading of the record a relation points at, no more of it than its names."""
    target = relation.mapper.class_
    keys = {key for key in (*_NAMES, target.title) if key in relation.mapper.columns}
    names = [getattr(target, key) for key in sorted(keys)]
    return joinedload(relation.class_attribute).load_only(*names)


def may(record: Model, actor: User, verb: str = "view") -> bool:
    """Return whether the actor may do this to a record; asks the database only where it must."""
    scope = reach(actor, verb, type(record))
    if scope is None or scope is Scope.ALL:
        return scope is not None
    return find(type(record), record.id, actor, verb) is not None


def key_of(id: Any) -> int | None:
    """Return the id as a key PostgreSQL's integers can hold, or None."""
    try:
        key = int(id)
    except (TypeError, ValueError):
        return None
    return key if 0 < key < 2**31 else None


# Entities by name.


@cache
def entities() -> dict[str, type[Record]]:
    """Return {table: entity} of all records people see, in the same order in every process."""
    found = (m.class_ for m in Model.registry.mappers)
    named = {m.__tablename__: m for m in found if issubclass(m, Record)}
    return dict(sorted(named.items()))


def model_of(entity: str) -> type[Record] | None:
    """Return the entity with this name, or None."""
    return entities().get(entity)


def reachable(actor: User, verb: str, models: Iterable[type[Record]]) -> list[type[Record]]:
    """Return those of the entities that the actor may do this to."""
    return [model for model in models if allows(actor, verb, model)]


def table_of(model: type[Model]) -> Table:
    """Return the table behind an entity."""
    table = model.__table__
    assert isinstance(table, Table)
    return table
