"""What roles give to whom, kept in memory, and what was worked out from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, select

from crm_admin.database import ask, db
from crm_admin.models.roles import Role, Scope
from crm_admin.models.sharing import Deputy, Share
from crm_admin.models.users import User, user_roles
from crm_admin.services import configuration, zones


class RoleRights(NamedTuple):
    """What a role gives: `grants` {entity: {verb: scope}}, `fields` {entity: {field: limit}}.

    A right or a limit may hold for some records only: those that fit the expression which
    `conditions` {entity: {verb: expression}} or `field_conditions` {entity: {field: expression}}
    has for it.
    """

    code: str
    grants: Mapping[str, Mapping[str, str]]
    fields: Mapping[str, Mapping[str, str]]
    conditions: Mapping[str, Mapping[str, str]]
    field_conditions: Mapping[str, Mapping[str, str]]

    def when(self, verb: str, entity: str) -> str:
        """Return the condition of a right, or of the one it follows; "" where it has none."""
        row = self.grants.get(entity, self.grants.get("*", {}))
        named = verb if row.get(verb) else IMPLIED.get(verb, verb)
        return self.conditions.get(entity, {}).get(named, "")

    def when_limited(self, key: str, entity: str) -> str:
        """Return the condition under which a field is limited, "" where it always is."""
        return self.field_conditions.get(entity, {}).get(key, "")


def of(role: Role, **rights: Any) -> RoleRights:
    """Return what a role gives, or would with these of its columns."""
    kept = {key: getattr(role, key) or {} for key in COLUMNS}
    return RoleRights(role.code, **(kept | rights))


#: Rights that follow another where nothing is said of them by name; "none" takes one away.
IMPLIED = {"lookup": "view", "restore": "delete"}
#: The columns of a role that say what it gives.
COLUMNS = ("grants", "fields", "conditions", "field_conditions")


class Person(NamedTuple):
    """Whose rights are used: the one who acts, or somebody for whom they stand in."""

    id: int
    department_id: int | None


class StandIn(NamedTuple):
    """For whom somebody stands in, from one day to another, both included."""

    person: Person
    from_on: date
    until_on: date


class Grant(NamedTuple):
    """A right, how far it reaches from this person, and which records it holds for.

    `when` is an expression, "" where it holds for all within the scope.
    """

    person: Person
    scope: Scope
    when: str = ""


@dataclass(frozen=True)
class Rights:
    """What roles give to whom, and what several together give, once it was worked out."""

    #: {id: what it gives} of the living roles.
    roles: dict[int, RoleRights]
    #: {user: their roles}.
    users: dict[int, tuple[int, ...]]
    #: {deputy: for whom they stand in}; of those that are over, too.
    stand_ins: dict[int, tuple[StandIn, ...]]
    #: {(user, entity)} to whom records are shared.
    shares: frozenset[tuple[int, str]]
    #: The office's day that it holds for, None where it does for every day.
    today: date | None
    #: The roles whose users need a second factor.
    strict: frozenset[int]
    grants: dict[tuple[Any, ...], tuple[Grant, ...]] = field(default_factory=dict)
    limits: dict[tuple[Any, ...], dict[str, str]] = field(default_factory=dict)
    fixed: dict[tuple[Any, ...], frozenset[str]] = field(default_factory=dict)
    varying: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    concealing: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    #: {(user, verb, entity): the condition of the records within their reach}.
    theirs: dict[tuple[Any, ...], ColumnElement[bool] | None] = field(default_factory=dict)

    def people(self, actor: User) -> tuple[Person, ...]:
        """Return the actor and those for whom they stand in today."""
        me, day = Person(actor.id, actor.department_id), self.today
        if day is None or actor.id not in self.stand_ins:
            return (me,)
        now = [s.person for s in self.stand_ins[actor.id] if s.from_on <= day <= s.until_on]
        return (me, *now)

    def held(self, actor: User) -> list[tuple[Person, RoleRights]]:
        """Return (whose, what it gives) of the living roles whose rights the actor has."""
        return [(p, role) for p in self.people(actor) for role in self.of(p.id)]

    def of(self, user_id: int) -> list[RoleRights]:
        """Return what a user's own living roles give."""
        return [self.roles[id] for id in self.users.get(user_id, ()) if id in self.roles]

    def on(self, day: date) -> "Rights":
        """Return the same rights for another day, with nothing worked out yet."""
        return Rights(self.roles, self.users, self.stand_ins, self.shares, day, self.strict)


def rights_kept() -> Rights:
    """Return what the roles give, read anew when an administrator has changed it.

    What was worked out from it is kept for the day.
    """
    reading = _reading()
    rights = reading[0]
    if rights.today is not None and rights.today != (day := zones.today()):
        rights = reading[0] = rights.on(day)
    return rights


@configuration.kept
def _reading() -> list[Rights]:
    """Return what the roles give; the one item is replaced when the day turns."""
    columns = [getattr(Role, key) for key in COLUMNS]
    statement = select(Role.id, Role.requires_second_factor, Role.code, *columns)
    rows = db.session.execute(statement.where(Role.deleted_at.is_(None))).all()
    roles = {id: RoleRights(code, *(part or {} for part in parts)) for id, _, code, *parts in rows}
    strict = frozenset(row.id for row in rows if row.requires_second_factor)
    users: dict[int, tuple[int, ...]] = {}
    held = select(user_roles.c.user_id, user_roles.c.role_id).order_by(user_roles.c.role_id)
    for user, role in db.session.execute(held):
        users[user] = (*users.get(user, ()), role)
    stand_ins, shares = _stand_ins(), _shares()
    conditional = any(role.conditions or role.field_conditions for role in roles.values())
    today = zones.today() if stand_ins or shares or conditional else None
    return [Rights(roles, users, stand_ins, shares, today, strict)]


def _stand_ins() -> dict[int, tuple[StandIn, ...]]:
    """Return {deputy: for whom}; who may not sign in has no rights that could be used."""
    found: dict[int, tuple[StandIn, ...]] = {}
    statement = (
        select(Deputy.deputy_id, User.id, User.department_id, Deputy.from_on, Deputy.until_on)
        .join(User, User.id == Deputy.person_id)
        .where(Deputy.deleted_at.is_(None), User.is_active, User.deleted_at.is_(None))
        .order_by(Deputy.id)
    )
    for deputy, person, department, from_on, until_on in db.session.execute(statement):
        one = StandIn(Person(person, department), from_on, until_on)
        found[deputy] = (*found.get(deputy, ()), one)
    return found


def _shares() -> frozenset[tuple[int, str]]:
    columns = Share.__table__.c
    statement = select(columns.user_id, columns.entity).distinct()
    return frozenset(map(tuple, ask(statement).all()))
