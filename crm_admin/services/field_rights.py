"""What a role's users do with one kind of record, and see of its fields, as its page shows it."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import inspect

from crm_admin.errors import Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.roles import Role
from crm_admin.services import access, expressions, labels, role_matrix

#: The words of the limits; without one, the rights on the record count.
WORDS = {
    "": N_("As the record"),
    "read": N_("Read only"),
    "masked": N_("Partly hidden"),
    "hidden": N_("Hidden"),
}
#: What the page's fields of conditions begin with: of a right, and of a field's limit.
_OF_VERB, _OF_FIELD = "when-", "where-"


def shown(
    role: Role,
    model: type[Record],
    translate: Callable[[str], str],
    typed: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return an entity's rights and fields with the role's limits, in the reader's language.

    With `typed`, what was chosen on the page and could not be kept.
    """
    entity, typed = model.__tablename__, typed or {}
    limits = (role.fields or {}).get(entity, {})
    limits = limits | {k: v for k, v in typed.items() if v in WORDS}
    wheres = (role.field_conditions or {}).get(entity, {})
    rows = []
    for key, label in labels_of(model).items():
        limit, name = limits.get(key, ""), f"{_OF_FIELD}{key}"
        options = [(value, translate(WORDS[value])) for value in _offered(model, key)]
        word, when = translate(WORDS[limit]), typed.get(name, wheres.get(key, ""))
        rows.append(
            {"name": key, "label": translate(label), "value": limit, "word": word}
            | {"options": options, "explained": translate(_explained(model, key))}
            | {"when_name": name if len(options) > 1 and _may_vary(model, key) else ""}
            | {"when": when}
        )
    return {
        "rows": rows,
        "rights": _rights(role, model, translate, typed),
        "words": [(one.name, translate(one.label)) for one in expressions.completions(model)],
    }


def _rights(
    role: Role,
    model: type[Record],
    translate: Callable[[str], str],
    typed: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Return the rights that a role gives on an entity, each with its condition."""
    entity, found = model.__tablename__, []
    kept = (role.conditions or {}).get(entity, {})
    for verb in role_matrix.verbs_of(model):
        if verb == "import" or not (scope := access.granted(role.grants, verb, entity)):
            continue
        name = f"{_OF_VERB}{verb}"
        found.append(
            {"label": translate(labels.VERBS[verb]), "scope": translate(scope.label)}
            | {"name": name, "when": typed.get(name, kept.get(verb, ""))}
        )
    return found


def limited(role: Role) -> dict[str, int]:
    """Return {entity: how many of its fields and rights the role limits}."""
    kept = [part or {} for part in (role.fields, role.conditions)]
    entities = {entity for part in kept for entity in part}
    counts = {e: sum(len(part.get(e, {})) for part in kept) for e in entities}
    return {entity: count for entity, count in counts.items() if count}


def chosen(role: Role, model: type[Record], cells: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return the role's limits and conditions with those of one entity as the page says.

    Raises:
        Invalid: a cell holds what its field is not offered, or no expression; its problems name
            the cell.
    """
    limits, wheres, problems = dict[str, str](), dict[str, str](), list[Problem]()
    for key, label in labels_of(model).items():
        value, name = cells.get(key, ""), f"{_OF_FIELD}{key}"
        if value not in _offered(model, key):
            message = N_("Please choose one of those offered.")
            problems.append(Problem(key, message, {"field": label}))
        elif value:
            limits[key] = value
            if (when := _read(model, cells, name, problems)) and _may_vary(model, key):
                wheres[key] = when
    whens = {}
    for verb in role_matrix.verbs_of(model):
        if when := _read(model, cells, f"{_OF_VERB}{verb}", problems):
            whens[verb] = when
    if problems:
        raise Invalid(problems)
    return {
        "fields": _with(role.fields, model, limits),
        "conditions": _with(role.conditions, model, whens),
        "field_conditions": _with(role.field_conditions, model, wheres),
    }


def _read(model: type[Record], cells: Mapping[str, str], name: str, problems: list[Problem]) -> str:
    """Return the expression of a cell, and add what is wrong with it to the problems."""
    if not (text := cells.get(name, "").strip()):
        return ""
    try:
        return expressions.compiled(model, text).text
    except Invalid as wrong:
        problems += [Problem(name, p.message, p.values) for p in wrong.problems]
        return ""


def _with(
    kept: Mapping[str, Any] | None, model: type[Record], chosen: dict[str, str]
) -> dict[str, Any]:
    """Return what was kept for other entities, with this for one, if it is anything."""
    entity = model.__tablename__
    others = {e: row for e, row in (kept or {}).items() if e != entity}
    return others | ({entity: chosen} if chosen else {})


def differences(
    old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, translate: Callable[[str], str]
) -> list[tuple[str, str, str]]:
    """Return (what, before, after) of each limit that differs, in the reader's language."""
    return _differ(old, new, translate, lambda value: translate(WORDS.get(value, "")))


def wheres(
    old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, translate: Callable[[str], str]
) -> list[tuple[str, str, str]]:
    """Return (what, before, after) of each condition of a field that differs."""
    found = _differ(old, new, translate, str)
    where = translate(N_("where"))
    return [(f"{what} · {where}", one, other) for what, one, other in found]


def whens(
    old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, translate: Callable[[str], str]
) -> list[tuple[str, str, str]]:
    """Return (what, before, after) of each condition of a right that differs."""
    found, where = [], translate(N_("where"))
    for entity, model in access.entities().items():
        before, after = (_part(side, entity) for side in (old, new))
        for verb in role_matrix.verbs_of(model):
            if before.get(verb, "") != after.get(verb, ""):
                what = f"{translate(model.plural)} · {translate(labels.VERBS[verb])} · {where}"
                found.append((what, before.get(verb, ""), after.get(verb, "")))
    return found


def _differ(
    old: Mapping[str, Any] | None,
    new: Mapping[str, Any] | None,
    translate: Callable[[str], str],
    word: Callable[[str], str],
) -> list[tuple[str, str, str]]:
    found = []
    for entity, model in access.entities().items():
        before, after = (_part(side, entity) for side in (old, new))
        for key, label in labels_of(model).items():
            if before.get(key, "") != after.get(key, ""):
                what = f"{translate(model.plural)} · {translate(label)}"
                found.append((what, word(before.get(key, "")), word(after.get(key, ""))))
    return found


def _part(side: Any, entity: str) -> Mapping[str, str]:
    part = side.get(entity, {}) if isinstance(side, Mapping) else {}
    return part if isinstance(part, Mapping) else {}


def labels_of(model: type[Record]) -> dict[str, str]:
    """Return {field: label} of what people see of an entity."""
    mapper = inspect(model)
    columns = {
        key: c.info["label"]
        for key, c in mapper.columns.items()
        if c.info.get("label")
        and c.info.get("kind") != "percent"  # whoever sees it, is rated by it
    }
    several = {r.key: r.info["label"] for r in mapper.relationships if r.info.get("label")}
    return columns | several


def _offered(model: type[Record], key: str) -> tuple[str, ...]:
    """Return the limits a field can have: what names a record is seen, what is given is read."""
    if key in model.name_keys():
        return ("", "read")
    several = key in inspect(model).relationships
    given = bool(access.field_info(model, key).get("given"))
    return tuple(
        limit
        for limit in access.LIMITS
        if not (limit == "read" and given) and not (limit == "masked" and several)
    )


def _may_vary(model: type[Record], key: str) -> bool:
    """Return whether a field's limit may hold for some records only: it is one of its columns."""
    return key in inspect(model).columns


def _explained(model: type[Record], key: str) -> str:
    if key in model.name_keys():
        return N_("It names the record, so everybody sees it who sees the record.")
    if access.field_info(model, key).get("given"):
        return N_("It follows from others; nobody fills it in.")
    return ""
