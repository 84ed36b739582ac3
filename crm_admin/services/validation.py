"""What is wrong with a record: what its columns cannot hold, and what rules find.

`rule_kinds` and its neighbours say what a rule may ask; `rule_queries` asks it of all records.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Protocol

from sqlalchemy import select

from crm_admin.database import db
from crm_admin.errors import Invalid, Label, Problem
from crm_admin.models.base import Model, Record
from crm_admin.models.interactions import Interaction
from crm_admin.models.reckoning import start_of
from crm_admin.models.rules import Rule, Severity
from crm_admin.models.users import User
from crm_admin.services import access, configuration, expressions, zones
from crm_admin.services.changes import CUSTOM
from crm_admin.services.field_sizes import field_problems
from crm_admin.services.role_rights import Person
from crm_admin.services.rule_kinds import KINDS, Kind, RuleFacts
from crm_admin.services.rule_others import JUDGES

__all__ = [
    "KINDS",
    "NOBODY",
    "Kind",
    "RuleFacts",
    "Weighed",
    "blocking",
    "broken",
    "expressions_of",
    "facts_of",
    "field_problems",
    "is_right",
    "label_of",
    "made_since",
    "other_entity",
    "percent",
    "problem",
    "rules_of",
    "sees",
    "value_of",
]

_log = logging.getLogger(__name__)
#: Where a transaction keeps what it has just found of a record that is about to be written.
_FOUND = "crm_rules_found"
#: Rules are the same whoever asks.
NOBODY = Person(0, None)
#: Kinds that look at records of another entity; "" stands for the one that the rule names.
_OTHERS = {"related": "", "contacted": Interaction.__tablename__}


# The rules in force.


def facts_of(rule: Rule) -> RuleFacts:
    """Return a rule, kept or only typed, as it is judged by."""
    return RuleFacts(
        rule.id or 0,
        rule.entity,
        rule.field_key or "",
        rule.kind,
        rule.parameter or "",
        rule.severity,
        rule.weight,
        rule.condition or "",
        (rule.message_en or "", rule.message_zh_hans or "", rule.message_zh_hant or ""),
        (rule.why_en or "", rule.why_zh_hans or "", rule.why_zh_hant or ""),
        rule.from_on,
        bool(rule.only_new),
    )


@configuration.kept
def _rules() -> dict[str, tuple[RuleFacts, ...]]:
    """Return {entity: its active rules}, in the order they were made."""
    found: dict[str, tuple[RuleFacts, ...]] = {}
    statement = select(Rule).where(Rule.deleted_at.is_(None), Rule.is_active).order_by(Rule.id)
    for facts in map(facts_of, db.session.scalars(statement)):
        if facts.kind in KINDS and _can_be_read(facts):
            found[facts.entity] = (*found.get(facts.entity, ()), facts)
    return found


def _can_be_read(rule: RuleFacts) -> bool:
    """Return whether its condition still is one; a field may be gone since it was written."""
    model = access.model_of(rule.entity)
    if model is None:
        return False
    try:
        [*expressions_of(model, rule)]
        return True
    except Invalid as wrong:
        _log.error("Rule %s is not asked: its condition cannot be read: %s", rule.id, wrong)
        return False


def rules_of(entity: str) -> tuple[RuleFacts, ...]:
    """Return the rules in force for an entity today."""
    found = _rules().get(entity, ())
    if all(rule.from_on is None for rule in found):
        return found
    today = zones.today()
    return tuple(rule for rule in found if rule.from_on is None or rule.from_on <= today)


def expressions_of(model: type[Model], rule: RuleFacts) -> Iterator[expressions.Expression]:
    """Yield the expressions of a rule: its condition, and what must hold.

    Raises:
        Invalid: one of them is none.
    """
    if rule.condition:
        yield expressions.compiled(model, rule.condition)
    if rule.kind == "holds":
        yield expressions.compiled(model, rule.parameter)


def made_since(rule: RuleFacts) -> datetime | None:
    """Return since when a record must have been made to be asked, or None where all are."""
    if not rule.only_new or rule.from_on is None:
        return None
    return start_of(rule.from_on.toordinal(), zones.here())


# Judging records.


def broken(
    records: Sequence[Record], rules: Sequence[RuleFacts] | None = None
) -> dict[int, list[RuleFacts]]:
    """Return {position in `records`: the rules it breaks}.

    A rule about other records costs one query for all of them.

    Args:
        rules: those to ask, by default all that are in force for the entity.
    """
    if not records:
        return {}
    model, today = type(records[0]), zones.today()
    asked = rules_of(model.__tablename__) if rules is None else rules
    known = _just_found(records)
    others = _read_along(model, records, asked)
    found: dict[int, list[RuleFacts]] = {place: [] for place in range(len(records))}
    for rule in asked:
        places = known.get(rule.id)
        if places is None:
            places = _breaking(model, rule, records, today)
        for place in places:
            found[place].append(rule)
    del others
    return found


def _breaking(
    model: type[Record], rule: RuleFacts, records: Sequence[Record], today: date
) -> set[int]:
    """Return which of the records, by their position, break a rule."""
    places = [place for place, one in enumerate(records) if _is_asked(model, rule, one, today)]
    if (judge := JUDGES.get(rule.kind)) and places:
        found = judge.breaks(model, rule, [records[place] for place in places], today)
        return {places[place] for place in found}
    if rule.kind == "holds":
        must = expressions.compiled(model, rule.parameter)
        return {place for place in places if not must.holds(records[place], NOBODY, today)}
    return {place for place in places if not is_right(rule, records[place])}


def _is_asked(model: type[Record], rule: RuleFacts, record: Record, today: date) -> bool:
    """Return whether a rule is asked of a record at all."""
    if (since := made_since(rule)) and record.created_at < since:
        return False
    if not rule.condition:
        return True
    return expressions.compiled(model, rule.condition).holds(record, NOBODY, today)


def is_right(rule: RuleFacts, record: Any) -> bool:
    """Return whether a rule that looks at one value finds it right."""
    kind = KINDS[rule.kind]
    if kind.beside:
        return kind.check(value_of(record, rule), rule, getattr(record, kind.beside, None))
    return kind.check(value_of(record, rule), rule)


def _read_along(
    model: type[Record], records: Sequence[Record], rules: Sequence[RuleFacts]
) -> list[Any]:
    """Read at once the other records that the rules' expressions look at; return them."""
    if len(records) == 1:
        return []
    wanted: dict[str, set[int]] = {}
    for rule in rules:
        for expression in expressions_of(model, rule):
            if expression.steps:
                for key in expression.fields & _foreign_keys(model):
                    wanted[key] = {getattr(record, key) for record in records} - {None}
    found: list[Any] = []
    for key, ids in wanted.items():
        target = access.target_of(model, key)
        if ids:
            found += db.session.scalars(select(target).where(target.id.in_(ids))).all()
    return found


@lru_cache
def _foreign_keys(model: type[Record]) -> frozenset[str]:
    return frozenset(c.key for c in access.table_of(model).columns if c.foreign_keys)


def _just_found(records: Sequence[Record]) -> dict[int, set[int]]:
    """Return {rule: places} that `blocking` has found of a record that is being written now."""
    if len(records) > 1:
        return {}
    session = db.session()
    kept = session.info.pop(_FOUND, None)
    if kept is None or kept[0] is not records[0] or kept[1] is not session.get_transaction():
        return {}
    found: dict[int, set[int]] = kept[2]
    return found


def value_of(record: Model, rule: RuleFacts) -> Any:
    """Return what the record has in the rule's field; an added field's value too."""
    if rule.field_key.startswith(CUSTOM):
        return (getattr(record, "custom", None) or {}).get(rule.field_key.removeprefix(CUSTOM))
    return getattr(record, record.column_key(rule.field_key), None)


# What is told of it.


def problem(rule: RuleFacts, record: Record) -> Problem:
    """Return what the rule has to say of a record that breaks it."""
    label = Label(label_of(type(record), rule))
    said, kind = rule.message, KINDS[rule.kind]
    message = said.replace("%", "%%") if said else kind.message
    value = "" if kind.of_record else value_of(record, rule)
    return Problem(rule.field_key, message, {"field": label, "value": value or ""})


def other_entity(rule: RuleFacts) -> str:
    """Return the entity whose records a rule asks for, "" where it asks for a field."""
    return _OTHERS[rule.kind] or rule.parameter if rule.kind in _OTHERS else ""


def label_of(model: type[Record], rule: RuleFacts) -> str:
    """Return what people call that which the rule looks at."""
    if entity := other_entity(rule):
        other = access.model_of(entity)
        return other.singular if other else entity
    info = access.field_info(model, model.column_key(rule.field_key))
    return str(info.get("label") or rule.field_key.removeprefix(CUSTOM))


def blocking(record: Record, actor: User | None) -> Iterator[Problem]:
    """Yield what the rules that block find wrong with the record that somebody asks for.

    Nobody is stopped by a field that they do not see whole: they could not mend it, and the message
    would tell what is in it. Nobody asks: nothing stops.
    """
    session, model = db.session(), type(record)
    session.info.pop(_FOUND, None)
    known = () if actor is None else rules_of(record.__tablename__)
    stopping = [rule for rule in known if rule.severity is Severity.BLOCK]
    asked = [r for r in stopping if actor and _may_stop(record, r) and sees(actor, model, r)]
    if not asked:
        return
    found = broken([record], asked)[0]
    places = {rule.id: {0} if rule in found else set[int]() for rule in asked}
    session.info[_FOUND] = (record, session.get_transaction(), places)
    for rule in found:
        yield problem(rule, record)


def _may_stop(record: Record, rule: RuleFacts) -> bool:
    """Return whether it can be fulfilled now: what belongs to a record comes after it."""
    return record.id is not None or rule.kind not in _OTHERS


def sees(actor: User, model: type[Record], rule: RuleFacts) -> bool:
    """Return whether somebody sees all that a rule looks at, its condition included.

    To others nothing is told of it: what it says would tell what they do not see.
    """
    other = access.model_of(other_entity(rule))
    if other is not None and not access.allows(actor, "view", other):
        return False
    return all(access.readable(actor, entity, key) for entity, key in _read(model, rule))


@lru_cache(maxsize=1000)
def _read(model: type[Record], rule: RuleFacts) -> frozenset[tuple[type[Model], str]]:
    """Return the fields that a rule looks at, each with its entity."""
    kind, found = KINDS[rule.kind], set[tuple[type[Model], str]]()
    if not kind.of_record or rule.kind in ("unique", "shared"):
        found.add((model, rule.field_key))
    if kind.beside and access.field_info(model, kind.beside):
        found.add((model, kind.beside))
    for expression in expressions_of(model, rule):
        found |= {(model, key) for key in expression.fields} | expression.steps
    return frozenset(found)


class Weighed(Protocol):
    """What counts for so much, as a check of one kind on a field."""

    @property
    def field_key(self) -> str:
        """On which field."""

    @property
    def kind(self) -> str:
        """How it checks it."""

    @property
    def weight(self) -> int:
        """For how much it counts."""


def percent(rules: Iterable[Weighed], failed: Iterable[Weighed]) -> int:
    """Return how much of the rules' weight a record that breaks `failed` has, 0 to 100.

    A value that is wrong is as good as none: where a check of the value alone fails, all that its
    field weighs is lost. So such a check need not weigh anything itself. Rounded down, so that only
    a record that lacks nothing is said to be complete. Source: A4
    """
    failed = [*failed]
    if not failed:
        return 100
    rules = [*rules]
    wrong = {rule.field_key for rule in failed if not KINDS[rule.kind].of_record}
    whole = sum(rule.weight for rule in rules)
    lost = sum(rule.weight for rule in failed if rule.field_key not in wrong)
    lost += sum(rule.weight for rule in rules if rule.field_key in wrong and _of_value(rule))
    return 100 * (whole - lost) // whole if whole else 100


def _of_value(rule: Weighed) -> bool:
    return not KINDS[rule.kind].of_record
