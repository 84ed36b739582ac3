"""Users, departments and roles: what must hold when they are changed."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, inspect, select, update

from crm_admin import clock
from crm_admin.database import db
from crm_admin.errors import Denied, Invalid, Label, Problem
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.departments import Department
from crm_admin.models.picklists import Picklist, PicklistItem
from crm_admin.models.roles import ADMINISTRATOR, Role, Scope
from crm_admin.models.users import User, UserSession, user_roles
from crm_admin.services import (
    access,
    account_tokens,
    changes,
    departments,
    records,
    role_rights,
)

_LACKED = N_("The role %(role)s has rights that you do not have.")


@records.prepare.register
def _place(record: Department, actor: User) -> None:
    _keep_code(record)
    departments.check_place(record)


@records.prepare.register
def _named(record: Picklist | PicklistItem, actor: User) -> None:
    _keep_code(record)


@records.prepare.register
def _granted(record: Role, actor: User) -> None:
    """Refuse to put rights into a role, or take them out, that the actor lacks. Source: S5"""
    _keep_code(record)
    changed = {k: pair for k, pair in changes.of(record).items() if k in role_rights.COLUMNS}
    _keep_titles_seen(changed.get("fields", (None, None))[1])
    strict = "requires_second_factor" in changes.of(record)
    if strict and not access.covers(actor, role_rights.of(record)):
        raise Denied(_LACKED, role=str(record))
    for place in (0, 1) if changed else ():
        rights = {key: pair[place] or {} for key, pair in changed.items()}
        if not access.covers(actor, role_rights.of(record, **rights)):
            raise Denied(_LACKED, role=str(record))


def _keep_titles_seen(fields: Any) -> None:
    """Refuse to hide what names a record, or a part of it: pages and choices are made of it."""
    for entity, limits in fields.items() if isinstance(fields, dict) else ():
        model = access.model_of(entity)
        names = model.name_keys() if model is not None else ()
        if model is not None and {limits.get(key) for key in names} & {"masked", "hidden"}:
            message = N_("%(entity)s: what names a record can be kept from change, not hidden.")
            raise Invalid([Problem("fields", message, {"entity": Label(model.plural)})])


def _keep_code(record: Record) -> None:
    """Refuse another code: files, commands, columns and records name it."""
    if inspect(record).persistent and "code" in changes.of(record):
        raise Invalid([Problem("code", N_("A code never changes; make a new one instead."))])


@records.prepare.register
def _ranked(record: User, actor: User) -> None:
    """Refuse to touch who has more rights, and to move anybody by rights that are lent.

    Who works where decides whose records they see: nobody moves themselves, but administrators.
    """
    check_rank(record, actor)
    if actor.is_system or not inspect(record).persistent:
        return
    if "department_id" in changes.of(record):
        own = access.may_as_self(record, actor, "edit")
        if not own or (record.id == actor.id and not access.is_administrator(actor)):
            raise Denied(N_("You may not change %(field)s."), field=Label(N_("Department")))


def check_rank(user: User, actor: User) -> None:
    """Refuse to give anybody more rights than the actor has, or to touch who has more.

    Raises:
        Denied: one of the user's roles, held or to be given, grants what the actor lacks; or it is
            the system's own.
    """
    if user.is_system and not actor.is_system:
        raise Denied(N_("This is the system itself; nobody can change it."))
    held = user.roles  # read, so that the history knows those that are taken away too
    for role in {*held, *(inspect(user).attrs.roles.history.deleted or ())}:
        if not access.covers(actor, role_rights.of(role)):
            raise Denied(_LACKED, role=str(role))


def ranks_over(user: User, actor: User) -> bool:
    """Return whether the user has rights that the actor lacks, and so is out of their hands."""
    try:
        check_rank(user, actor)
    except Denied:
        return True
    return False


@records.follow_up.register
def _user_follow_up(record: User, changed: Mapping[str, list[Any]], actor: User) -> None:
    """End the sessions of who may no longer sign in, and keep one administrator at least.

    What was mailed to an address that is no longer theirs is worth nothing.
    """
    is_gone = record.deleted_at is not None
    if is_gone:
        check_rank(record, actor)
    if not record.is_active or is_gone:
        end_sessions(record)
        account_tokens.end_all(record)
    elif "email" in changed:
        account_tokens.end_all(record)
    if (is_gone or changed.keys() & {"is_active", "roles"}) and not administrators():
        message = N_("The last administrator must stay one.")
        raise Invalid([Problem("roles", message)])


@records.follow_up.register
def _role_follow_up(record: Role, changed: Mapping[str, list[Any]], actor: User) -> None:
    """Keep a role that somebody has, and the rights by which administrators can mend rights."""
    if record.deleted_at is not None and (count := _holders(record)):
        message = N_("It is still used by %(count)s records: %(entity)s.")
        raise Invalid([Problem("", message, {"count": count, "entity": Label(User.plural)})])
    if record.code == ADMINISTRATOR and "grants" in changed:
        kept = [(verb, entity) for entity in ("users", "roles") for verb in ("view", "edit")]
        if any(access.granted(record.grants, *right) != Scope.ALL for right in kept):
            message = N_("Administrators must keep the right to change users and roles.")
            raise Invalid([Problem("grants", message)])


def _holders(role: Role) -> int:
    """Return how many living users have the role."""
    statement = (
        select(func.count()).select_from(User).join(user_roles, user_roles.c.user_id == User.id)
    )
    having = statement.where(user_roles.c.role_id == role.id, User.deleted_at.is_(None))
    return db.session.scalar(having) or 0


def administrators() -> int:
    """Return how many people may sign in as administrators."""
    statement = (
        select(User.id)
        .join(user_roles, user_roles.c.user_id == User.id)
        .join(Role, Role.id == user_roles.c.role_id)
        .where(Role.code == ADMINISTRATOR, Role.deleted_at.is_(None))
        .where(User.is_active, User.deleted_at.is_(None))
    )
    return len(db.session.scalars(statement.where(User.is_system.is_(False))).all())


def end_sessions(user: User, *, but: int | None = None) -> None:
    """Sign the user out everywhere, except in the session `but`."""
    statement = update(UserSession).where(
        UserSession.user_id == user.id, UserSession.ended_at.is_(None)
    )
    if but is not None:
        statement = statement.where(UserSession.id != but)
    db.session.execute(statement.values(ended_at=clock.now()))


def system() -> User:
    """Return the system, in whose name jobs and commands act."""
    return db.session.scalars(select(User).where(User.is_system)).one()


def by_username(username: str) -> User | None:
    """Return the living user with this user name, or None."""
    if "\0" in username:
        return None  # PostgreSQL would not even compare it
    statement = records.alive(User).where(User.username == username)
    return db.session.scalar(statement.where(User.is_system.is_(False)))


def role(code: str) -> Role | None:
    """Return the living role with this code, or None."""
    return db.session.scalar(records.alive(Role).where(Role.code == code))


def department(code: str) -> Department | None:
    """Return the living department with this code, or None."""
    return db.session.scalar(records.alive(Department).where(Department.code == code))
