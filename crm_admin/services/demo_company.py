"""The demo company: its offices, their sections, and the people who work there."""

from collections import defaultdict
from dataclasses import dataclass, field

from sqlalchemy import select

from crm_admin import clock
from crm_admin.database import db
from crm_admin.models.departments import Department
from crm_admin.models.users import User
from crm_admin.services import organisation, passwords, records
from crm_admin.services.demo_words import Words

SALES, SUPERVISOR, BACK_OFFICE = "sales", "supervisor", "back_office"


@dataclass
class Staff:
    """Who works where, by id: of each office those who sell, the technicians and the head."""

    sellers: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    technicians: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    heads: dict[str, int] = field(default_factory=dict)
    #: Whom each person's expenses go to; the general manager's go to nobody.
    superiors: dict[int, int] = field(default_factory=dict)
    general_manager: int = 0
    cashier: int = 0
    #: The user name of one who sells, for those who want to look around.
    example: str = ""

    def everyone_at(self, office: str) -> list[int]:
        """Return all who deal with an office's customers."""
        return [*self.sellers[office], *self.technicians[office], self.heads[office]]


def settle(words: Words, password: str, actor: User) -> Staff:
    """Make the departments and the people that are not there yet; return who works where.

    All share one password, which those who were there before keep not.
    """
    content = words.company
    places = _departments(words, actor)
    kept: str | None = None
    people: list[tuple[User, str, str]] = []
    for username, name, place, role, title in content["people"]:
        user = organisation.by_username(username)
        if user is None:
            user = User(username=username, name=name, job_title=title)
            user.email = f"{username}@company.example"
            user.department_id = places[place].id
            user.roles = [found for found in (organisation.role(role),) if found]
            user.password_hash, user.password_changed_at = kept, clock.now()
            records.save(user, actor)
        if kept is None:
            passwords.set_password(user, password, actor)
            user.must_change_password, kept = False, user.password_hash
        user.password_hash = kept
        people.append((user, place, role))
    return _staff(people)


def _departments(words: Words, actor: User) -> dict[str, Department]:
    """Return the departments by code; those that are missing are made."""
    known = db.session.scalars(select(Department).where(Department.deleted_at.is_(None)))
    found = {department.code: department for department in known}
    head = found.get("HQ") or Department(code="HQ", name="Headquarters", kind="headquarters")
    if head.name == "Headquarters":
        head.name = words.company["headquarters"]
        records.save(head, actor)
    found["HQ"] = head
    for code, name, kind, parent in words.company["departments"]:
        if code not in found:
            place = Department(code=code, name=name, kind=kind, parent_id=found[parent].id)
            place.time_zone = words.company["time_zones"].get(code)
            records.save(place, actor)
            found[code] = place
    return found


def _staff(people: list[tuple[User, str, str]]) -> Staff:
    staff = Staff()
    section_heads: dict[str, int] = {}
    for user, place, role in people:
        office = place.partition("-")[0]
        if role == SUPERVISOR and place == "HQ":
            staff.general_manager = user.id
        elif role == SUPERVISOR and place == office:
            staff.heads[office] = user.id
        elif role == SUPERVISOR:
            section_heads[place] = user.id
        elif role == SALES:
            (staff.technicians if place.endswith("-T") else staff.sellers)[office].append(user.id)
            staff.example = staff.example or user.username
        elif role == BACK_OFFICE:
            staff.cashier = user.id
    for user, place, _ in people:
        head = staff.heads.get(place.partition("-")[0], staff.general_manager)
        superior = section_heads.get(place, head)
        if superior == user.id:
            superior = head if head != user.id else staff.general_manager
        if superior != user.id:
            staff.superiors[user.id] = superior
    return staff
