"""The matrix of a role: every entity by every right, each with its scope."""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from sqlalchemy import select

from crm_admin.database import ask
from crm_admin.errors import Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.roles import Role, Scope
from crm_admin.models.users import User
from crm_admin.services import access, labels, records, role_rights


def _verbs() -> list[str]:
    return [
        *access.VERBS,
        *dict.fromkeys(verb for verbs in access.SPECIAL.values() for verb in verbs),
    ]


def verbs_of(model: type[Record]) -> list[str]:
    """Return the rights that mean something for an entity."""
    return [*access.VERBS, *access.SPECIAL.get(model.__tablename__, ())]


def _rows() -> list[tuple[str, str]]:
    """Return (entity, label), the row that stands for all others first."""
    named = sorted((entity, model.plural) for entity, model in access.entities().items())
    return [("*", N_("All others")), *named, ("job_runs", N_("Jobs"))]


def shown(
    role: Role, translate: Callable[[str], str], typed: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the matrix as its page shows it, in the reader's language.

    With `typed`, what was chosen on the page and could not be kept.
    """
    scopes = [("", translate(N_("(first row)"))), (access.NONE, translate(N_("None")))]
    scopes += [(s.value, translate(s.label)) for s in Scope]
    words = dict(scopes)
    rows = []
    for entity, label in _rows():
        cells = []
        for verb in _verbs():
            value = (typed or {}).get(f"{entity}.{verb}", _value(role.grants, entity, verb))
            shown = words.get(value, "") if value else ""
            cell = {"name": f"{entity}.{verb}", "value": value, "label": shown}
            cells.append(cell | {"means": access.means(verb, entity)})
        rows.append({"label": translate(label), "cells": cells})
    return {
        "verbs": [translate(labels.VERBS[verb]) for verb in _verbs()],
        "rows": rows,
        "scopes": scopes,
    }


def _value(grants: Mapping[str, Any], entity: str, verb: str) -> str:
    """Return what a cell holds: a scope, none, or nothing where the row for all others counts."""
    if entity not in grants:
        return "" if entity != "*" else access.NONE
    row = grants[entity]
    return row.get(verb) or row.get(access.IMPLIED.get(verb, "")) or access.NONE


def chosen(cells: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return the grants that the filled-in matrix says.

    A row left wholly "as all others" is no row; in any other such a cell takes the others' value.

    Raises:
        Invalid: a cell holds no scope.
    """
    grants: dict[str, dict[str, str]] = {}
    others = {v: cells.get(f"*.{v}", "") for v in _verbs()}
    for entity, _ in _rows():
        row = {verb: cells.get(f"{entity}.{verb}", "") for verb in _verbs()}
        if entity != "*" and not any(row.values()):
            continue
        known = {verb: value for verb, value in row.items() if access.means(verb, entity)}
        filled = {verb: value or others[verb] for verb, value in known.items()}
        for value in filled.values():
            if value not in ("", access.NONE, *Scope):
                raise Invalid([Problem("", N_("Please choose one of those offered."))])
        grants[entity] = {v: s for v, s in filled.items() if _says(v, s, filled)}
    return grants


def differences(old: Any, new: Any, translate: Callable[[str], str]) -> list[tuple[str, str, str]]:
    """Return (what, of the one, of the other) of each right that two grants do not give alike.

    What counts is what is given: a kind of record without a row has the rights of the row for all
    others, and is told of only where one of both has a row for it.
    """
    pair, found = [_kept(grants) for grants in (old, new)], []
    for entity, label in _rows():
        if not any(entity in grants for grants in pair):
            continue
        for verb in _verbs():
            scopes = [access.granted(grants, verb, entity) for grants in pair]
            if scopes[0] != scopes[1]:
                one, other = (translate(scope.label) if scope else "" for scope in scopes)
                what = f"{translate(label)} · {translate(labels.VERBS[verb])}"
                found.append((what, one, other))
    return found


def _kept(rights: Any) -> Mapping[str, Any]:
    """Return what a role held, nothing where that is not to be read."""
    return rights if isinstance(rights, Mapping) else {}


def copied(original: Role, actor: User) -> Role:
    """Make a role of the same rights under a code and a name of its own; return it."""
    taken = set(ask(select(access.table_of(Role).c.code)).scalars().all())
    numbers = (f"_{number}" for number in count(2))
    code = next(c for n in numbers if (c := f"{original.code[:200]}{n}") not in taken)
    rights = {key: getattr(original, key) for key in role_rights.COLUMNS}
    role = Role(code=code, requires_second_factor=original.requires_second_factor, **rights)
    for key in ("label_en", "label_zh_hans", "label_zh_hant"):
        if name := getattr(original, key):
            setattr(role, key, f"{name[:200]} ({code[len(original.code[:200]) + 1 :]})")
    records.save(role, actor)
    return role


def _says(verb: str, scope: str, row: Mapping[str, str]) -> bool:
    """Return whether a cell must be kept: a right, or the want of one that would follow another."""
    if scope in ("", access.NONE):
        return scope == access.NONE and row.get(access.IMPLIED.get(verb, "")) in list(Scope)
    return scope != row.get(access.IMPLIED.get(verb, ""))
