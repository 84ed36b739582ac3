"""What somebody sees and changes of each field, as their roles together have it.

A limit may hold for some records only. Asked without a record, each answer is as if it held: what
looks at many records at once, such as an order, a filter or a search, tells nothing of a field that
is limited in any of them.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, inspect, literal, select

from crm_admin.errors import Invalid
from crm_admin.models.base import Model
from crm_admin.models.users import User
from crm_admin.services import expressions, masking, zones
from crm_admin.services.entity_names import table_of
from crm_admin.services.grants import STRICTNESS, allows, saying, strictest
from crm_admin.services.role_rights import Person, rights_kept

_log = logging.getLogger(__name__)


class Limit(NamedTuple):
    """What one role says of a field, and the expression under which it does ("": always)."""

    person: Person
    code: str
    limit: str
    when: str = ""


def limit_of(actor: User, model: type[Model], key: str, record: Model | None = None) -> str:
    """Return one of `LIMITS` for a field, as the most generous of the roles has it.

    With a record, conditions are asked of it as it stands.
    """
    if actor.is_system:
        return ""
    column_key = model.column_key(key)
    strict = _limits_of(actor, model).get(column_key, "")
    if record is None or not strict or column_key not in (varies := varying(actor, model)):
        return strict
    return _mildest(varies[column_key], lambda one: _holds(model, one, record))


def readable(actor: User, model: type[Model], key: str, record: Model | None = None) -> bool:
    """Return whether the actor may see this field whole. Of several roles the most generous counts.

    Who may not, neither sorts nor filters by it, nor finds records by it.
    """
    return limit_of(actor, model, key, record) not in ("masked", "hidden")


def masked(actor: User, model: type[Model], key: str, record: Model | None = None) -> bool:
    """Return whether the actor sees a part of this field only, as `masking.mask` leaves it."""
    return limit_of(actor, model, key, record) == "masked"


def shown(actor: User, model: type[Model], key: str, record: Model | None = None) -> bool:
    """Return whether the actor sees anything of this field."""
    return limit_of(actor, model, key, record) != "hidden"


def writable(actor: User, model: type[Model], key: str, record: Model | None = None) -> bool:
    """Return whether the actor may change this field."""
    column_key = model.column_key(key)
    if column_key not in _fixed_for(actor, model):
        return True
    if record is None or actor.is_system or column_key not in varying(actor, model):
        return False
    info = inspect(model).columns.get(column_key)
    verb = info.info.get("verb") if info is not None else ""
    given = info is not None and info.info.get("given")
    lacked = given or (verb and not allows(actor, verb, model))
    return not lacked and not limit_of(actor, model, key, record)


def _fixed_for(actor: User, model: type[Model]) -> frozenset[str]:
    """Return the fields the actor may not change, as their roles together have it."""
    rights = rights_kept()
    place = (actor.id, model.__tablename__)
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
    """Return {field: limit} as the actor's roles together have it, each condition fulfilled."""
    rights = rights_kept()
    place = (actor.id, model.__tablename__)
    if (limits := rights.limits.get(place)) is None:
        found = strictest([role for _person, role in rights.held(actor)], place[1])
        limits = rights.limits[place] = found | _following(model, found)
    return limits


def _following(model: type[Model], limits: Mapping[str, str]) -> dict[str, str]:
    """Return {field: limit} of the fields that would tell of those limited, since they follow them.

    One that follows from a field that is not seen whole is not seen at all.
    """
    columns = inspect(model).columns.items()
    follows = {key: column.info.get("of", ()) for key, column in columns}
    unseen = {key for key, limit in limits.items() if limit in ("masked", "hidden")}
    return {key: "hidden" for key, sources in follows.items() if unseen.intersection(sources)}


def said_of(actor: User, model: type[Model], key: str) -> list[Limit]:
    """Return what each of the actor's roles says of a field, the mildest first."""
    rights, entity, column_key = rights_kept(), model.__tablename__, model.column_key(key)
    held = rights.held(actor)
    counting = saying([role for _person, role in held], entity)
    said = [
        Limit(
            person,
            role.code,
            role.fields.get(entity, {}).get(column_key, ""),
            role.when_limited(column_key, entity),
        )
        for person, role in held
        if role in counting
    ]
    return sorted(said, key=lambda one: STRICTNESS(one.limit))


def varying(actor: User, model: type[Model]) -> Mapping[str, list[Limit]]:
    """Return {field: what each role says} of the fields that are limited in some records only."""
    if actor.is_system:
        return {}
    rights = rights_kept()
    if rights.today is None:
        return {}
    place = (actor.id, model.__tablename__)
    if (found := rights.varying.get(place)) is None:
        said = {
            k: said_of(actor, model, k) for k, limit in _limits_of(actor, model).items() if limit
        }
        found = rights.varying[place] = {
            key: limits for key, limits in said.items() if any(one.when for one in limits)
        }
    kept: Mapping[str, list[Limit]] = found
    return kept


Rows = Sequence[tuple[Any, ...]]


#: Executes a statement with values, as a session's connection does or one of its own.
Ask = Callable[[Select[Any], dict[str, Any]], Iterable[Any]]
Conceal = Callable[[Rows, Ask], Rows]


def concealing(actor: User, model: type[Model], keys: Sequence[str]) -> Conceal | None:
    """Return what takes out of rows of (id, *values) those that the actor sees in part, if any.

    It asks, with the function it is given, once for all of the rows which of them a limit holds
    for, and puts a `masking.Part` in place of each such value. Fields that are limited in all
    records or in none are not its business.
    """
    if not (found := varying(actor, model)):
        return None
    rights = rights_kept()
    place = (actor.id, model.__tablename__, *keys)
    if place not in rights.concealing:
        columns = [model.column_key(key) for key in keys]
        asked = {p: found[c] for p, c in enumerate(columns, 1) if c in found}
        rights.concealing[place] = _concealing(model, asked) if asked else None
    conceal: Conceal | None = rights.concealing[place]
    return conceal


def _concealing(model: type[Model], asked: Mapping[int, list[Limit]]) -> Conceal:
    """Return what conceals the values at some places of rows, each with what roles say of it."""
    table, said = table_of(model), list({one for limits in asked.values() for one in limits})
    chosen = table.c.id.in_(bindparam("ids", expanding=True))
    statement = select(table.c.id, *(_condition(model, one) for one in said)).where(chosen)
    known: dict[tuple[bool, ...], list[tuple[int, str]]] = {}

    def limits_where(held: tuple[bool, ...]) -> list[tuple[int, str]]:
        if (limits := known.get(held)) is None:
            fits = dict(zip(said, held, strict=True))
            found = [(p, _mildest(limits, fits.__getitem__)) for p, limits in asked.items()]
            limits = known[held] = [one for one in found if one[1] in ("masked", "hidden")]
        return limits

    def conceal(rows: Rows, ask: Ask) -> Rows:
        found = ask(statement, {"ids": [row[0] for row in rows]}) if rows else ()
        limits = {id: limits_where(tuple(held)) for id, *held in found}
        return [_without(row, at) if (at := limits.get(row[0])) else row for row in rows]

    return conceal


def _without(row: tuple[Any, ...], limits: Iterable[tuple[int, str]]) -> tuple[Any, ...]:
    values = list(row)
    for place, limit in limits:
        values[place] = masking.Part(values[place], limit)
    return tuple(values)


def _mildest(said: Sequence[Limit], holds: Any) -> str:
    return min((one.limit if holds(one) else "" for one in said), key=STRICTNESS)


def _holds(model: type[Model], one: Limit, record: Model) -> bool:
    if (asked := _read(model, one)) is None:
        return True
    return asked.holds(record, one.person, zones.today())


def _condition(model: type[Model], one: Limit) -> Any:
    if (asked := _read(model, one)) is None:
        return literal(value=True)
    return asked.condition(one.person, zones.today())


def _read(model: type[Model], one: Limit) -> expressions.Expression | None:
    """Return the condition of a limit, or None where it has none or it can no longer be read."""
    try:
        return expressions.compiled(model, one.when) if one.when else None
    except Invalid:
        _log.exception("The condition of a field cannot be read: %s", one.when)
        return None
