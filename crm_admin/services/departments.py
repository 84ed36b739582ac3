"""The tree of departments: who works below whom."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select

from crm_admin.database import db
from crm_admin.errors import Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.departments import Department
from crm_admin.models.users import User
from crm_admin.services import configuration


@dataclass(frozen=True)
class Tree:
    """The living departments: id -> parent id, and id -> ids of its children."""

    parents: dict[int, int | None]
    children: dict[int, list[int]]

    def below(self, id: int) -> Iterator[int]:
        """Yield the department and all that belong to it, however deep."""
        yield id
        for child in self.children.get(id, ()):
            yield from self.below(child)

    def heads(self, id: int) -> bool:
        """Return whether the department belongs to no other."""
        return self.parents.get(id, id) is None


@configuration.kept
def tree() -> Tree:
    """Return the tree of the living departments."""
    statement = select(Department.id, Department.parent_id).where(Department.deleted_at.is_(None))
    parents: dict[int, int | None] = dict(db.session.execute(statement).all())
    children: dict[int, list[int]] = {}
    for id, parent in parents.items():
        if parent is not None:
            children.setdefault(parent, []).append(id)
    return Tree(parents, children)


@configuration.kept
def people_of() -> dict[int, list[int]]:
    """Return {department: its people}, those who may no longer sign in included."""
    found: dict[int, list[int]] = {}
    statement = select(User.id, User.department_id).where(User.department_id.is_not(None))
    for user, department in db.session.execute(statement):
        found.setdefault(department or 0, []).append(user)
    return found


def people_below(id: int) -> list[int]:
    """Return the people of a department and of all that belong to it."""
    staff = people_of()
    return [user for department in tree().below(id) for user in staff.get(department, ())]


def check_place(department: Department) -> None:
    """Refuse a department that would belong to itself.

    Raises:
        Invalid: following its parents leads back to it.
    """
    parents, id = tree().parents, department.parent_id
    while id is not None:
        if id == department.id:
            message = N_("A department cannot belong to itself or to one below it.")
            raise Invalid([Problem("parent_id", message)])
        id = parents.get(id)
