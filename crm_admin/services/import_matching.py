"""Which record a file means: by a number it has, else by a name that fits exactly one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import or_, select

from crm_admin.database import db
from crm_admin.errors import CrmError, Label
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.departments import Department
from crm_admin.models.roles import Role
from crm_admin.models.users import User
from crm_admin.services import access

#: How many texts one query asks for; SQLite takes some 30,000 values, PostgreSQL 65,535.
_AT_ONCE = 400
#: How many of several fitting records a message names.
_NAMED = 5


class Unmatched(CrmError):
    """A text means no record, or several."""


@dataclass(frozen=True)
class Keys:
    """The columns by which files name an entity's records."""

    numbers: tuple[str, ...]  #: each means one record; the first is the one shown
    name: str
    own: str = ""  #: where the number that a new record has in the file is kept
    within: str = ""  #: names are compared among the records of one parent


KEYS: dict[str, Keys] = {
    "customers": Keys(("number", "external_number"), "name", own="external_number"),
    "contracts": Keys(
        ("number", "external_number"), "title_text", own="external_number", within="customer_id"
    ),
    "contacts": Keys((), "name", within="customer_id"),
    "users": Keys(("username",), "name", own="username"),
    "departments": Keys(("code",), "name", own="code"),
    "roles": Keys(("code",), "label_en"),
}
#: So few that all are read at once, and small and capital letters do not matter.
_FEW = (User, Department, Role)


@dataclass(frozen=True)
class Known:
    """A record as far as it is matched by."""

    id: int
    values: Mapping[str, Any]

    def shown(self, keys: Keys) -> str:
        """Return what a message calls it."""
        return str(self.values[keys.numbers[0]] if keys.numbers else f"#{self.id}")


@dataclass
class Index:
    """The records that texts of a file may mean, as far as the actor may see them."""

    model: type[Record]
    actor: User
    verb: str = "view"
    found: dict[tuple[str, str], dict[int, Known]] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    out_of_reach: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.keys = KEYS[self.model.__tablename__]
        self.few = self.model in _FEW

    def load(self, texts: Iterable[str]) -> None:
        """Read the records that these texts may mean, unless that was done."""
        if self.few:
            if not self.asked:
                self.asked.add("")
                self._read([])
            return
        missing = sorted({text for text in texts if text and "\0" not in text} - self.asked)
        self.asked |= set(missing)
        rest = iter(missing)
        while some := list(islice(rest, _AT_ONCE)):
            self._read(some)

    def _read(self, texts: list[str]) -> None:
        table = access.table_of(self.model)
        columns = self._columns()
        statement = select(table.c.id, *(table.c[key] for key in columns))
        seen = statement.where(*access.rows(self.model, self.actor, self.verb))
        if self.model is User:
            seen = seen.where(User.is_system.is_(False))
        if texts:
            asked = (*self.keys.numbers, self.keys.name)
            seen = seen.where(or_(*(table.c[key].in_(texts) for key in asked)))
        for id, *values in db.session.execute(seen):
            self.add(id, dict(zip(columns, values, strict=True)))
        if texts and self.keys.numbers and not self.actor.is_system:
            self._note_out_of_reach(texts)

    def _note_out_of_reach(self, texts: list[str]) -> None:
        """Remember which numbers belong to living records that the actor does not see."""
        table = access.table_of(self.model)
        for key in self.keys.numbers:
            taken = select(table.c.id, table.c[key]).where(
                table.c[key].in_(texts), table.c.deleted_at.is_(None)
            )
            for id, text in db.session.execute(taken):
                if id not in self.found.get((key, self.fold(text)), {}):
                    self.out_of_reach.add(text)

    def _columns(self) -> list[str]:
        within = [self.keys.within] if self.keys.within else []
        return [*self.keys.numbers, self.keys.name, *within]

    def fold(self, text: str) -> str:
        """Return the text as it is compared."""
        return text.casefold() if self.few else text

    def add(self, id: int, values: Mapping[str, Any]) -> None:
        """Remember a record, such as one just made."""
        known = Known(id, {key: values.get(key) for key in self._columns()})
        for key in (*self.keys.numbers, self.keys.name):
            if text := known.values[key]:
                self.found.setdefault((key, self.fold(text)), {})[id] = known

    def note(self, record: Record) -> None:
        """Remember a record as it now is."""
        self.add(record.id, {key: getattr(record, key) for key in self._columns()})

    def forget(self) -> None:
        """Let go of all that was read."""
        self.found.clear()
        self.asked.clear()
        self.out_of_reach.clear()

    def by(self, key: str, text: str) -> dict[int, Known]:
        """Return the records that have this text in this column."""
        return self.found.get((key, self.fold(text)), {})

    def by_number(self, text: str) -> int | None:
        """Return the one record that a number means, or None.

        Raises:
            Unmatched: it means several, or one that the actor may not see.
        """
        fitting: dict[int, Known] = {}
        for key in self.keys.numbers:
            fitting |= self.by(key, text)
        if not fitting and text in self.out_of_reach:
            raise Unmatched(
                N_("“%(value)s” is the number of a record that you may not see."), value=text
            )
        return self.one_of(fitting)

    def by_name(self, text: str, *, own: str = "", within: int | None = None) -> int | None:
        """Return the one record that a name fits, or None.

        Args:
            own: the number that the row has; a record that has another one is another record.
            within: the parent among whose records the name is looked for, where it is known.

        Raises:
            Unmatched: it fits several.
        """
        fitting = {
            id: known
            for id, known in self.by(self.keys.name, text).items()
            if not (own and self.keys.own and known.values.get(self.keys.own))
            and not (within and known.values.get(self.keys.within) != within)
        }
        return self.one_of(fitting)

    def one_of(self, fitting: Mapping[int, Known]) -> int | None:
        """Return the only one, or None where there is none.

        Raises:
            Unmatched: there are several.
        """
        if len(fitting) < 2:
            return next(iter(fitting), None)
        names = sorted(known.shown(self.keys) for known in fitting.values())
        shown = ", ".join(names[:_NAMED]) + (" ..." if len(names) > _NAMED else "")
        raise Unmatched(
            N_("fits %(count)s %(entity)s: %(names)s"),
            count=len(names),
            entity=Label(self.model.plural.lower()),
            names=shown,
        )

    def the(self, text: str) -> int:
        """Return the record that a text means by number or by exact name.

        Raises:
            Unmatched: it means none, or several.
        """
        self.load([text])
        found = self.by_number(text)
        if found is None:
            found = self.by_name(text)
        if found is None:
            raise Unmatched(
                N_("There is no %(entity)s “%(value)s”."),
                entity=Label(self.model.singular.lower()),
                value=text,
            )
        return found
