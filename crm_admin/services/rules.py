"""Rules: what must hold when an administrator writes one."""

from collections.abc import Iterator, Mapping
from typing import Any

import regex

from crm_admin.errors import Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.rules import Rule
from crm_admin.models.users import User
from crm_admin.services import access, findings, picklists, records, references, validation


@records.prepare.register
def _prepare(record: Rule, actor: User) -> None:
    """Refuse a rule that could never be judged: it names a field, check or choice there is not.

    Raises:
        Invalid: beside each part that is wrong.
    """
    if problems := [*_wrong(record)]:
        raise Invalid(problems)


@records.follow_up.register
def _follow_up(record: Rule, changed: Mapping[str, list[Any]], actor: User) -> None:
    """Close what a rule has found that is in force no longer. Source: A3"""
    if not record.is_active or record.deleted_at is not None:
        findings.drop_rule(record.id)


def _wrong(rule: Rule) -> list[Problem]:
    model = access.model_of(rule.entity or "")
    if model is None:
        return [Problem("entity", N_("There is no such entity."))]
    parameter = rule.parameter or ""
    found = []
    if rule.kind not in validation.KINDS:
        found.append(Problem("kind", N_("There is no such check.")))
    if rule.kind == "related":
        other = access.model_of(parameter)
        if other is None or other not in references.belonging_to(model):
            found.append(Problem("parameter", N_("Name the entity whose records are needed.")))
    elif not rule.field_key or not _has_field(model, rule.field_key):
        found.append(Problem("field_key", N_("This entity has no such field.")))
    if rule.kind == "known" and not picklists.items(parameter):
        found.append(Problem("parameter", N_("Name the picklist by its code.")))
    if rule.kind == "matches" and not _is_pattern(parameter):
        found.append(Problem("parameter", N_("This is not a regular expression.")))
    return [*found, *_wrong_condition(model, rule.condition or "")]


def _wrong_condition(model: type[Record], condition: str) -> Iterator[Problem]:
    key, sign, _value = condition.partition("=")
    if condition and not sign:
        yield Problem("condition", N_("Write a field, = and a value, such as grade=A."))
    elif condition and not access.field_info(model, model.column_key(key.strip())):
        yield Problem("condition", N_("This entity has no such field."))


def _has_field(model: type[Record], key: str) -> bool:
    return key.startswith("custom_") or bool(access.field_info(model, model.column_key(key)))


def _is_pattern(text: str) -> bool:
    try:
        regex.compile(text)
    except regex.error:
        return False
    return bool(text)
