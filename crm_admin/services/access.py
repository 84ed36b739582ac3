"""Who may see and do what: every list, page, lookup, export and command goes through here.

`grants.py` takes together what roles give, `field_limits.py` what they say of fields,
`row_limits.py` which records that means; here is every question that others ask.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, bindparam, inspect, select
from sqlalchemy.orm import joinedload

from crm_admin.database import db
from crm_admin.models.base import Model, Record
from crm_admin.models.users import User
from crm_admin.services.entity_names import all_of as entities
from crm_admin.services.entity_names import model_of, table_of, target_of
from crm_admin.services.field_limits import (
    concealing,
    field_info,
    limit_of,
    masked,
    readable,
    said_of,
    shown,
    varying,
    writable,
)
from crm_admin.services.grants import (
    LIMITS,
    NONE,
    SPECIAL,
    VERBS,
    allows,
    covers,
    explain,
    granted,
    grants_of,
    held,
    includes,
    is_administrator,
    means,
    reach,
    role_ids,
    unlimited,
)
from crm_admin.services.role_rights import IMPLIED, Grant, Person
from crm_admin.services.row_limits import (
    limit,
    may_as_self,
    reach_record,
    reaches_person,
    same_records,
    within_reach,
)

__all__ = [
    "IMPLIED",
    "LIMITS",
    "NONE",
    "SPECIAL",
    "VERBS",
    "Grant",
    "Person",
    "allows",
    "by_key",
    "concealing",
    "covers",
    "entities",
    "explain",
    "fetch",
    "field_info",
    "find",
    "granted",
    "grants_of",
    "held",
    "includes",
    "is_administrator",
    "key_of",
    "limit",
    "limit_of",
    "masked",
    "may",
    "may_as_self",
    "means",
    "model_of",
    "reach",
    "reach_record",
    "reachable",
    "reaches_person",
    "readable",
    "role_ids",
    "rows",
    "said_of",
    "same_records",
    "shown",
    "table_of",
    "target_of",
    "unlimited",
    "varying",
    "visible",
    "within_reach",
    "writable",
]  # fmt: skip

M = TypeVar("M", bound=Model)


# Rows.


def rows(
    model: type[Model], actor: User, verb: str = "view", *, binned: bool = False
) -> list[ColumnElement[bool]]:
    """Return the conditions that hold for the records the actor may do this to."""
    conditions: list[ColumnElement[bool]] = []
    if issubclass(model, Record):
        deleted = table_of(model).c.deleted_at
        conditions.append(deleted.is_not(None) if binned else deleted.is_(None))
    if (theirs := limit(model, actor, verb)) is not None:
        conditions.append(theirs)
    return conditions


def visible(model: type[M], actor: User, verb: str = "view", *, binned: bool = False) -> Select[M]:
    """Return the statement that selects the records of `model` the actor may do this to."""
    return select(model).where(*rows(model, actor, verb, binned=binned))


def fetch(statement: Select[M]) -> Sequence[M]:
    """Return the records a statement made with `visible` selects."""
    return db.session.scalars(statement).all()


def find(
    model: type[M],
    id: Any,
    actor: User,
    verb: str = "view",
    *,
    binned: bool = False,
    whole: bool = False,
) -> M | None:
    """Return the record with this id, or None where there is none or it is out of reach.

    The two cases look the same on purpose: an answer must not tell that a record exists. With
    `whole`, the records it points at are read along with it.
    """
    if (key := key_of(id)) is None:
        return None
    statement = by_key(model, binned=binned, whole=whole)
    if (theirs := limit(model, actor, verb)) is not None:
        statement = statement.where(theirs)
    found: M | None = db.session.scalar(statement, {"key": key})
    return found


#: Columns that name a record in one language or another, where it has them.
_NAMES = ("name", "number", "label_en", "label_zh_hans", "label_zh_hant")


@cache
def by_key(model: type[M], *, binned: bool = False, whole: bool = False) -> Select[M]:
    """Return the select of the one record with `key`, whoever asks; put together once an entity.

    With `whole`, the records it points at are loaded in the same statement.
    """
    statement = select(model).where(model.id == bindparam("key"))
    if issubclass(model, Record):
        gone = model.deleted_at.is_not(None) if binned else model.deleted_at.is_(None)
        statement = statement.where(gone)
    if whole:
        relations = [r for r in inspect(model).relationships if r.secondary is None]
        statement = statement.options(*map(_named, relations))
    return statement


def _named(relation: Any) -> Any:
    """Return the loading of the record a relation points at, no more of it than its names."""
    target = relation.mapper.class_
    keys = {key for key in (*_NAMES, target.title) if key in relation.mapper.columns}
    names = [getattr(target, key) for key in sorted(keys)]
    return joinedload(relation.class_attribute).load_only(*names)


def may(record: Model, actor: User, verb: str = "view") -> bool:
    """Return whether the actor may do this to a record; asks the database only where it must."""
    theirs = limit(type(record), actor, verb)
    if theirs is None or not allows(actor, verb, type(record)):
        return theirs is None
    return find(type(record), record.id, actor, verb) is not None


def key_of(id: Any) -> int | None:
    """Return the id as a key PostgreSQL's integers can hold, or None."""
    try:
        key = int(id)
    except (TypeError, ValueError):
        return None
    return key if 0 < key < 2**31 else None


def reachable(actor: User, verb: str, models: Iterable[type[Record]]) -> list[type[Record]]:
    """Return those of the entities that the actor may do this to."""
    return [model for model in models if allows(actor, verb, model)]
