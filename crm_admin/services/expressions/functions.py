"""The functions that an expression may call."""

import string
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, cast, false, func, literal_column

from crm_admin.i18n import N_
from crm_admin.models import reckoning as kept
from crm_admin.services.expressions import comparing, reckoning
from crm_admin.services.expressions.terms import (
    Asked,
    Kind,
    Sql,
    Term,
    Value,
    counted,
    fixed_sql,
    joined,
)

_SMALL = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
LONGEST_TEXT = 2**31


@dataclass(frozen=True)
class Function:
    """A function: the kinds it takes, what it makes of them, and what it tells people."""

    name: str
    takes: tuple[Kind, ...]
    gives: Kind
    make: Callable[..., Term]
    help: str

    @property
    def shown(self) -> str:
        """How it is written."""
        return f"{self.name}({', '.join(_NAMES[kind] for kind in self.takes)})"


#: What stands for an argument where a function is described.
_NAMES = {Kind.TEXT: "text", Kind.DAY: "day", Kind.NUMBER: "number"}


def _worked_out(kind: Kind, value: Value, sql: Sql, *terms: Term, **more: Any) -> Term:
    both = joined(*terms)
    return Term(
        kind, value=value, sql=fixed_sql(kind, value) if both["fixed"] else sql, **both, **more
    )


# Texts.


def small(text: str) -> str:
    """Return the text with A to Z in small letters, as both databases can do it alike."""
    return text.lower() if text.isascii() else text.translate(_SMALL)


def _length(text: Term) -> Term:
    value = text.value
    return _worked_out(
        Kind.NUMBER,
        lambda *of: len(value(*of) or ""),
        lambda asked: cast(func.coalesce(func.length(text.sql(asked)), 0), BigInteger),
        text,
        high=LONGEST_TEXT,
    )


def _lower(text: Term) -> Term:
    value = text.value

    def lower(record: Any, asker: Any, today: date) -> str | None:
        found = value(record, asker, today)
        return None if found is None else small(found)

    return _worked_out(Kind.TEXT, lower, lambda asked: kept.Small(text.sql(asked)), text)


def _search(
    find: Callable[[str, str], bool], sql: Callable[[Any, Any], ColumnElement[bool]]
) -> Callable[[Term, Term], Term]:
    """Return a function that looks for one text in another; what is empty holds and is in none."""

    def made(text: Term, part: Term) -> Term:
        whole, piece = text.value, part.value

        def value(record: Any, asker: Any, today: date) -> bool:
            a, b = whole(record, asker, today), piece(record, asker, today)
            return a is not None and b is not None and find(a, b)

        def asked_sql(asked: Asked) -> ColumnElement[bool]:
            return func.coalesce(sql(text.sql(asked), part.sql(asked)), false())

        return comparing.condition(value, asked_sql, text, part)

    return made


def _at_end(text: Any, part: Any) -> ColumnElement[bool]:
    # A text that is too short gives another that is no longer than itself, and so not the part.
    start = func.length(text) - func.length(part) + 1
    found: ColumnElement[bool] = func.substr(text, start) == part
    return found


# Numbers.


def _abs(number: Term) -> Term:
    value = number.value

    def absolute(record: Any, asker: Any, today: date) -> int | None:
        found = value(record, asker, today)
        return None if found is None else abs(found)

    high = max(abs(number.low), abs(number.high))
    bounds = {"scale": number.scale, "low": 0, "high": high}
    return _worked_out(
        Kind.NUMBER, absolute, lambda asked: func.abs(number.sql(asked)), number, **bounds
    )


def _round(number: Term) -> Term:
    if number.scale == 0:
        return replace(number, leaf=None)
    value, unit = number.value, 10**number.scale
    bounds = {"low": number.low // unit - 1, "high": number.high // unit + 1}
    return _worked_out(
        Kind.NUMBER,
        lambda *of: kept.rounded(value(*of), unit),
        lambda asked: kept.Rounded(number.sql(asked), literal_column(str(unit))),
        number,
        **bounds,
    )


# Days.


def _today(place: Any) -> Term:
    def value(record: Any, asker: Any, today: date) -> date:
        return today

    sql = fixed_sql(Kind.DAY, value)
    return Term(Kind.DAY, place, value, sql, fixed=True, uses=frozenset(["today"]))


def _until(day: Term) -> Term:
    return replace(reckoning.apart(day, _today(day.place)), place=day.place)


def _since(day: Term) -> Term:
    return replace(reckoning.apart(_today(day.place), day), place=day.place)


def _part(name: str, of_day: Any) -> Callable[[Term], Term]:
    def made(day: Term) -> Term:
        value = day.value

        def part(record: Any, asker: Any, today: date) -> int | None:
            found = value(record, asker, today)
            return None if found is None else int(getattr(found, name))

        sql = counted(day)
        return _worked_out(Kind.NUMBER, part, lambda asked: of_day(sql(asked)), day, high=9999)

    return made


_TEXT, _NUMBER, _DAY, _TRUTH = Kind.TEXT, Kind.NUMBER, Kind.DAY, Kind.TRUTH
_contains = _search(lambda a, b: b in a, lambda a, b: kept.Position(a, b) > 0)
_starts = _search(str.startswith, lambda a, b: func.substr(a, 1, func.length(b)) == b)
_ends = _search(str.endswith, _at_end)
_year, _month = _part("year", kept.Year), _part("month", kept.Month)
FUNCTIONS = {
    function.name: function
    for function in (
        Function("length", (_TEXT,), _NUMBER, _length, N_("How many characters a text has.")),
        Function("lower", (_TEXT,), _TEXT, _lower, N_("The text with A to Z as small letters.")),
        Function("contains", (_TEXT, _TEXT), _TRUTH, _contains, N_("The second is in the first.")),
        Function("starts_with", (_TEXT, _TEXT), _TRUTH, _starts, N_("It begins with the second.")),
        Function("ends_with", (_TEXT, _TEXT), _TRUTH, _ends, N_("It ends with the second.")),
        Function("days_until", (_DAY,), _NUMBER, _until, N_("Days from today to that day.")),
        Function("days_since", (_DAY,), _NUMBER, _since, N_("Days from that day to today.")),
        Function("abs", (_NUMBER,), _NUMBER, _abs, N_("The number without its sign.")),
        Function("round", (_NUMBER,), _NUMBER, _round, N_("The nearest whole number.")),
        Function("year", (_DAY,), _NUMBER, _year, N_("The year of a day.")),
        Function("month", (_DAY,), _NUMBER, _month, N_("The month of a day, 1 to 12.")),
    )
}
