"""What conditions reckon with in the database, the same on SQLite as on PostgreSQL.

Each is written for PostgreSQL in its own terms; on SQLite it calls a function that every connection
is given, since SQLite goes over to inexact numbers where whole ones end, and knows no time zones.
"""

import sqlite3
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Date, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

#: No number that is reckoned with is as large as this, its decimals counted; larger ones are empty.
LIMIT = 2**63 - 1
#: The number of the day before 0001-01-01 in SQLite's own count, which begins at noon.
_BEFORE_DAY_ONE = "1721424.5"


def within(number: Any, low: int, high: int) -> int | None:
    """Return the number where it lies between the two, neither included, else None."""
    return number if number is not None and low < number < high else None


def rounded(number: int | None, unit: int) -> int | None:
    """Return how many units the number is, halves away from zero."""
    if number is None:
        return None
    whole = (2 * abs(number) + unit) // (2 * unit)
    return whole if number >= 0 else -whole


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """Return the day it is in the zone at the moment; at the ends of time, the nearest there is."""
    try:
        return moment.astimezone(zone).date()
    except OverflowError:
        return moment.date()


def _day(moment: str | None, zone: str) -> str | None:
    """Return the day of a moment as SQLite keeps it: in UTC, without saying so."""
    if moment is None:
        return None
    return day_of(datetime.fromisoformat(moment).replace(tzinfo=UTC), ZoneInfo(zone)).isoformat()


def start_of(day: int, zone: ZoneInfo) -> datetime:
    """Return the moment at which a day begins in the zone; days are counted from 0001-01-01.

    At the ends of time, which no record reaches, it is the first or the last moment there is.
    """
    if day < 3:
        return datetime.min.replace(tzinfo=UTC)
    if day > date.max.toordinal() - 2:
        return datetime.max.replace(tzinfo=UTC)
    midnight = datetime.min.replace(tzinfo=zone) + timedelta(days=day - 1)
    return midnight.astimezone(UTC)


def teach(connection: sqlite3.Connection) -> None:
    """Give a connection the functions that conditions call."""
    connection.create_function("crm_within", 3, within, deterministic=True)
    connection.create_function("crm_rounded", 2, rounded, deterministic=True)
    connection.create_function("crm_day", 2, _day, deterministic=True)


class Within(FunctionElement[int]):
    """A number, empty unless it lies between two literal ones, neither included."""

    name = "crm_within"
    type = BigInteger()
    inherit_cache = True


class Rounded(FunctionElement[int]):
    """How many units (a literal power of ten) a number is, halves away from zero."""

    name = "crm_rounded"
    type = BigInteger()
    inherit_cache = True


class Wide(FunctionElement[int]):
    """A number in a type that holds every result of one step of reckoning, to be cut to size."""

    name = "crm_wide"
    type = BigInteger()
    inherit_cache = True


class DayIn(FunctionElement[date]):
    """The day of a moment in a time zone."""

    name = "crm_day"
    type = Date()
    inherit_cache = True


class Counted(FunctionElement[int]):
    """A day as a number, counted from 0001-01-01 as 1."""

    name = "crm_counted"
    type = BigInteger()
    inherit_cache = True


class Year(FunctionElement[int]):
    """The year of a counted day."""

    name = "crm_year"
    type = BigInteger()
    inherit_cache = True


class Month(FunctionElement[int]):
    """The month of a counted day, 1 to 12."""

    name = "crm_month"
    type = BigInteger()
    inherit_cache = True


class Small(FunctionElement[str]):
    """A text with A to Z in small letters, whatever the database takes for letters."""

    name = "crm_small"
    type = String()
    inherit_cache = True


class Position(FunctionElement[int]):
    """Where in a text another begins, from 1; 0 where it is not in it. Capitals count."""

    name = "crm_position"
    type = BigInteger()
    inherit_cache = True


def _parts(element: Any, compiler: SQLCompiler, **how: Any) -> list[str]:
    return [compiler.process(part, **how) for part in element.clauses]


@compiles(Within)
@compiles(Rounded)
@compiles(DayIn)
def _called(element: Any, compiler: SQLCompiler, **how: Any) -> str:
    return f"{element.name}({', '.join(_parts(element, compiler, **how))})"


@compiles(Within, "postgresql")
def _within_postgresql(element: Within, compiler: SQLCompiler, **how: Any) -> str:
    number, low, high = _parts(element, compiler, **how)
    cut = f"GREATEST(LEAST({number}, {high}), {low})"  # an empty one is cut to the highest
    return f"CAST(NULLIF(NULLIF({cut}, {high}), {low}) AS BIGINT)"


@compiles(Rounded, "postgresql")
def _rounded_postgresql(element: Rounded, compiler: SQLCompiler, **how: Any) -> str:
    number, unit = _parts(element, compiler, **how)
    # Multiplied, not divided: a quotient would be cut first and then rounded once more.
    return f"CAST(ROUND(CAST({number} AS NUMERIC) * {1 / Decimal(unit):f}) AS BIGINT)"


@compiles(Wide)
def _wide(element: Wide, compiler: SQLCompiler, **how: Any) -> str:
    [number] = _parts(element, compiler, **how)
    return f"({number})"


@compiles(Wide, "postgresql")
def _wide_postgresql(element: Wide, compiler: SQLCompiler, **how: Any) -> str:
    [number] = _parts(element, compiler, **how)
    return f"CAST({number} AS NUMERIC)"


@compiles(DayIn, "postgresql")
def _day_postgresql(element: DayIn, compiler: SQLCompiler, **how: Any) -> str:
    moment, zone = _parts(element, compiler, **how)
    return f"CAST(TIMEZONE({zone}, TIMEZONE('UTC', {moment})) AS DATE)"


@compiles(Counted)
def _counted(element: Counted, compiler: SQLCompiler, **how: Any) -> str:
    [day] = _parts(element, compiler, **how)
    return f"CAST(JULIANDAY({day}) - {_BEFORE_DAY_ONE} AS INTEGER)"


@compiles(Counted, "postgresql")
def _counted_postgresql(element: Counted, compiler: SQLCompiler, **how: Any) -> str:
    [day] = _parts(element, compiler, **how)
    return f"CAST({day} - DATE '0001-01-01' + 1 AS BIGINT)"


@compiles(Year)
@compiles(Month)
def _part_of_day(element: Year | Month, compiler: SQLCompiler, **how: Any) -> str:
    [day] = _parts(element, compiler, **how)
    letter = "%Y" if isinstance(element, Year) else "%m"
    return f"CAST(STRFTIME('{letter}', {day} + {_BEFORE_DAY_ONE}) AS INTEGER)"


@compiles(Year, "postgresql")
@compiles(Month, "postgresql")
def _part_of_day_postgresql(element: Year | Month, compiler: SQLCompiler, **how: Any) -> str:
    [day] = _parts(element, compiler, **how)
    part = "YEAR" if isinstance(element, Year) else "MONTH"
    return f"CAST(EXTRACT({part} FROM DATE '0001-01-01' + CAST({day} - 1 AS INTEGER)) AS BIGINT)"


@compiles(Small)
def _small(element: Small, compiler: SQLCompiler, **how: Any) -> str:
    [text] = _parts(element, compiler, **how)
    return f"LOWER({text})"


@compiles(Small, "postgresql")
def _small_postgresql(element: Small, compiler: SQLCompiler, **how: Any) -> str:
    [text] = _parts(element, compiler, **how)
    return f'LOWER({text} COLLATE "C")'


@compiles(Position)
def _position(element: Position, compiler: SQLCompiler, **how: Any) -> str:
    text, part = _parts(element, compiler, **how)
    return f"INSTR({text}, {part})"


@compiles(Position, "postgresql")
def _position_postgresql(element: Position, compiler: SQLCompiler, **how: Any) -> str:
    text, part = _parts(element, compiler, **how)
    return f"STRPOS({text}, {part})"
