"""Rules: what must hold when an administrator writes one, and what it would find."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import regex
from sqlalchemy import inspect, select

from crm_admin.database import db
from crm_admin.errors import Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.base import Checked, Record
from crm_admin.models.rules import Rule, Severity
from crm_admin.models.users import User
from crm_admin.services import (
    access,
    expressions,
    findings,
    picklists,
    records,
    references,
    rule_formats,
    rule_others,
    rule_queries,
    validation,
)
from crm_admin.services.rule_kinds import KINDS, Kind, RuleFacts

#: How many of the records that break a rule a preview names.
SHOWN = 5
_ADDED = regex.compile(r"custom_[A-Za-z0-9_]+")
_DAYS, _NUMBER = ("touched", "contacted"), ("touched", "contacted", "shared")
_COUNTRY = ("phone", "postal_code")


@records.prepare.register
def _prepare(record: Rule, actor: User) -> None:
    """Refuse a rule that could never be judged: it names a field, check or choice there is not.

    Raises:
        Invalid: beside each part that is wrong.
    """
    _complete(record)
    if problems := [*wrong(record)]:
        raise Invalid(problems)


@records.follow_up.register
def _follow_up(record: Rule, changed: Mapping[str, list[Any]], actor: User) -> None:
    """Close what a rule has found that is in force no longer. Source: A3"""
    if not record.is_active or record.deleted_at is not None:
        findings.drop_rule(record.id)


def _complete(rule: Rule) -> None:
    """Write expressions plainly, and fill in beside what a rule on no field is told."""
    model = access.model_of(rule.entity or "")
    if model is None:
        return
    told = {"related": rule.parameter, "contacted": "interactions"}.get(rule.kind or "")
    if not rule.field_key and rule.kind in ("touched", "holds"):
        told = model.title
    if told and rule.field_key != told:
        rule.field_key = told
    for key, is_one in (("condition", True), ("parameter", rule.kind == "holds")):
        text = getattr(rule, key)
        if is_one and text:
            try:
                plainly = expressions.compiled(model, text).text
            except Invalid:
                continue  # told below, at its place
            if plainly != text:
                setattr(rule, key, plainly)


def wrong(rule: Rule) -> list[Problem]:
    """Return what is wrong with a rule as it is written."""
    model, kind = access.model_of(rule.entity or ""), KINDS.get(rule.kind or "")
    if model is None:
        return [Problem("entity", N_("There is no such entity."))]
    found = [*_wrong_expression(model, "condition", rule.condition or "")]
    if rule.only_new and rule.from_on is None:
        found.append(Problem("from_on", N_("Say from which day on.")))
    if (rule.weight or 0) < 0:
        found.append(Problem("weight", N_("A weight is 0 or more; with 0 it does not count.")))
    if kind is None:
        return [Problem("kind", N_("There is no such check.")), *found]
    found += _wrong_field(model, kind, rule.field_key or "")
    return [*found, *_wrong_parameter(model, kind, (rule.parameter or "").strip())]


def _wrong_field(model: type[Record], kind: Kind, key: str) -> Iterator[Problem]:
    """Yield what is wrong with the field that a rule looks at, or is told beside."""
    if kind.name == "contacted":
        if not rule_others.talked_to(model):
            yield Problem("kind", N_("Interactions are not held with records of this kind."))
        return
    if kind.name == "related":
        return
    if not key:
        yield Problem("field_key", N_("Choose a field."))
        return
    column = inspect(model).columns.get(model.column_key(key))
    labelled = column is not None and column.info.get("label")
    if not labelled and not (_ADDED.fullmatch(key) and hasattr(model, "custom")):
        yield Problem("field_key", N_("This entity has no such field."))
    elif kind.of_text and column is not None and not rule_others.is_text(column):
        yield Problem("field_key", N_("This check is for texts."))
    elif kind.name in ("unique", "shared") and column is None:
        yield Problem("field_key", N_("Added fields cannot be compared with those of others."))


def _wrong_parameter(model: type[Record], kind: Kind, text: str) -> Iterator[Problem]:
    """Yield what is wrong with what the check needs to know."""
    name = kind.name
    if name == "related":
        other = access.model_of(text)
        if other is None or other not in references.belonging_to(model):
            yield Problem("parameter", N_("Name the entity whose records are needed."))
    elif name == "known" and not picklists.items(text):
        yield Problem("parameter", N_("Name the picklist by its code."))
    elif name == "matches" and not _is_pattern(text):
        yield Problem("parameter", N_("This is not a regular expression."))
    elif name == "holds":
        if not text:
            yield Problem("parameter", N_("Write the condition that must be true."))
        yield from _wrong_expression(model, "parameter", text)
    elif name in _NUMBER and (text or name in _DAYS) and not _is_number(text, name in _DAYS):
        yield Problem("parameter", N_("Write a whole number, such as 30."))
    elif name in _COUNTRY and text and not rule_formats.is_country(text):
        yield Problem("parameter", N_("Write a country as two letters, such as CN."))


def _is_number(text: str, positive: bool) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4 and int(text) >= int(positive)


def _wrong_expression(model: type[Record], key: str, text: str) -> Iterator[Problem]:
    """Yield where a text is no expression, or asks who looks: a rule is the same for everybody."""
    if not text:
        return
    try:
        read = expressions.compiled(model, text)
    except Invalid as wrong:
        yield from (Problem(key, problem.message, problem.values) for problem in wrong.problems)
        return
    if read.uses & {"me", "my_department"}:
        message = N_("A rule is the same for everybody: it cannot ask for “me”.")
        yield Problem(key, message)


def _is_pattern(text: str) -> bool:
    try:
        regex.compile(text)
    except regex.error:
        return False
    return bool(text)


# What a rule would find.


@dataclass(frozen=True)
class Found:
    """What a rule finds among the records that somebody sees: how many, and the first of them.

    Where it cannot be asked, `problems` say why.
    """

    failing: int = 0
    asked: int = 0
    first: tuple[tuple[int, str], ...] = ()
    problems: tuple[Problem, ...] = ()


def preview(rule: Rule, actor: User) -> Found:
    """Return what a rule, kept or only typed, finds now; nothing is written.

    A day from which it applies is not waited for. Only records within the actor's reach are looked
    at, and only by fields that they see.
    """
    if rule.id is None:
        _complete(rule)
    if problems := wrong(rule):
        return Found(problems=tuple(problems))
    model = access.model_of(rule.entity)
    assert model is not None
    facts = replace(validation.facts_of(rule), severity=Severity.WARN)
    if reason := _unseen(actor, model, facts):
        return Found(problems=(reason,))
    counted = rule_queries.count(facts, actor)
    first = titles(model, rule_queries.ids_breaking(facts, actor, limit=SHOWN))
    return Found(counted.failing, counted.asked, tuple(first))


def _unseen(actor: User, model: type[Record], facts: RuleFacts) -> Problem | None:
    if access.allows(actor, "view", model) and validation.sees(actor, model, facts):
        return None
    return Problem("", N_("It looks at fields or records that you do not see."))


def breaking(rule: Rule, actor: User, *, offset: int, limit: int) -> list[tuple[int, str]]:
    """Return (id, title) of a page of the records that break a rule, as far as the actor sees."""
    model, facts = access.model_of(rule.entity), validation.facts_of(rule)
    if model is None or wrong(rule) or _unseen(actor, model, facts):
        return []
    return titles(model, rule_queries.ids_breaking(facts, actor, offset=offset, limit=limit))


def titles(model: type[Record], ids: list[int]) -> list[tuple[int, str]]:
    """Return (id, title) of records, in this order."""
    found = {r.id: r for r in db.session.scalars(select(model).where(model.id.in_(ids)))}
    return [(id, str(found[id])[:120]) for id in ids if id in found]


def copy(rule: Rule, actor: User) -> Rule:
    """Make a rule that asks the same, switched off, to be changed."""
    made = Rule()
    columns = inspect(Rule).columns
    labelled = [key for key, column in columns.items() if column.info.get("label")]
    values: dict[str, Any] = {key: getattr(rule, key) for key in labelled}
    records.change(made, values | {"is_active": False}, actor)
    return made


def switch(rule: Rule, actor: User, *, version: int | None = None) -> None:
    """Switch a rule on where it is off, and off where it is on."""
    records.change(rule, {"is_active": not rule.is_active}, actor, version=version)


def entities() -> dict[str, type[Record]]:
    """Return {entity: its model} of those that rules may be written for."""
    return {e: model for e, model in access.entities().items() if issubclass(model, Checked)}
