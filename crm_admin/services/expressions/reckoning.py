"""Sums, differences and products of numbers, and days that lie so many days apart.

Every number is a whole number of its smallest decimal, in memory as in both databases, so that none
rounds another way than the others. What grows beyond 64 bits is empty, and so is a day beyond 9999.
"""

import operator
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, literal_column

from crm_admin.models.reckoning import LIMIT, Wide, Within
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

#: Decimals a result may have.
MOST_DECIMALS = 8
LAST_DAY = date.max.toordinal()
#: More days than lie between any two.
MOST_DAYS = LAST_DAY + 1
_SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}


def negative(term: Term) -> Term:
    """Return a number with its sign turned."""
    value, sql = term.value, term.sql

    def turned(record: Any, asker: Any, today: date) -> int | None:
        number = value(record, asker, today)
        return None if number is None else -number

    return _number(
        replace(term, leaf=None, between=None, low=-term.high, high=-term.low, written=None),
        turned,
        lambda asked: -sql(asked),
    )


def combined(sign: str, left: Term, right: Term) -> Term:
    """Return the sum, the difference or the product of two numbers."""
    if sign == "*":
        scale = left.scale + right.scale
    else:
        scale = max(left.scale, right.scale)
        left, right = scaled(left, scale), scaled(right, scale)
    return _step(sign, left, right, scale)


def scaled(term: Term, scale: int) -> Term:
    """Return the same number in units of more decimals."""
    if term.scale == scale:
        return term
    times = 10 ** (scale - term.scale)
    return _step("*", term, number(times, term), scale)


def number(whole: int, beside: Term) -> Term:
    """Return a whole number that stands in no text, at the place of another term."""

    def value(record: Any, asker: Any, today: date) -> int:
        return whole

    kind = Kind.NUMBER
    return Term(
        kind, beside.place, value, fixed_sql(kind, value), fixed=True, low=whole, high=whole
    )


def _step(sign: str, left: Term, right: Term, scale: int) -> Term:
    """Return one step of reckoning with the units of both as they are."""
    reckon, first, second = _SIGNS[sign], left.value, right.value
    ends = [reckon(a, b) for a in (left.low, left.high) for b in (right.low, right.high)]
    low, high = min(ends), max(ends)
    wide = low <= -LIMIT or high >= LIMIT

    def value(record: Any, asker: Any, today: date) -> int | None:
        a, b = first(record, asker, today), second(record, asker, today)
        if a is None or b is None:
            return None
        result: int = reckon(a, b)
        return result if -LIMIT < result < LIMIT else None

    def sql(asked: Asked) -> ColumnElement[Any]:
        a, b = left.sql(asked), right.sql(asked)
        return _cut(reckon(Wide(a), b), -LIMIT, LIMIT) if wide else reckon(a, b)

    bounds = {"low": max(low, 1 - LIMIT), "high": min(high, LIMIT - 1), "scale": scale}
    return _number(replace(left, **joined(left, right), **bounds), value, sql)


def _number(like: Term, value: Value, sql: Sql) -> Term:
    """Return a worked-out number: what looks at no record is sent along as one value."""
    return Term(
        Kind.NUMBER,
        like.place,
        value,
        fixed_sql(Kind.NUMBER, value) if like.fixed else sql,
        fixed=like.fixed,
        scale=like.scale,
        low=like.low,
        high=like.high,
        fields=like.fields,
        uses=like.uses,
        steps=like.steps,
    )


def _cut(worked_out: ColumnElement[Any], low: int, high: int) -> ColumnElement[Any]:
    return Within(worked_out, literal_column(str(low)), literal_column(str(high)))


# Days.


def moved(sign: str, day: Term, days: Term) -> Term:
    """Return the day that lies so many days later, or earlier with "-"."""
    reckon, first, second = _SIGNS[sign], day.value, days.value

    def value(record: Any, asker: Any, today: date) -> date | None:
        start, by = first(record, asker, today), second(record, asker, today)
        if start is None or by is None:
            return None
        ordinal = reckon(start.toordinal(), by)
        return date.fromordinal(ordinal) if 0 < ordinal <= LAST_DAY else None

    def sql(asked: Asked) -> ColumnElement[Any]:
        start, by = counted(day)(asked), days.sql(asked)
        return _cut(reckon(Wide(start) if wide else start, by), 0, LAST_DAY + 1)

    wide = days.low <= MOST_DAYS - LIMIT or days.high >= LIMIT - MOST_DAYS
    both = joined(day, days)
    fixed = both["fixed"]
    return Term(
        Kind.DAY,
        value=value,
        sql=fixed_sql(Kind.DAY, value) if fixed else sql,
        counted=not fixed,
        **both,
    )


def apart(later: Term, earlier: Term) -> Term:
    """Return how many days one day lies after another."""
    first, second = later.value, earlier.value

    def value(record: Any, asker: Any, today: date) -> int | None:
        end, start = first(record, asker, today), second(record, asker, today)
        return None if end is None or start is None else (end - start).days

    def sql(asked: Asked) -> ColumnElement[Any]:
        return counted(later)(asked) - counted(earlier)(asked)

    both = joined(later, earlier)
    sent = fixed_sql(Kind.NUMBER, value) if both["fixed"] else sql
    made = Term(Kind.NUMBER, value=value, sql=sent, low=-MOST_DAYS, high=MOST_DAYS, **both)
    if later.leaf and earlier.fixed:
        return replace(made, between=(later, earlier, 1))
    if earlier.leaf and later.fixed:
        return replace(made, between=(earlier, later, -1))
    return made
