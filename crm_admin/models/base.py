"""The base of every table and the traits that tables share."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, ClassVar, cast

from sqlalchemy import ForeignKey, Index, MetaData, String, Table, Text, inspect, text
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedColumn,
    RelationshipDirection,
    declared_attr,
    mapped_column,
)
from sqlalchemy.types import TypeEngine

from crm_admin import clock, i18n
from crm_admin.errors import Problem
from crm_admin.i18n import N_
from crm_admin.models import search_index
from crm_admin.models.types import ENUMERATION, Document, Moment

# Named constraints, so that SQLite's batch migrations can drop and rename them.
_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


#: The condition of an index that leaves out what is in the recycle bin.
ALIVE = text("deleted_at IS NULL")


def field(
    type_: TypeEngine[Any] | type[TypeEngine[Any]] | ForeignKey | None = None,
    *,
    label: str,
    help: str = "",
    picklist: str = "",
    kind: str = "",
    verb: str = "",
    given: bool = False,
    of: tuple[str, ...] = (),
    **column: Any,
) -> MappedColumn[Any]:
    """A column a person sees; its changes are kept in the history.

    Screens, imports, exports, rules and the completeness check all read what is said here, so it is
    said once.

    Args:
        label: what people call it, in English; the catalogues translate it.
        help: one sentence under the field of a form.
        picklist: the code of the picklist whose items' codes it holds.
        kind: what a text holds where that matters to a form: "lines", "email", "phone", "url";
            "entity", "field" or "check" for what names a part of the system itself.
        verb: the right that changing it needs beside "edit", such as "assign".
        given: whether the system fills it in, so that no form or file may.
        of: the columns that such a field follows from; whoever does not see these, sees none of it.
    """
    arguments = () if type_ is None else (type_,)
    info = {
        "label": label,
        "help": help,
        "picklist": picklist,
        "kind": kind,
        "verb": verb,
        "given": given,
        "of": of,
    }
    # The history needs the old value even where it was not loaded yet.
    return mapped_column(*arguments, info=info, active_history=True, **column)


class Model(DeclarativeBase):
    """A table. Its plural name is the key of the entity in URLs, permissions and file names."""

    __abstract__ = True
    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map: ClassVar = {str: String(200), datetime: Moment, StrEnum: ENUMERATION}

    #: The column that names a record to a person.
    title: ClassVar[str] = "name"

    id: Mapped[int] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    def __init__(self, **values: Any) -> None:
        # Now, not at the first write: rules and forms look at a new record's defaults too.
        for key, column in inspect(type(self)).columns.items():
            if key not in values and column.default is not None:
                default = getattr(column.default, "arg", None)
                values[key] = default(None) if callable(default) else default
        for key, value in values.items():
            if not hasattr(type(self), key):
                raise TypeError(f"{type(self).__name__} has no {key}.")
            setattr(self, key, value)

    @classmethod
    @lru_cache(maxsize=10_000)  # addresses name what there is not
    def column_key(cls, key: str) -> str:
        """Return the column a field is kept in: `owner_id` for `owner`, itself for the others."""
        relation = inspect(cls).relationships.get(key)
        if relation is None or relation.direction is not RelationshipDirection.MANYTOONE:
            return key
        return str(inspect(cls).get_property_by_column(*relation.local_columns).key)

    @classmethod
    @lru_cache(maxsize=10_000)
    def form_key(cls, key: str) -> str:
        """Return what a form calls a column: `owner` for `owner_id`, itself for the others."""
        for relation in inspect(cls).relationships:
            if relation.key != key and cls.column_key(relation.key) == key:
                return relation.key
        return key

    @classmethod
    def title_key(cls) -> str:
        """Return the column that names a record to a person, in the present language."""
        return cls.title

    @classmethod
    def name_keys(cls) -> tuple[str, ...]:
        """Return the columns that name a record to people, in one language or another."""
        return (cls.title,)

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with this record, looking at nothing but the record itself."""
        yield from ()

    def __str__(self) -> str:
        return str(getattr(self, self.title_key(), None) or f"#{self.id}")


def unique_alive(*columns: str) -> Index:
    """No two records share these columns, not counting those in the recycle bin."""
    return Index(None, *columns, unique=True, sqlite_where=ALIVE, postgresql_where=ALIVE)


class Customizable:
    """A record with fields an administrator added: `custom` maps a field's key to its value.

    A new dictionary is assigned on every change: one that is altered in place is not saved.
    """

    custom: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)


class Searchable:
    """A record of which there are many: its `search_keys` are kept together in small letters."""

    search_keys: ClassVar[tuple[str, ...]]

    #: Those of the `search_keys` that are names, found by their sound in Chinese as well.
    spoken_keys: ClassVar[tuple[str, ...]] = ()

    search_text: Mapped[str] = mapped_column(Text, default="")


class Checked:
    """A record that rules look at: how much of what they ask for it has, in percent.

    Empty until it was first checked. Source: A2, A3
    """

    completeness: Mapped[int | None] = mapped_column(
        info={"label": N_("Completeness"), "kind": "percent", "given": True}
    )


class Record(Model):
    """A table people see: who wrote it, how often (`version`), and whether it is in the bin."""

    __abstract__ = True

    #: What people call one record and many of them.
    singular: ClassVar[str]
    plural: ClassVar[str]
    #: Columns that say whose a record is; with none, every right reaches every record.
    owners: ClassVar[tuple[str, ...]] = ()
    #: The column of the record it belongs to: who reaches that one, reaches this one too.
    follows: ClassVar[str] = ""
    #: That of its owners which changes hands along with the record it follows; none: it stays.
    goes_along: ClassVar[str] = ""
    #: (field, value) that a record must have to change hands with it; none: all do.
    goes_along_while: ClassVar[tuple[str, Any] | None] = None
    #: Whether records can only be added, never changed nor deleted.
    append_only: ClassVar[bool] = False
    #: The moment by which the newest come first; without one, the last that were added.
    newest: ClassVar[str] = ""
    #: What its numbers begin with ("C" for C-000013), kept in `number`; none: it has no number.
    number_prefix: ClassVar[str] = ""
    #: The columns that a search looks in; none: its list has no search.
    search_keys: ClassVar[tuple[str, ...]] = ()
    #: The field shown beside its title where one is chosen among many.
    detail: ClassVar[str] = ""
    #: Who is invited to a record may see it: (table, its column of records, its column of users).
    invites: ClassVar[tuple[str, str, str] | None] = None
    #: The column that says a record is for its owners and those invited alone, whatever others may.
    private: ClassVar[str] = ""
    #: Whether people's rules, rights and lists depend on it, so that what is kept of it is stale.
    configures: ClassVar[bool] = False

    # Users, without a foreign key: one would tie users, roles and departments into a circle.
    created_by_id: Mapped[int | None]
    updated_at: Mapped[datetime] = mapped_column(default=clock.now)
    updated_by_id: Mapped[int | None]
    deleted_at: Mapped[datetime | None]
    version: Mapped[int]

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__tablename__" in cls.__dict__:
            # Only what is in the bin: an index of the living would lure planners off better ones.
            binned = text("deleted_at IS NOT NULL")
            Index(None, cls.deleted_at, sqlite_where=binned, postgresql_where=binned)
            if issubclass(cls, Searchable):
                search_index.keep(cast(Table, cls.__table__))
            if issubclass(cls, Checked):
                rated = cls.completeness
                Index(None, rated, cls.deleted_at, sqlite_where=ALIVE, postgresql_where=ALIVE)

    def derive(self) -> None:
        """Set the columns that follow from others; done at every save and load."""

    def locked(self) -> str:
        """Return why nobody may change this record as it stands now, or "" where they may."""
        return ""


class Labelled:
    """A record with a name in each language; English stands in for one that is missing."""

    label_en: Mapped[str] = field(label=N_("Name in English"))
    label_zh_hans: Mapped[str | None] = field(label=N_("Name in Simplified Chinese"))
    label_zh_hant: Mapped[str | None] = field(label=N_("Name in Traditional Chinese"))

    @classmethod
    def title_key(cls) -> str:
        """Return the column that names a record in the present language."""
        return label_key(i18n.language())

    @classmethod
    def name_keys(cls) -> tuple[str, ...]:
        """Return the columns that name a record to people, in one language or another."""
        return ("label_en", "label_zh_hans", "label_zh_hant")

    def label(self, language: str) -> str:
        """Return the name in this language."""
        return getattr(self, label_key(language)) or self.label_en

    def __str__(self) -> str:
        return self.label(i18n.language())


def label_key(language: str) -> str:
    """Return the column that holds the name in this language."""
    kept = {"zh_Hans_CN": "label_zh_hans", "zh_Hant_TW": "label_zh_hant"}
    return kept.get(language, "label_en")
