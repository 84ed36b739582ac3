"""Imported users: the names they sign in by, and the departments they and their superiors make."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count

from sqlalchemy import select

from crm_admin.database import db
from crm_admin.i18n import N_
from crm_admin.models.departments import Department
from crm_admin.models.users import User
from crm_admin.services import pinyin, records
from crm_admin.services.import_mapping import Departments
from crm_admin.services.import_matching import Index, Unmatched
from crm_admin.services.import_values import NOTHING, Unclear

#: Letters that have no plain one inside them.
_LETTERS = str.maketrans(
    {"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)
_DEEPEST = 50


def ascii_of(text: str, joint: str) -> str:
    """Return a name in plain small letters and digits; "" where it has none, as in Chinese."""
    parted = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    kept = "".join(c for c in parted if not unicodedata.combining(c))
    return joint.join(re.findall("[a-z0-9]+", kept))


def free(base: str, is_taken: Callable[[str], bool], joint: str = "") -> str:
    """Return the name, with a number after it where somebody has it."""
    numbered = (f"{base}{joint}{number}" for number in count(2))
    return next(name for name in chain([base], numbered) if not is_taken(name))


def username_for(name: str, email: str) -> str:
    """Return a free user name made of the person's name, else of the mail address, else "user".

    The same people in the same order get the same names.
    """
    surname, *given = pinyin.spelled(name) or [""]
    spoken = ".".join(filter(None, (surname, "".join(given))))
    base = ascii_of(name, ".") or spoken or ascii_of(email.partition("@")[0], ".") or "user"
    return free(base[:100], _is_username)


def _is_username(name: str) -> bool:
    taken = select(User.id).where(User.username == name, User.deleted_at.is_(None))
    return db.session.scalar(taken) is not None


@dataclass
class Places:
    """Finds the department of each person of a file, and makes those that are to be made."""

    rules: Departments
    asides: Mapping[str, int]  #: where the columns are that the rules name
    index: Index
    actor: User
    people: dict[str, tuple[str, str]] = field(default_factory=dict)  #: key -> name, boss's key
    heads: set[str] = field(default_factory=set)
    made: dict[tuple[str, int | None], int] = field(default_factory=dict)

    def read(self, rows: Iterable[Sequence[str]], name_of: Callable[[Sequence[str]], str]) -> None:
        """Learn who reports to whom."""
        for cells in rows:
            boss = self._cell(cells, self.rules.boss)
            self.people[self._cell(cells, self.rules.key)] = (name_of(cells), boss)
            self.heads.add(boss)

    def _cell(self, cells: Sequence[str], column: str) -> str:
        text = cells[self.asides[column]] if column else ""
        return "" if text in NOTHING else text

    def role(self, cells: Sequence[str]) -> str:
        """Return the code of the role that a new person has, or ""."""
        if self.rules.head_role and self._cell(cells, self.rules.key) in self.heads:
            return self.rules.head_role
        return self.rules.role

    def of(self, cells: Sequence[str], text: str) -> int | None:
        """Return the department of a person, or None where the file says nothing of it.

        Raises:
            Unmatched: it is not there and may not be made. Unclear: who reports to whom is.
        """
        if self.rules.boss:
            return self._of_boss(self._cell(cells, self.rules.key))
        names = [name for column in self.rules.path if (name := self._cell(cells, column))]
        if not names:
            return self._found(text) if text else None
        place = self._parent()
        for name in names:
            place = self._below(name, place)
        return place

    def _found(self, text: str) -> int:
        """Return the department with this code or name, made where that is wanted."""
        self.index.load([text])
        if self.index.by_number(text) is None and self.index.by_name(text) is None:
            return self._below(text, self._parent())
        return self.index.the(text)

    def _parent(self) -> int | None:
        return self.index.the(self.rules.parent) if self.rules.parent else None

    def _of_boss(self, key: str) -> int | None:
        """Return the department that a person heads, else the one their superior heads."""
        if key in self.heads:
            return self._headed(key, 0)
        boss = self.people[key][1]
        if boss:
            return self._headed(boss, 0)
        return self.index.the(self.rules.top) if self.rules.top else None

    def _headed(self, key: str, depth: int) -> int:
        """Return the department a person heads: below the one of their own superior."""
        if key not in self.people:
            raise Unclear(N_("“%(value)s” is no person of this file."), value=key)
        if depth > _DEEPEST:
            raise Unclear(N_("“%(value)s” reports to themselves in the end."), value=key)
        name, boss = self.people[key]
        if not boss:
            return self.index.the(self.rules.top) if self.rules.top else self._below(name, None)
        return self._below(name, self._headed(boss, depth + 1))

    def _below(self, name: str, parent: int | None) -> int:
        """Return the department of this name below another, made where that is wanted."""
        if (name, parent) not in self.made:
            living = records.alive(Department).where(
                Department.name == name, Department.parent_id == parent
            )
            found = db.session.scalars(living.limit(1)).first()
            self.made[name, parent] = found.id if found else self._make(name, parent)
        return self.made[name, parent]

    def _make(self, name: str, parent: int | None) -> int:
        if not self.rules.create:
            raise Unmatched(
                N_("There is no department “%(value)s”; --create-departments makes it."), value=name
            )
        code = free(ascii_of(name, "-")[:50] or "department", self._is_code, "-")
        place = Department()
        records.change(place, {"code": code, "name": name, "parent_id": parent}, self.actor)
        self.index.note(place)
        return place.id

    def _is_code(self, code: str) -> bool:
        taken = records.alive(Department).where(Department.code == code)
        return db.session.scalar(taken) is not None

    def forget(self) -> None:
        """Look at the departments again: what was made for a bad row is gone with it."""
        self.made.clear()
        self.index.forget()
