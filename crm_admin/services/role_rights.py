"""What roles give to whom, kept in memory, and what was worked out from it."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, select

from crm_admin.database import db
from crm_admin.models.roles import Role, Scope
from crm_admin.models.users import User, user_roles
from crm_admin.services import configuration


@dataclass(frozen=True)
class Rights:
    """What roles give to whom, and what several together give, once it was worked out."""

    #: {id: (code, grants, fields)} of the living roles.
    roles: dict[int, tuple[str, dict[str, Any], dict[str, Any]]]
    #: {user: their roles}.
    users: dict[int, tuple[int, ...]]
    #: The roles whose users need a second factor.
    strict: frozenset[int] = frozenset()
    reaches: dict[tuple[tuple[int, ...], str, str], Scope | None] = field(default_factory=dict)
    limits: dict[tuple[tuple[int, ...], str], dict[str, str]] = field(default_factory=dict)
    fixed: dict[tuple[tuple[int, ...], str], frozenset[str]] = field(default_factory=dict)
    #: {(user, verb, entity): the condition of the records within their reach}.
    theirs: dict[tuple[int, str, str], ColumnElement[bool] | None] = field(default_factory=dict)

    def held(self, actor: User) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Return (code, grants, fields) of the actor's living roles."""
        return [self.roles[id] for id in self.users.get(actor.id, ()) if id in self.roles]


@configuration.kept
def rights_kept() -> Rights:
    """Return what the roles give, read anew whenever an administrator has changed it."""
    statement = select(Role.id, Role.code, Role.grants, Role.fields, Role.requires_second_factor)
    rows = db.session.execute(statement.where(Role.deleted_at.is_(None))).all()
    roles = {id: (code, grants, fields) for id, code, grants, fields, _ in rows}
    strict = frozenset(row.id for row in rows if row.requires_second_factor)
    users: dict[int, tuple[int, ...]] = {}
    held = select(user_roles.c.user_id, user_roles.c.role_id).order_by(user_roles.c.role_id)
    for user, role in db.session.execute(held):
        users[user] = (*users.get(user, ()), role)
    return Rights(roles, users, strict)
