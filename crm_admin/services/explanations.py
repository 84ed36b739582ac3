"""Why somebody may do what they may: which role gives it, and how far."""

from collections.abc import Sequence
from dataclasses import dataclass

from crm_admin.models.base import Record
from crm_admin.models.roles import Scope
from crm_admin.models.users import User
from crm_admin.services import access, field_rights, role_matrix


@dataclass(frozen=True)
class Right:
    """What somebody may do: how far, by which roles (the widest first), and with one record.

    `scope` is None where nothing grants it, `record` where no record was asked about or the right
    is about none, such as to create one.
    """

    verb: str
    scope: Scope | None
    roles: list[tuple[str, Scope]]
    record: bool | None


@dataclass(frozen=True)
class FieldRight:
    """What somebody sees of a field: one of `access.LIMITS`, and what each of their roles says."""

    label: str
    limit: str
    roles: list[tuple[str, str]]


def rights(user: User, model: type[Record], record: Record | None = None) -> list[Right]:
    """Return what somebody may do with an entity, and with one of its records. Source: S5"""
    found = []
    for verb in role_matrix.verbs_of(model):
        scope = access.reach(user, verb, model)
        roles = access.explain(user, verb, model)
        asked = record if verb not in ("create", "import", "restore") else None
        within = None if asked is None else access.find(model, asked.id, user, verb) is not None
        found.append(Right(verb, scope, roles, within))
    return found


def fields(user: User, model: type[Record]) -> list[FieldRight]:
    """Return what somebody sees and changes of each field of an entity. Source: S5"""
    return [
        FieldRight(label, access.limit_of(user, model, key), access.explain_field(user, model, key))
        for key, label in field_rights.labels_of(model).items()
    ]


def owners(record: Record) -> Sequence[tuple[str, User]]:
    """Return (label of the column, person) of those a record belongs to."""
    found = []
    for key in record.owners:
        person = getattr(record, type(record).form_key(key))
        if isinstance(person, User):
            found.append((str(access.field_info(type(record), key).get("label", key)), person))
    return found
