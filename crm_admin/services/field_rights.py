"""What a role's users see and change of each field, as its page shows and takes it."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import inspect

from crm_admin.errors import Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.roles import Role
from crm_admin.services import access

#: The words of the limits; without one, the rights on the record count.
WORDS = {
    "": N_("As the record"),
    "read": N_("Read only"),
    "masked": N_("Partly hidden"),
    "hidden": N_("Hidden"),
}


def shown(
    role: Role,
    model: type[Record],
    translate: Callable[[str], str],
    typed: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the fields of an entity with the role's limits, in the reader's language.

    With `typed`, what was chosen on the page and could not be kept.
    """
    limits = (role.fields or {}).get(model.__tablename__, {})
    limits = limits | {k: v for k, v in (typed or {}).items() if v in WORDS}
    rows = []
    for key, label in labels_of(model).items():
        limit = limits.get(key, "")
        options = [(value, translate(WORDS[value])) for value in _offered(model, key)]
        word = translate(WORDS[limit])
        rows.append(
            {"name": key, "label": translate(label), "value": limit, "word": word}
            | {"options": options, "explained": translate(_explained(model, key))}
        )
    return {"rows": rows}


def limited(role: Role) -> dict[str, int]:
    """Return {entity: how many of its fields the role limits}."""
    return {entity: len(limits) for entity, limits in (role.fields or {}).items() if limits}


def chosen(role: Role, model: type[Record], cells: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return the role's limits with those of one entity as the filled-in page says.

    Raises:
        Invalid: a cell holds what its field is not offered.
    """
    limits = {}
    for key, label in labels_of(model).items():
        value = cells.get(key, "")
        if value not in _offered(model, key):
            raise Invalid(
                [Problem("", N_("Please choose one of those offered."), {"field": label})]
            )
        if value:
            limits[key] = value
    others = {e: kept for e, kept in (role.fields or {}).items() if e != model.__tablename__}
    return others | ({model.__tablename__: limits} if limits else {})


def differences(
    old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, translate: Callable[[str], str]
) -> list[tuple[str, str, str]]:
    """Return (what, before, after) of each limit that differs, in the reader's language."""
    found = []
    for entity, model in access.entities().items():
        before, after = (
            limits.get(entity, {}) if isinstance(limits, Mapping) else {} for limits in (old, new)
        )
        for key, label in labels_of(model).items():
            old_word, new_word = (
                translate(WORDS.get(side.get(key, ""), "")) for side in (before, after)
            )
            if old_word != new_word:
                what = f"{translate(model.plural)} · {translate(label)}"
                found.append((what, old_word, new_word))
    return found


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


def _explained(model: type[Record], key: str) -> str:
    if key in model.name_keys():
        return N_("It names the record, so everybody sees it who sees the record.")
    if access.field_info(model, key).get("given"):
        return N_("It follows from others; nobody fills it in.")
    return ""
