"""The rows of a file as the values of fields, each bad one with its column and the reason."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import inspect

from crm_admin.errors import CrmError
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.roles import Role
from crm_admin.models.types import Money
from crm_admin.models.users import User
from crm_admin.services import access, import_fields, import_values, picklists
from crm_admin.services.changes import CUSTOM
from crm_admin.services.import_fields import CONTACT, NUMBER
from crm_admin.services.import_mapping import Mapping, Plan, Refused
from crm_admin.services.import_matching import KEYS, Index, Unmatched
from crm_admin.services.import_people import Places
from crm_admin.services.import_values import Unclear

#: A file whose rows must all be known before the first is taken in may have so many.
MOST_AT_ONCE = 100_000

Cells = tuple[int, Sequence[str]]


@dataclass(frozen=True)
class Reason:
    """What is wrong with a row: the column, or "" for the whole row, and why."""

    column: str
    error: CrmError


class BadRow(Exception):
    """A row that is not taken in, with every reason found."""

    def __init__(self, *reasons: Reason, waits: bool = False) -> None:
        super().__init__(*reasons)
        self.reasons = reasons
        self.waits = waits  #: whether a later row of the file may make it right


@dataclass
class Row:
    """One row: the texts of its fields, and what they mean."""

    line: int
    cells: Sequence[str]
    texts: dict[str, str]
    values: dict[str, Any] = field(default_factory=dict)
    contact: dict[str, Any] = field(default_factory=dict)

    @property
    def numbers(self) -> list[str]:
        """The numbers by which it names its record, the system's own first."""
        keys = (NUMBER, "external_number", "username")
        return [text for key in keys if (text := self.texts.get(key))]


class Reader:
    """Turns the cells of a file's rows into values of an entity's fields."""

    def __init__(
        self, model: type[Record], plan: Plan, mapping: Mapping, actor: User, places: Places | None
    ) -> None:
        self.model, self.plan, self.mapping, self.places = model, plan, mapping, places
        self.keys = KEYS[model.__tablename__]
        self.index = Index(model, actor)
        self.roles = Index(Role, actor, "lookup")
        used = [*plan.sources, *plan.constants, *plan.defaults]
        self.relations = import_fields.relations(model, iter(used))
        targets = {target for target in self.relations.values() if target is not model}
        self.others = {target: Index(target, actor, "lookup") for target in targets}
        self._choices: dict[tuple[str, str], str] = {}

    def index_of(self, target: type[Record]) -> Index:
        """Return what finds the records of an entity."""
        return self.index if target is self.model else self.others[target]

    def row(self, line: int, cells: Sequence[str]) -> Row:
        """Return the row's texts, those of its fields that say nothing left out."""
        texts = {f: text for f, source in self.plan.sources.items() if (text := source.text(cells))}
        return Row(line, cells, texts | self.plan.constants)

    def load(self, rows: Iterable[Row]) -> None:
        """Read the records that the rows may mean, with a few queries for all."""
        asked: dict[type[Record], set[str]] = {self.model: set()}
        for row in rows:
            asked[self.model] |= {*row.numbers, row.texts.get(self.keys.name, "")}
            for key, target in self.relations.items():
                asked.setdefault(target, set()).add(row.texts.get(key, ""))
        for target, texts in asked.items():
            self.index_of(target).load(texts)

    def forget(self) -> None:
        """Let go of the records that were read."""
        for index in (self.index, self.roles, *self.others.values()):
            index.forget()

    def understand(self, row: Row) -> None:
        """Put the values that the row's texts mean into it.

        Raises:
            BadRow: a text means nothing in its column.
        """
        reasons: list[Reason] = []
        waits = False
        for field_key, text in row.texts.items():
            try:
                self._put(row, field_key, self.value(row, field_key, text))
            except (Unclear, Unmatched) as error:
                reasons.append(Reason(self.column(field_key), error))
                waits = self.relations.get(field_key) is self.model and len(reasons) == 1
        if self.places and "department_id" not in row.values:
            try:
                if place := self.places.of(row.cells, ""):
                    row.values["department_id"] = place
            except (Unclear, Unmatched) as error:
                rules = self.mapping.departments
                reasons.append(Reason(rules.boss or ", ".join(rules.path), error))
        if reasons:
            raise BadRow(*reasons, waits=waits and len(reasons) == 1)

    def defaults(self, row: Row) -> dict[str, Any]:
        """Return what a new record has beside what its row says."""
        found = Row(row.line, row.cells, dict(self.plan.defaults))
        for key, text in self.plan.defaults.items():
            self._put(found, key, self.value(found, key, text))
        return found.values

    def _put(self, row: Row, key: str, value: Any) -> None:
        if key.startswith(CONTACT):
            row.contact[key.removeprefix(CONTACT)] = value
        elif key != NUMBER:
            row.values[key] = value

    def value(self, row: Row, field_key: str, text: str) -> Any:
        """Return what a text means in a field.

        Raises:
            Unclear: nothing. Unmatched: no record, or several.
        """
        part, key = import_fields.owner_of(self.model, field_key)
        if key == "roles":
            return self._roles(text)
        if key == "department_id" and self.places:
            return self.places.of(row.cells, text)
        if target := self.relations.get(field_key):
            return self.index_of(target).the(text)
        if key.startswith(CUSTOM):
            return text
        return self._plain(part, key, text)

    def _plain(self, part: type[Record], key: str, text: str) -> Any:
        """Return what a text means in a column that points at nothing."""
        column = inspect(part).columns[key]
        if picklist := column.info.get("picklist"):
            return self._choice(picklist, text)
        if kind := getattr(column.type, "enum_class", None):
            return import_values.state_of(kind, text)
        if isinstance(column.type, Money):
            return import_values.amount_of(text)
        kind = column.type.python_type
        if issubclass(kind, date | datetime):
            return import_values.day_of(text, self.mapping.date_format)
        readers: dict[type, Any] = {bool: import_values.yes_or_no, int: import_values.whole_of}
        return readers.get(kind, str)(text)

    def _choice(self, picklist: str, text: str) -> str:
        """Return the code of the choice a text means; a text that means none stays as it is."""
        if (picklist, text) not in self._choices:
            self._choices[picklist, text] = picklists.code_of(picklist, text) or text
        return self._choices[picklist, text]

    def _roles(self, text: str) -> list[Role]:
        words = text.replace("；", ";").replace("，", ";").replace("、", ";").replace(",", ";")
        ids = {self.roles.the(word.strip()) for word in words.split(";") if word.strip()}
        offered = access.visible(Role, self.roles.actor, "lookup").where(Role.id.in_(ids))
        return [*access.fetch(offered.order_by(Role.id))]

    def column(self, field_key: str) -> str:
        """Return the column of the file that a field is read from, else the field's label."""
        for key in (field_key, f"{field_key}_id", field_key.removesuffix("_id")):
            if source := self.plan.sources.get(key):
                return source.name
        return import_fields.label_of(self.model, field_key)


def without_blanks(
    rows: Iterable[Cells], plan: Plan, mapping: Mapping, skipped: list[int]
) -> Iterator[Cells]:
    """Yield the rows that have something in each column that the mapping wants filled.

    Args:
        skipped: gets the lines of the others.
    """
    places = [plan.asides[name] for name in mapping.skip_blank]
    for line, cells in rows:
        if all(cells[place] not in import_values.NOTHING for place in places):
            yield line, cells
        else:
            skipped.append(line)


def latest(
    rows: Iterable[Cells],
    reader: Reader,
    skipped: list[int],
    refuse: Callable[[int, Reason], None],
) -> list[Cells]:
    """Return the latest row of each record, in the file's order; of one moment's rows the last.

    Args:
        skipped: gets the lines of the others.
        refuse: is told of rows whose day cannot be read.
    """
    column, format = reader.mapping.latest_by, reader.mapping.date_format
    place = reader.plan.asides[column]
    best: dict[str, tuple[datetime, int, Sequence[str]]] = {}
    for line, cells in rows:
        row = reader.row(line, cells)
        key = " ".join(row.numbers) or row.texts.get(reader.keys.name, "")
        try:
            moment = import_values.moment_of(cells[place], format)
        except Unclear as error:
            refuse(line, Reason(column, error))
            continue
        before = best.get(key)
        if before is not None:
            skipped.append(before[1] if moment >= before[0] else line)
        if before is None or moment >= before[0]:
            best[key] = (moment, line, cells)
        if len(best) > MOST_AT_ONCE:
            raise Refused(N_("The file names more than %(most)s records."), most=MOST_AT_ONCE)
    return sorted(((line, cells) for _, line, cells in best.values()), key=lambda row: row[0])
