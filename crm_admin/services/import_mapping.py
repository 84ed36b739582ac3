"""Mapping files: which column of a file becomes which field, and how its rows are to be read."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from dataclasses import field as values
from pathlib import Path
from typing import Any

from crm_admin.errors import CrmError
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.users import User
from crm_admin.services import access, import_fields
from crm_admin.services.import_fields import CONTACT, Aliases, short
from crm_admin.services.import_values import NOTHING

_OPTIONS = {"only_mapped", "date_format", "update_only", "latest_by", "skip_blank"}
_TABLES = {"columns", "join", "split", "constants", "defaults", "values", "departments"}
_DEPARTMENTS = {"create", "parent", "path", "from", "key", "top", "role", "head_role"}


class WrongMapping(CrmError):
    """A mapping file says something that has no meaning."""


class Refused(CrmError):
    """A file cannot be taken in as a whole; the message says what is missing."""


@dataclass(frozen=True)
class Departments:
    """How users come to their departments: by a column, a path of several, or their superior."""

    create: bool = False  #: whether a department that is not there is made
    parent: str = ""  #: under which department those made are put
    path: tuple[str, ...] = ()  #: columns from the widest to the narrowest
    boss: str = ""  #: the column that names whom a person reports to
    key: str = ""  #: the column by whose values `boss` names people
    top: str = ""  #: where those sit who report to nobody
    role: str = ""  #: the role of a new person
    head_role: str = ""  #: the role of a new person to whom others report


@dataclass(frozen=True)
class Mapping:
    """What a mapping file says; without one, all of it is empty."""

    columns: dict[str, str] = values(default_factory=dict)
    join: dict[str, list[str]] = values(default_factory=dict)
    split: dict[str, dict[str, Any]] = values(default_factory=dict)
    constants: dict[str, str] = values(default_factory=dict)
    defaults: dict[str, str] = values(default_factory=dict)
    replaced: dict[str, dict[str, str]] = values(default_factory=dict)  #: [values] of the file
    departments: Departments = Departments()
    only_mapped: bool = False  #: whether columns that it does not name are left alone
    date_format: str = ""
    update_only: bool = False
    latest_by: str = ""  #: of the rows of one record only the one latest by this column counts
    skip_blank: tuple[str, ...] = ()  #: rows where one of these columns is empty are passed over


@dataclass(frozen=True)
class Source:
    """Where a field's text comes from: columns joined by a space, or a part of one."""

    columns: tuple[int, ...]
    name: str
    split_by: str = ""
    part: int = 0
    replaced: dict[str, str] = values(default_factory=dict)

    def text(self, cells: Sequence[str]) -> str:
        """Return what a row says, or "" where it says nothing."""
        if self.split_by:
            parts = cells[self.columns[0]].split(self.split_by)
            found = parts[self.part].strip() if self.part < len(parts) else ""
        else:
            found = " ".join(t for i in self.columns if (t := cells[i]) not in NOTHING)
        found = self.replaced.get(found, found)
        return "" if found in NOTHING else found


@dataclass(frozen=True)
class Plan:
    """What each field is read from, and which columns are left."""

    sources: dict[str, Source]
    constants: dict[str, str]
    defaults: dict[str, str]
    asides: dict[str, int]  #: where the columns are that the mapping names beside the fields
    ignored: list[str]


def read(file: Path) -> Mapping:
    """Return what a mapping file says.

    Raises:
        WrongMapping: it is no TOML, or says something unknown.
    """
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongMapping(N_("The mapping file is not TOML: %(error)s"), error=error) from error
    _check_words(said.keys(), _OPTIONS | _TABLES)
    for name in _TABLES & said.keys():
        if not isinstance(said[name], dict):
            raise WrongMapping(N_("%(name)s is to be a table."), name=f"[{name}]")
    place = dict(said.pop("departments", {}))
    _check_words(place.keys(), _DEPARTMENTS)
    if "from" in place:
        place["boss"] = place.pop("from")
    if place.get("boss") and not place.get("key"):
        raise WrongMapping(N_("%(name)s is missing."), name="[departments] key")
    place["path"] = tuple(place.get("path", ()))
    said["replaced"] = said.pop("values", {})
    skip = said.pop("skip_blank", ())
    skip = (skip,) if isinstance(skip, str) else tuple(skip)
    for name in ("constants", "defaults"):
        said[name] = {key: str(value) for key, value in said.get(name, {}).items()}
    return Mapping(**said, skip_blank=skip, departments=Departments(**place))


def with_departments(mapping: Mapping) -> Mapping:
    """Return the mapping, now making the departments that are not there."""
    return replace(mapping, departments=replace(mapping.departments, create=True))


def _check_words(said: Any, known: set[str]) -> None:
    if unknown := sorted(set(said) - known):
        raise WrongMapping(
            N_("The mapping file says %(unknown)s; it may say: %(known)s."),
            unknown=", ".join(unknown),
            known=", ".join(sorted(known)),
        )


class _Planner:
    """Finds a source for as many fields as a file has columns for."""

    def __init__(
        self, model: type[Record], columns: Sequence[str], mapping: Mapping, aliases: Aliases
    ) -> None:
        self.model, self.columns, self.mapping, self.aliases = model, columns, mapping, aliases
        self.places = {short(name): i for i, name in reversed([*enumerate(columns)])}
        self.sources: dict[str, Source] = {}
        self.used: set[int] = set()

    def column(self, name: str) -> int:
        """Return where a column is that the mapping file names.

        Raises:
            Refused: the file has no such column.
        """
        if name in self.columns:
            return self.columns.index(name)
        if short(name) not in self.places:
            raise Refused(N_("The file has no column “%(name)s”."), name=name)
        return self.places[short(name)]

    def field(self, name: str) -> str:
        """Return the field that the mapping file names.

        Raises:
            WrongMapping: there is none.
        """
        if found := import_fields.named(self.model, name, self.aliases):
            return found
        raise WrongMapping(
            N_("There is no field “%(name)s”; there are: %(known)s."),
            name=name,
            known=", ".join(import_fields.fields(self.model)),
        )

    def add(self, field: str, *columns: int, **more: Any) -> None:
        """Note what a field is read from.

        Raises:
            Refused: it is read from something else already.
        """
        name = " + ".join(self.columns[i] for i in columns)
        if other := self.sources.get(field):
            raise Refused(
                N_("“%(one)s” and “%(other)s” both give %(field)s; name one in a mapping file."),
                one=other.name,
                other=name,
                field=field,
            )
        replaced = self.mapping.replaced.get(self.columns[columns[0]], {})
        self.sources[field] = Source(columns, name, replaced=replaced, **more)
        self.used |= set(columns)

    def from_mapping(self) -> None:
        for name, field in self.mapping.columns.items():
            place = self.column(name)
            self.used.add(place)
            if field:
                self.add(self.field(field), place)
        for field, names in self.mapping.join.items():
            self.add(self.field(field), *(self.column(name) for name in names))
        for name, how in self.mapping.split.items():
            _check_words(how.keys(), {"by", "into"})
            for part, field in enumerate(how.get("into", ())):
                if field:
                    by = how.get("by") or " "
                    self.add(self.field(field), self.column(name), split_by=by, part=part)

    def by_names(self) -> None:
        """Take the columns left whose names say what they hold, the surest names first."""
        fixed = {self.field(name) for name in self.mapping.constants}
        for tier in import_fields.tiers(self.model, self.aliases):
            sure = set(self.sources) | fixed
            for place, name in enumerate(self.columns):
                field = tier.get(short(name)) if name else None
                if field and field not in sure and place not in self.used:
                    self.add(field, place)
        named = [*self.mapping.columns.values(), *self.mapping.constants]
        if CONTACT + "name" not in self.sources and not any(CONTACT in name for name in named):
            for field in [field for field in self.sources if field.startswith(CONTACT)]:
                del self.sources[field]  # a person without a name cannot be kept


def plan(
    model: type[Record], columns: Sequence[str], mapping: Mapping, aliases: Aliases, actor: User
) -> Plan:
    """Return what each field is read from.

    Raises:
        Refused: a column is missing or two give one field. WrongMapping: a field does not exist.
    """
    planner = _Planner(model, columns, mapping, aliases)
    planner.from_mapping()
    if not mapping.only_mapped:
        planner.by_names()
    place = mapping.departments
    asides = [*place.path, place.boss, place.key, mapping.latest_by, *mapping.skip_blank]
    aside = {name: planner.column(name) for name in asides if name}
    constants, defaults = (
        {planner.field(name): text for name, text in said.items()}
        for said in (mapping.constants, mapping.defaults)
    )
    sources = {
        field: source
        for field, source in planner.sources.items()
        if access.readable(actor, *import_fields.owner_of(model, field))
    }
    kept = {i for source in sources.values() for i in source.columns} | set(aside.values())
    kept |= {planner.column(name) for name, field in mapping.columns.items() if not field}
    left = [name for i, name in enumerate(columns) if name and i not in kept]
    if not sources:
        raise Refused(
            N_("No column of the file is known: %(names)s."), names=", ".join(filter(None, columns))
        )
    return Plan(sources, constants, defaults, aside, [] if mapping.only_mapped else left)
