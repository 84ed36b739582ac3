"""Users, departments and roles: what must hold when they are changed."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update

from crm_admin import clock
from crm_admin.database import db
from crm_admin.errors import Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.departments import Department
from crm_admin.models.roles import Role
from crm_admin.models.users import User, UserSession, user_roles
from crm_admin.services import departments, records

ADMINISTRATOR = "administrator"


@records.prepare.register
def _place(record: Department, actor: User) -> None:
    departments.check_place(record)


@records.follow_up.register
def _follow_up(record: User, changed: Mapping[str, list[Any]], actor: User) -> None:
    """End the sessions of who may no longer sign in, and keep one administrator at least."""
    if not record.is_active or record.deleted_at is not None:
        end_sessions(record)
    if changed.keys() & {"is_active", "roles"} and not administrators():
        message = N_("The last administrator must stay one.")
        raise Invalid([Problem("roles", message)])


def administrators() -> int:
    """Return how many people may sign in as administrators."""
    statement = (
        select(User.id)
        .join(user_roles, user_roles.c.user_id == User.id)
        .join(Role, Role.id == user_roles.c.role_id)
        .where(Role.code == ADMINISTRATOR, User.is_active, User.deleted_at.is_(None))
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
    statement = records.alive(User).where(User.username == username)
    return db.session.scalar(statement.where(User.is_system.is_(False)))


def role(code: str) -> Role | None:
    """Return the living role with this code, or None."""
    return db.session.scalar(records.alive(Role).where(Role.code == code))


def department(code: str) -> Department | None:
    """Return the living department with this code, or None."""
    return db.session.scalar(records.alive(Department).where(Department.code == code))
