"""Completeness: how much of what the rules ask for each record has, and what it lacks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm.attributes import set_committed_value

from crm_admin import clock
from crm_admin.database import db
from crm_admin.errors import Problem
from crm_admin.models.base import Checked, Record
from crm_admin.models.reminders import Lacking
from crm_admin.models.roles import Scope
from crm_admin.models.rules import Finding
from crm_admin.models.users import User
from crm_admin.services import access, mending, validation

#: How many records one transaction of the nightly check looks at.
CHUNK = 500


@dataclass(frozen=True)
class Lack:
    """One thing a record lacks: the field to fill in, its label, and why it is said."""

    field_key: str
    label: str
    problem: Problem
    kind: str
    related: str = ""
    weight: int = 1


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
                rule.parameter if rule.kind == "related" else "",
                rule.weight,
            )
            for rule in found[position]
        ]
        for position, record in enumerate(records)
    ]


def percent_of(record: Record, lacking: Sequence[Lack]) -> int:
    """Return how complete a record that lacks these things is, 0 to 100."""
    return validation.percent(validation.rules_of(record.__tablename__), lacking)


def percent(record: Record) -> int:
    """Return how complete the record is now, 0 to 100."""
    return validation.percent(
        validation.rules_of(record.__tablename__), validation.broken([record])[0]
    )


def rate(record: Record) -> None:
    """Put the percentage into a record that is about to be written."""
    if isinstance(record, Checked):
        record.completeness = percent(record)


def rate_parent(record: Record, parents: set[int]) -> None:
    """Rate again the records a written one belongs or belonged to, where rules count it.

    Their version stays: nobody's form of them is out of date for it.
    """
    if not record.follows:
        return
    model = access.target_of(type(record), record.follows)
    entity = record.__tablename__
    rules = validation.rules_of(model.__tablename__)
    if not any(r.kind == "related" and r.parameter == entity for r in rules):
        return
    for id in filter(None, parents):
        if parent := db.session.get(model, id):  # mostly it is at hand already
            _keep(parent, percent(parent))


def _keep(record: Record, value: int) -> None:
    table = access.table_of(type(record))
    if getattr(record, "completeness", value) != value:
        statement = update(table).where(table.c.id == record.id).values(completeness=value)
        db.session.execute(statement)
        set_committed_value(record, "completeness", value)
        if value == 100:
            mending.heed(record, [Lacking.MISSING])


def checked_entities() -> Iterator[type[Record]]:
    """Yield the entities that have rules and are rated by them."""
    for entity, model in access.entities().items():
        if issubclass(model, Checked) and validation.rules_of(entity):
            yield model


def chunk_after(model: type[Record], last: int) -> Sequence[Record]:
    """Return the next living records of the nightly check, by id."""
    statement = select(model).where(model.id > last, model.deleted_at.is_(None))
    return db.session.scalars(statement.order_by(model.id).limit(CHUNK)).all()


def refresh(records: Sequence[Record], today: date) -> int:
    """Note what the records lack today and what was put right; return how many notes changed.

    Only differences are written, so a second run the same day writes nothing. Source: A3
    """
    model = type(records[0])
    broken = validation.broken(records)
    wanted = {(rule.id, records[p].id) for p, rules in broken.items() for rule in rules}
    ids = [record.id for record in records]
    statement = select(Finding).where(
        Finding.entity == model.__tablename__,
        Finding.record_id.in_(ids),
        Finding.fixed_at.is_(None),
    )
    kept = {(f.rule_id, f.record_id): f for f in db.session.scalars(statement)}
    for key in kept.keys() - wanted:
        kept[key].fixed_at = clock.now()
    entity = model.__tablename__
    db.session.add_all(
        Finding(rule_id=rule, record_id=id, entity=entity, found_on=today)
        for rule, id in sorted(wanted - kept.keys())
    )
    _rate_all(records, broken)
    return len(kept.keys() ^ wanted)


def _rate_all(records: Sequence[Record], broken: dict[int, list[validation.RuleFacts]]) -> None:
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


def drop_findings(record: Record) -> None:
    """Take a record that went to the bin off the lists of what is lacking."""
    statement = update(Finding).where(
        Finding.entity == record.__tablename__,
        Finding.record_id == record.id,
        Finding.fixed_at.is_(None),
    )
    db.session.execute(statement.values(fixed_at=clock.now()))


def may_check(actor: User) -> bool:
    """Return whether the actor supervises others' records: sees more than their own."""
    owned = (model for model in checked_entities() if model.owners or model.follows)
    scopes = (access.reach(actor, "view", model) for model in owned)
    return any(scope in (Scope.DEPARTMENT, Scope.BELOW, Scope.ALL) for scope in scopes)
