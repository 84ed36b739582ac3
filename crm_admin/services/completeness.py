"""Completeness: how much of what the rules ask for each record has, and what it lacks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm.attributes import set_committed_value

from crm_admin.database import db
from crm_admin.errors import Problem
from crm_admin.models.base import Checked, Record
from crm_admin.models.reminders import Lacking
from crm_admin.models.roles import Scope
from crm_admin.models.users import User
from crm_admin.services import access, findings, mending, validation
from crm_admin.services.validation import RuleFacts

Broken = list[RuleFacts]

#: How many records one transaction of the nightly check looks at.
CHUNK = 500


@dataclass(frozen=True)
class Lack:
    """One thing a record lacks: the field to fill in, its label, and what the rule says of it."""

    field_key: str
    label: str
    problem: Problem
    kind: str
    related: str = ""
    weight: int = 1
    rule: validation.RuleFacts | None = None

    @property
    def why(self) -> str:
        """Why it matters, in the present language, where somebody has said so."""
        return self.rule.why if self.rule else ""


def lacks(records: Sequence[Record]) -> list[list[Lack]]:
    """Return for each record, in their order, what rules find lacking in it. Source: A2"""
    found = validation.broken(records)
    return [
        [
            Lack(
                rule.field_key,
                validation.label_of(type(record), rule),
                validation.problem(rule, record),
                rule.kind,
                validation.other_entity(rule),
                rule.weight,
                rule,
            )
            for rule in found[position]
        ]
        for position, record in enumerate(records)
    ]


def shown_to(actor: User, model: type[Record], found: Sequence[Lack]) -> list[Lack]:
    """Return what of the lacks the actor may be told: nothing of fields they do not see."""
    return [
        lack
        for lack in found
        if (lack.related or access.readable(actor, model, lack.field_key))
        and (lack.rule is None or validation.sees(actor, model, lack.rule))
    ]


def percent_of(record: Record, lacking: Sequence[Lack]) -> int:
    """Return how complete a record that lacks these things is, 0 to 100."""
    return validation.percent(validation.rules_of(record.__tablename__), lacking)


def percent(record: Record) -> int:
    """Return how complete the record is now, 0 to 100."""
    return validation.percent(
        validation.rules_of(record.__tablename__), validation.broken([record])[0]
    )


def rate(record: Record) -> Broken:
    """Put the percentage into a record that is about to be written; return what it breaks."""
    if not isinstance(record, Checked):
        return []
    broken = validation.broken([record])[0]
    record.completeness = validation.percent(validation.rules_of(record.__tablename__), broken)
    return broken


def note(record: Record, broken: Broken, actor: User, *, is_new: bool = False) -> None:
    """Note what a record that was just written breaks, and what was put right by it. Source: A3"""
    if not isinstance(record, Checked):
        return
    if record.deleted_at is None:
        findings.keep(record, {rule.id for rule in broken}, actor, is_new=is_new)
    else:
        findings.drop(record)


def rate_parent(record: Record, parents: set[int], actor: User) -> None:
    """Rate again the records a written one belongs or belonged to, where rules count it.

    Their version stays: nobody's form of them is out of date for it.
    """
    if not record.follows:
        return
    model = access.target_of(type(record), record.follows)
    entity = record.__tablename__
    rules = validation.rules_of(model.__tablename__)
    if not any(validation.other_entity(rule) == entity for rule in rules):
        return
    for id in filter(None, parents):
        if parent := db.session.get(model, id):  # mostly it is at hand already
            broken = validation.broken([parent])[0]
            _keep(parent, validation.percent(rules, broken), actor)
            note(parent, broken, actor)


def _keep(record: Record, value: int, actor: User) -> None:
    table = access.table_of(type(record))
    if getattr(record, "completeness", value) != value:
        statement = update(table).where(table.c.id == record.id).values(completeness=value)
        db.session.execute(statement)
        set_committed_value(record, "completeness", value)
        if value == 100:
            mending.heed(record, [Lacking.MISSING], actor)


def checked_entities() -> Iterator[type[Record]]:
    """Yield the entities that have rules and are rated by them."""
    for entity, model in access.entities().items():
        if issubclass(model, Checked) and validation.rules_of(entity):
            yield model


def chunk_after(model: type[Record], last: int) -> Sequence[Record]:
    """Return the next living records of the nightly check, by id, locked until it is done.

    One that somebody is saving at this moment is left to their save.
    """
    statement = select(model).where(model.id > last, model.deleted_at.is_(None))
    locked = statement.with_for_update(of=model, skip_locked=True)
    return db.session.scalars(locked.order_by(model.id).limit(CHUNK)).all()


def refresh(records: Sequence[Record], today: date, actor: User) -> int:
    """Note what the records lack today and what was put right; return how many notes changed.

    Only differences are written, so a second run the same day writes nothing. Source: A3
    """
    broken = validation.broken(records)
    lacking = {records[p].id: {rule.id for rule in rules} for p, rules in broken.items()}
    changed = findings.refresh(records[0].__tablename__, lacking, today, actor)
    _rate_all(records, broken)
    return changed


def _rate_all(records: Sequence[Record], broken: dict[int, Broken]) -> None:
    """Write the percentages that differ from the kept ones."""
    rules = validation.rules_of(records[0].__tablename__)
    table = access.table_of(type(records[0]))
    rated = [
        {"key": record.id, "rate": rate}
        for position, record in enumerate(records)
        if getattr(record, "completeness", None)
        != (rate := validation.percent(rules, broken[position]))
    ]
    if rated:
        statement = update(table).where(table.c.id == bindparam("key"))
        db.session.connection().execute(statement.values(completeness=bindparam("rate")), rated)


def may_check(actor: User) -> bool:
    """Return whether the actor supervises others' records: sees more than their own."""
    owned = (model for model in checked_entities() if model.owners or model.follows)
    scopes = (access.reach(actor, "view", model) for model in owned)
    return any(scope in (Scope.DEPARTMENT, Scope.BELOW, Scope.ALL) for scope in scopes)
