"""What the parts of an expression are: a kind, how to work it out in memory, and how in SQL."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    FromClause,
    String,
    Table,
    and_,
    literal,
    select,
)

from crm_admin.errors import Label
from crm_admin.i18n import N_
from crm_admin.models import reckoning
from crm_admin.services.expressions.faults import Place


class Kind(Enum):
    """What a part may be compared with: its own kind. The value is what people call one."""

    NUMBER = N_("a number")
    TEXT = N_("a text")
    STATE = N_("a choice")
    DAY = N_("a day")
    TRUTH = N_("yes or no")
    RECORD = N_("a record")

    @property
    def label(self) -> Label:
        """What people call one, ready to be translated."""
        return Label(self.value)


class Asker(NamedTuple):
    """What an expression may know of who asks, with the names that a `User` has for it."""

    id: int | None
    department_id: int | None


class Asked(NamedTuple):
    """For whom, when and over which table a condition is made."""

    table: Table
    asker: Asker
    today: date


#: Works out a value from a record, who asks, and the day: a whole number of the smallest decimal
#: for numbers, a `date`, a text, a truth value, an id; None where there is none.
Value = Callable[[Any, Any, date], Any]
Sql = Callable[[Asked], ColumnElement[Any]]
#: A condition of a column, to be put where the column is.
OfColumn = Callable[[ColumnElement[Any]], ColumnElement[bool]]


@dataclass(frozen=True)
class Leaf:
    """A column as it is kept, of the record itself or of the one that `foreign` points at.

    `raw` gives it the type in which it is compared; `target` is the other record's table.
    """

    key: str
    raw: Callable[[ColumnElement[Any]], ColumnElement[Any]]
    nullable: bool = True
    foreign: str = ""
    target: Table | None = None

    def of(self, table: FromClause) -> ColumnElement[Any]:
        """Return the column of its table, in the type in which it is compared."""
        return self.raw(table.c[self.key])

    def where(self, asked: Asked, made: OfColumn) -> ColumnElement[bool]:
        """Return the condition of the column as one of the record: never NULL."""
        if self.target is None:
            column = self.of(asked.table)
            return and_(column.is_not(None), made(column)) if self.nullable else made(column)
        other, foreign = self.target.alias(), asked.table.c[self.foreign]
        fitting = select(other.c.id).where(made(self.of(other)))
        return and_(foreign.is_not(None), foreign.in_(fitting))

    def sql(self, asked: Asked) -> ColumnElement[Any]:
        """Return the column's value for a record."""
        if self.target is None:
            return self.of(asked.table)
        other = self.target.alias()
        of_record = other.c.id == asked.table.c[self.foreign]
        return select(self.of(other)).where(of_record).correlate(asked.table).scalar_subquery()


@dataclass(frozen=True)
class Term:
    """A part of an expression.

    Numbers have a `scale`, their decimals, and lie between `low` and `high`, in units of it. A
    `counted` day is in SQL the number of days since 0001-01-01. A `fixed` term looks at no record.
    """

    kind: Kind
    place: Place
    value: Value
    sql: Sql
    fixed: bool = False
    #: The column it is, where it is nothing else.
    leaf: Leaf | None = None
    #: The choices of a state, the entity of a record's id.
    of: Any = None
    #: The text or number as it was written, where it is nothing else.
    written: str | None = None
    scale: int = 0
    low: int = 0
    high: int = 0
    counted: bool = False
    moment: bool = False
    #: Whether it is a condition: in SQL it is never NULL.
    condition: bool = False
    #: For the days between two: the column's day, the fixed one, and 1 or -1 for which is later.
    between: "tuple[Term, Term, int] | None" = None
    #: The columns of the record it reads, and what of who asks.
    fields: frozenset[str] = field(default_factory=frozenset)
    uses: frozenset[str] = field(default_factory=frozenset)
    #: The fields of other records it reads: (entity, field).
    steps: frozenset[tuple[Any, str]] = field(default_factory=frozenset)


_TYPES: dict[Kind, Any] = {
    Kind.NUMBER: BigInteger(),
    Kind.RECORD: BigInteger(),
    Kind.TEXT: String(),
    Kind.STATE: String(),
    Kind.DAY: Date(),
    Kind.TRUTH: Boolean(),
}


def bound(kind: Kind, value: Any) -> ColumnElement[Any]:
    """Return a value as one that is sent along with the statement."""
    return literal(value, _TYPES[kind])


def fixed_sql(kind: Kind, value: Value, *, counted: bool = False) -> Sql:
    """Return the SQL of what looks at no record: its value when the condition is made."""

    def sql(asked: Asked) -> ColumnElement[Any]:
        worked_out = value(None, asked.asker, asked.today)
        if counted:
            return literal(worked_out and worked_out.toordinal(), BigInteger())
        return bound(kind, worked_out)

    return sql


def counted(term: Term) -> Sql:
    """Return the SQL of a day as a number."""
    if term.counted:
        return term.sql
    if term.fixed:
        return fixed_sql(Kind.DAY, term.value, counted=True)
    return lambda asked: reckoning.Counted(term.sql(asked))


def joined(*terms: Term) -> dict[str, Any]:
    """Return what a term made of others has from them together."""
    return {
        "fixed": all(term.fixed for term in terms),
        "fields": frozenset().union(*(term.fields for term in terms)),
        "uses": frozenset().union(*(term.uses for term in terms)),
        "steps": frozenset().union(*(term.steps for term in terms)),
        "place": (terms[0].place[0], terms[-1].place[1]),
    }
