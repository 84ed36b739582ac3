"""What happens when somebody changes a record that failed, or of which somebody was reminded."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from sqlalchemy import bindparam, update

from crm_admin import clock
from crm_admin.database import ask
from crm_admin.models.base import Record
from crm_admin.models.reminders import UNHEEDED, Lacking, Reminder
from crm_admin.models.reviews import STANDING, Review, Verdict
from crm_admin.models.users import User
from crm_admin.services import entity_names
from crm_admin.services.grants import SPECIAL
from crm_admin.services.role_rights import rights_kept

#: The entities whose records are looked at.
REVIEWED = tuple(entity for entity, verbs in SPECIAL.items() if "review" in verbs)
#: The ways to change a record that may put right what was found in it.
_MENDING = frozenset(("changed", "closed", "corrected"))


def after(record: Record, action: str, actor: User) -> None:
    """Note what a saved record no longer lacks.

    Jobs put nothing right: whoever wrote it is to learn from it.
    """
    if record.__tablename__ not in REVIEWED or actor.is_system or action not in _MENDING:
        return
    fixed(record.__tablename__, record.id)
    repaired = [Lacking.FAILED]
    if getattr(record, "completeness", None) == 100:
        repaired.append(Lacking.MISSING)
    if getattr(record, "closed_at", None) is not None:
        repaired.append(Lacking.OPEN)
    heed(record, repaired, actor)


def fixed(entity: str, id: int) -> None:
    """Note that a record which failed was put right, by a change or by a correction beside it.

    It comes back to who checks.
    """
    ask(_fixed(), {"of": entity, "key": id, "now": clock.now()})


def heed(record: Record, repaired: Iterable[Lacking], actor: User) -> None:
    """Note that what somebody was reminded of is done, and whether others did it for them.

    What a supervisor fills in is no repair of who was reminded. Source: A3, F3
    """
    values = {"of": record.__tablename__, "key": record.id, "now": clock.now()}
    own = [person.id for person in rights_kept().people(actor)]
    ask(_heeded(), values | {"repaired": [str(one) for one in repaired], "own": own})


@cache
def _fixed() -> Any:
    table = entity_names.table_of(Review)
    return (
        update(table)
        .where(
            table.c.entity == bindparam("of"),
            table.c.record_id == bindparam("key"),
            table.c.verdict == Verdict.FAILED,
            table.c.fixed_at.is_(None),
            STANDING,
        )
        .values(fixed_at=bindparam("now"))
    )


@cache
def _heeded() -> Any:
    table = entity_names.table_of(Reminder)
    return (
        update(table)
        .where(
            table.c.entity == bindparam("of"),
            table.c.record_id == bindparam("key"),
            table.c.lacking.in_(bindparam("repaired", expanding=True)),
            UNHEEDED,
        )
        .values(
            repaired_at=bindparam("now"),
            by_others=table.c.person_id.not_in(bindparam("own", expanding=True)),
        )
    )
