"""Why somebody may do what they may: which role gives it, and how far."""

from collections.abc import Sequence
from dataclasses import dataclass

from crm_admin.database import db
from crm_admin.models.base import Record
from crm_admin.models.roles import Role, Scope
from crm_admin.models.users import User
from crm_admin.services import access, field_rights, role_matrix


@dataclass(frozen=True)
class Source:
    """What one role gives: a scope, or a field's limit; for which records; and whose role it is.

    `person` is the name of whom the asked-about stand in for, "" where the role is their own;
    `holds` says whether it is so of the record that was asked about, None where it was of none.
    """

    role: str
    gives: str
    when: str = ""
    person: str = ""
    holds: bool | None = None


@dataclass(frozen=True)
class Right:
    """What somebody may do: how far, by which roles (the widest first), and with one record.

    `scope` is None where nothing grants it, `record` where no record was asked about or the right
    is about none, such as to create one. `shared` says whether the record was shared with them.
    """

    verb: str
    scope: Scope | None
    roles: list[Source]
    record: bool | None
    shared: bool = False


@dataclass(frozen=True)
class FieldRight:
    """What somebody sees of a field: one of `access.LIMITS`, and what each of their roles says."""

    key: str
    label: str
    limit: str
    roles: list[Source]


def rights(user: User, model: type[Record], record: Record | None = None) -> list[Right]:
    """Return what somebody may do with an entity, and with one of its records. Source: S5"""
    found = []
    for verb in role_matrix.verbs_of(model):
        scope = access.reach(user, verb, model)
        asked = record if verb not in ("create", "import", "restore") else None
        roles = _sources(user, model, verb, asked)
        within = None if asked is None else access.find(model, asked.id, user, verb) is not None
        shared = bool(within) and not any(source.holds for source in roles)
        found.append(Right(verb, scope, roles, within, shared and not user.is_system))
    return found


def _sources(user: User, model: type[Record], verb: str, record: Record | None) -> list[Source]:
    """Return the roles that give a right, those first that give it for the record."""
    found = []
    for person, role, scope in access.explain(user, verb, model):
        when, holds = role.when(verb, model.__tablename__), None
        if record is not None:
            grant = access.Grant(person, scope, when)
            holds = access.reach_record(record, user, [grant], verb)
        found.append(Source(role.code, scope, when, _other(user, person), holds))
    return sorted(found, key=lambda source: source.holds is False)


def fields(user: User, model: type[Record], record: Record | None = None) -> list[FieldRight]:
    """Return what somebody sees and changes of each field of an entity, or of one record.

    Without a record, a limit that holds for some records only is told as if it held. Source: S5
    """
    found = []
    for key, label in field_rights.labels_of(model).items():
        said = [
            Source(one.code, one.limit, one.when, _other(user, one.person))
            for one in access.said_of(user, model, key)
        ]
        found.append(FieldRight(key, label, access.limit_of(user, model, key, record), said))
    return found


def _other(user: User, person: access.Person) -> str:
    """Return the name of whom somebody stands in for, "" for themselves."""
    if person.id == user.id:
        return ""
    other = db.session.get(User, person.id)
    return other.name if other is not None else ""


def may_ask(actor: User) -> bool:
    """Return whether the actor may be told of others' rights: sees people, roles, who has which.

    Source: S5
    """
    sees = access.allows(actor, "view", User) and access.allows(actor, "view", Role)
    return sees and access.readable(actor, User, "roles")


def owners(record: Record, actor: User) -> Sequence[tuple[str, User]]:
    """Return (label of the column, person) of those a record belongs to, as far as it is told."""
    found = []
    for key in record.owners:
        if not access.readable(actor, type(record), key, record):
            continue
        person = getattr(record, type(record).form_key(key))
        if isinstance(person, User):
            found.append((str(access.field_info(type(record), key).get("label", key)), person))
    return found
