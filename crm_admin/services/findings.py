"""Findings: which record breaks which rule, from when it was found to when it was put right.

A save and the nightly check hand over what is broken; only what differs from the open findings is
written.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, insert, select, update

from crm_admin import clock
from crm_admin.database import ask, db
from crm_admin.models.base import Record
from crm_admin.models.findings import Finding
from crm_admin.models.users import User
from crm_admin.services import owning, zones
from crm_admin.services.entity_names import table_of

_findings = table_of(Finding)
_OF_ENTITY = (_findings.c.entity == bindparam("entity"), _findings.c.fixed_at.is_(None))
_OPEN_OF = select(_findings.c.id, _findings.c.rule_id).where(
    *_OF_ENTITY, _findings.c.record_id == bindparam("record")
)
_OPEN_AMONG = select(_findings.c.id, _findings.c.rule_id, _findings.c.record_id).where(
    *_OF_ENTITY, _findings.c.record_id.in_(bindparam("records", expanding=True))
)
_FOUND = insert(_findings)
_CLOSED = (
    update(_findings)
    .where(_findings.c.id.in_(bindparam("ids", expanding=True)))
    .values(fixed_at=bindparam("at"), fixed_by_id=bindparam("by"))
)
_SEEN = (
    update(_findings)
    .where(_findings.c.id.in_(bindparam("ids", expanding=True)))
    .values(seen_at=bindparam("at"))
)
#: How many findings one statement closes: databases take only so many values.
_AT_ONCE = 5_000


def keep(record: Record, broken: Collection[int], actor: User, *, is_new: bool) -> None:
    """Note, with its save, what a record breaks now and what the actor put right by it.

    Args:
        broken: the ids of the rules.
    """
    entity, kept = record.__tablename__, dict[int, int]()
    if not is_new:
        asked = {"entity": entity, "record": record.id}
        kept = {rule: id for id, rule in ask(_OPEN_OF, asked).all()}
    _close([id for rule, id in kept.items() if rule not in broken], actor)
    _open(entity, ((rule, record.id) for rule in broken if rule not in kept), zones.today())


def refresh(entity: str, broken: Mapping[int, Collection[int]], day: date, actor: User) -> int:
    """Note what these records break on a day and what was put right; return how much differed.

    Args:
        broken: {record: the ids of the rules it breaks}, of those that break none as well.
    """
    asked = {"entity": entity, "records": list(broken)}
    kept = {(rule, record): id for id, rule, record in ask(_OPEN_AMONG, asked).all()}
    wanted = {(rule, record) for record, rules in broken.items() for rule in rules}
    _close([id for key, id in kept.items() if key not in wanted], actor)
    _open(entity, sorted(wanted - kept.keys()), day)
    return len(kept.keys() ^ wanted)


def _open(entity: str, found: Iterable[tuple[int, int]], day: date) -> None:
    now = clock.now()
    rows = [
        {
            "rule_id": rule,
            "entity": entity,
            "record_id": record,
            "found_on": day,
            "created_at": now,
        }
        for rule, record in found
    ]
    if rows:
        db.session.connection().execute(_FOUND, rows)


def _close(ids: Sequence[int], actor: User) -> None:
    for first in range(0, len(ids), _AT_ONCE):
        closed = {"ids": ids[first : first + _AT_ONCE], "at": clock.now(), "by": actor.id}
        ask(_CLOSED, closed)


def drop(record: Record) -> None:
    """Close the findings of a record that went to the bin: nobody has put them right."""
    _withdraw(_findings.c.entity == record.__tablename__, _findings.c.record_id == record.id)


def drop_rule(id: int) -> None:
    """Close the findings of a rule that is no longer in force: nobody has put them right."""
    _withdraw(_findings.c.rule_id == id)


def _withdraw(*conditions: Any) -> None:
    statement = update(_findings).where(*conditions, _findings.c.fixed_at.is_(None))
    ask(statement.values(fixed_at=clock.now()))


def unseen(actor: User, model: type[Record], ids: Sequence[int]) -> list[int]:
    """Return the open findings that the actor has not had before them, of those of the records that
    are their own.
    """
    if not ids or owning.owner_model(model) is None:
        return []
    asked = {"entity": model.__tablename__, "records": list(ids), owning.PERSON: actor.id}
    return list(ask(_unseen(model), asked).scalars())


@cache
def _unseen(model: type[Record]) -> Select[Any]:
    own = select(table_of(model).c.id).where(owning.of_person(model))
    among = _findings.c.record_id.in_(bindparam("records", expanding=True))
    waiting = (*_OF_ENTITY, among, _findings.c.seen_at.is_(None))
    return select(_findings.c.id).where(*waiting, _findings.c.record_id.in_(own))


def see(ids: Sequence[int]) -> None:
    """Note, within a transaction, that the owner has these findings before them now."""
    ask(_SEEN, {"ids": list(ids), "at": clock.now()})
