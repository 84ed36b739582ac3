"""What is wrong with a record: what its columns cannot hold, and what rules find."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import regex
from sqlalchemy import BigInteger, Integer, Select, String, Text, bindparam, inspect, select

from crm_admin.database import ask, db
from crm_admin.errors import Label, Problem
from crm_admin.i18n import N_
from crm_admin.models.base import Model, Record
from crm_admin.models.rules import Rule, Severity
from crm_admin.models.types import Money
from crm_admin.models.users import User
from crm_admin.services import access, configuration, picklists
from crm_admin.services.changes import CUSTOM

#: The longest text that is compared with a pattern, and for how many seconds at most: some patterns
#: would try for years. What has taken that long does not fit.
LONGEST_MATCHED, LONGEST_TRY = 200, 0.1
LARGEST_MONEY = 10**13


@dataclass(frozen=True)
class RuleFacts:
    """A rule in force, as it is kept in memory."""

    id: int
    entity: str
    field_key: str
    kind: str
    parameter: str
    severity: Severity
    weight: int
    condition: str
    message: str


#: A check says whether a value is right, given the rule's parameter.
Check = Callable[[Any, RuleFacts], bool]


@dataclass(frozen=True)
class Kind:
    """A kind of rule: how it judges a value, and its words for one that fails."""

    label: str
    message: str
    check: Check


KINDS: dict[str, Kind] = {}


def check(label: str, message: str) -> Callable[[Check], Check]:
    """Offer the function to administrators under its own name, its label and its words."""

    def register(function: Check) -> Check:
        KINDS[function.__name__] = Kind(label, message, function)
        return function

    return register


@check(N_("Is filled in"), N_("%(field)s is missing."))
def required(value: Any, rule: RuleFacts) -> bool:
    """The field is filled in."""
    return value not in (None, "")


@check(N_("Has a related record"), N_("%(field)s is missing."))
def related(value: Any, rule: RuleFacts) -> bool:
    """A living record of the entity named by the parameter belongs to it; `value` says so."""
    return bool(value)


@check(N_("Is among the choices"), N_("%(field)s: “%(value)s” is not among the choices."))
def known(value: Any, rule: RuleFacts) -> bool:
    """The value is a choice of the picklist that the parameter names."""
    return value in (None, "") or value in picklists.items(rule.parameter)


@check(N_("Fits a pattern"), N_("%(field)s: “%(value)s” does not have the right form."))
def matches(value: Any, rule: RuleFacts) -> bool:
    """The whole value fits a regular expression; an empty one is left to `required`."""
    text = "" if value is None else str(value)
    if not text:
        return True
    try:
        fits = regex.fullmatch(rule.parameter, text[:LONGEST_MATCHED], timeout=LONGEST_TRY)
    except TimeoutError:
        return False
    return fits is not None


@configuration.kept
def _rules() -> dict[str, tuple[RuleFacts, ...]]:
    """Return {entity: its rules in force}, in the order they were made."""
    found: dict[str, tuple[RuleFacts, ...]] = {}
    statement = select(Rule).where(Rule.deleted_at.is_(None), Rule.is_active).order_by(Rule.id)
    for rule in db.session.scalars(statement):
        facts = RuleFacts(
            rule.id,
            rule.entity,
            rule.field_key,
            rule.kind,
            rule.parameter or "",
            rule.severity,
            rule.weight,
            rule.condition or "",
            rule.message or "",
        )
        if rule.kind in KINDS:
            found[rule.entity] = (*found.get(rule.entity, ()), facts)
    return found


def rules_of(entity: str) -> tuple[RuleFacts, ...]:
    """Return the rules in force for an entity."""
    return _rules().get(entity, ())


def broken(records: Sequence[Record]) -> dict[int, list[RuleFacts]]:
    """Return {position in `records`: the rules it breaks}, with one query a related entity."""
    if not records:
        return {}
    rules = rules_of(records[0].__tablename__)
    ids = [r.id for r in records if r.id is not None]
    having = {r.id: _having(type(records[0]), r, ids) for r in rules if r.kind == "related"}
    return {
        position: [rule for rule in rules if not _holds(rule, record, having)]
        for position, record in enumerate(records)
    }


def _holds(rule: RuleFacts, record: Record, having: Mapping[int, set[int]]) -> bool:
    if rule.condition and not _applies(rule.condition, record):
        return True
    value: Any = record.id in having[rule.id] if rule.id in having else value_of(record, rule)
    return KINDS[rule.kind].check(value, rule)


def _having(model: type[Record], rule: RuleFacts, ids: list[int]) -> set[int]:
    """Return which of the records have a living record of the rule's related entity."""
    other = access.model_of(rule.parameter)
    if other is None or not ids:
        return set()
    if len(ids) == 1:
        return set(ask(_pointing(model, other, one=True), {"id": ids[0]}).scalars().all())
    return set(ask(_pointing(model, other), {"ids": ids}).scalars().all())


@cache
def _pointing(model: type[Record], other: type[Record], *, one: bool = False) -> Select[Any]:
    """Return the select of which `ids` of an entity living records of another point at.

    With `one` only `id` is asked for, as at every save.
    """
    table = access.table_of(other)
    [key, *_] = [c for c in table.columns if c.references(access.table_of(model).c.id)]
    living = select(key).where(table.c.deleted_at.is_(None))
    if one:
        return living.where(key == bindparam("id")).limit(1)
    return living.where(key.in_(bindparam("ids", expanding=True))).distinct()


def _applies(condition: str, record: Record) -> bool:
    """Return whether the record's field has the value that the condition names: `grade=A`."""
    key, _, wanted = condition.partition("=")
    value = getattr(record, record.column_key(key.strip()), None)
    return str(getattr(value, "value", value)) == wanted.strip()


def value_of(record: Model, rule: RuleFacts) -> Any:
    """Return what the record has in the rule's field; an added field's value too."""
    if rule.field_key.startswith(CUSTOM):
        return (getattr(record, "custom", None) or {}).get(rule.field_key.removeprefix(CUSTOM))
    return getattr(record, record.column_key(rule.field_key), None)


def problem(rule: RuleFacts, record: Record) -> Problem:
    """Return what the rule has to say of a record that breaks it."""
    label = Label(label_of(type(record), rule))
    message = rule.message.replace("%", "%%") if rule.message else KINDS[rule.kind].message
    value = value_of(record, rule) if rule.kind != "related" else ""
    return Problem(rule.field_key, message, {"field": label, "value": value or ""})


def label_of(model: type[Record], rule: RuleFacts) -> str:
    """Return what people call that which the rule looks at."""
    if rule.kind == "related":
        other = access.model_of(rule.parameter)
        return other.singular if other else rule.parameter
    info = access.field_info(model, model.column_key(rule.field_key))
    return str(info.get("label") or rule.field_key.removeprefix(CUSTOM))


def blocking(record: Record, actor: User) -> Iterator[Problem]:
    """Yield what the rules that block find wrong with the record.

    Nobody is stopped by a field that they do not see whole: they could not mend it, and the message
    would tell what is in it.
    """
    if not any(r.severity is Severity.BLOCK for r in rules_of(record.__tablename__)):
        return
    for rule in broken([record])[0]:
        if rule.severity is not Severity.BLOCK:
            continue
        related = rule.kind == "related"
        if record.id is not None if related else _sees(actor, record, rule):
            yield problem(rule, record)


def _sees(actor: User, record: Record, rule: RuleFacts) -> bool:
    return access.readable(actor, type(record), rule.field_key)


class Weighed(Protocol):
    """What counts for so much."""

    @property
    def weight(self) -> int:
        """For how much it counts."""


def percent(rules: Iterable[Weighed], failed: Iterable[Weighed]) -> int:
    """Return how much of the rules' weight a record that breaks `failed` has, 0 to 100.

    Rounded down, so that only a record that lacks nothing is said to be complete.
    """
    whole = sum(rule.weight for rule in rules)
    lost = sum(rule.weight for rule in failed)
    return 100 * (whole - lost) // whole if whole else 100


def field_problems(record: Record, changed: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield which fields are empty and must not be, or hold more than their column can."""
    for key, column in inspect(type(record)).columns.items():
        info, value = column.info, getattr(record, key)
        if not info.get("label") or (key not in changed and value is not None):
            continue
        if value is None:
            if not column.nullable and column.default is None:
                yield Problem(key, N_("%(field)s is required."), {"field": Label(info["label"])})
        elif trouble := _too_much(column.type, value):
            yield trouble(key)


def _too_much(kind: Any, value: Any) -> Callable[[str], Problem] | None:
    """Return how to say that the column cannot hold the value, or None where it can."""
    if isinstance(kind, String) and isinstance(value, str):
        most = kind.length or (100_000 if isinstance(kind, Text) else None)
        if "\0" in value:
            return lambda key: Problem(key, N_("This holds a character that cannot be kept."))
        if most and len(value) > most:
            return lambda key: Problem(
                key, N_("This is longer than %(most)s characters."), {"most": most}
            )
    if isinstance(kind, Money) and not abs(value) < LARGEST_MONEY:
        return lambda key: Problem(key, N_("This amount is too large."))
    if isinstance(kind, Integer) and not isinstance(kind, BigInteger) and abs(value) >= 2**31:
        return lambda key: Problem(key, N_("This number is too large."))
    return None
