"""Comparisons: true or false, never unknown, in memory and in SQL alike.

What is empty equals nothing, is neither more nor less than anything, and differs from everything.
A column beside a fixed value is compared as it is kept, so that the database can use its index.
"""

import operator
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    and_,
    false,
    func,
    literal,
    not_,
    or_,
    true,
)

from crm_admin.models.reckoning import LIMIT, start_of
from crm_admin.models.types import Moment
from crm_admin.services import zones
from crm_admin.services.expressions.reckoning import LAST_DAY, scaled
from crm_admin.services.expressions.terms import (
    Asked,
    Kind,
    OfColumn,
    Sql,
    Term,
    Value,
    bound,
    counted,
    joined,
)

_Compare = Callable[[Any, Any], Any]
SIGNS: dict[str, _Compare] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TURNED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def condition(value: Value, sql: Sql, *terms: Term) -> Term:
    """Return a condition made of others; one that looks at no record is decided beforehand."""
    made = Term(Kind.TRUTH, value=value, sql=sql, condition=True, **joined(*terms))
    if not made.fixed:
        return made

    def decided(asked: Asked) -> ColumnElement[bool]:
        return true() if value(None, asked.asker, asked.today) else false()

    return replace(made, sql=decided)


def opposite(term: Term) -> Term:
    """Return the condition that holds where this one does not."""
    value, sql = term.value, term.sql
    return condition(
        lambda record, asker, today: not value(record, asker, today),
        lambda asked: not_(sql(asked)),
        term,
    )


def compared(sign: str, left: Term, right: Term) -> Term:
    """Return the comparison of two terms of one kind; `sign` is one of `SIGNS` or "!="."""
    if sign == "!=":
        return opposite(compared("=", left, right))
    if left.fixed and not right.fixed:
        turned = compared(_TURNED[sign], right, left)
        return replace(turned, place=(left.place[0], right.place[1]))
    if right.fixed:
        return condition(
            _judged(sign, left, right), partial(_with_fixed, sign, left, right), left, right
        )
    if left.kind is Kind.NUMBER:
        scale = max(left.scale, right.scale)
        left, right = scaled(left, scale), scaled(right, scale)
    return condition(
        _judged(sign, left, right), partial(_with_other, sign, left, right), left, right
    )


def among(pairs: list[tuple[Term, Term]]) -> Term:
    """Return the condition that the first of each pair, always the same, equals a second."""
    terms = [compared("=", left, right) for left, right in pairs]
    made = terms[0] if len(terms) == 1 else together("or", terms)
    left, listed = pairs[0][0], [right for _, right in pairs]
    plain = left.leaf is not None and left.kind in (Kind.TEXT, Kind.STATE, Kind.RECORD)
    if not plain or made.fixed or not all(right.fixed for right in listed):
        return made

    def sql(asked: Asked) -> ColumnElement[bool]:
        found = [right.value(None, asked.asker, asked.today) for right in listed]
        kept = [bound(left.kind, value) for value in found if value is not None]
        return _where(left, asked, lambda column: column.in_(kept)) if kept else false()

    return replace(made, sql=sql)


def empty(term: Term) -> Term:
    """Return the condition that a term has no value; a text without letters is none."""
    value = term.value

    def sql(asked: Asked) -> ColumnElement[bool]:
        if term.kind is Kind.TEXT and term.leaf and term.leaf.target is None:
            column = term.leaf.of(asked.table)
            return or_(column.is_(None), column == "")
        kept = term.leaf.sql(asked) if term.leaf and term.kind is not Kind.TEXT else term.sql(asked)
        return kept.is_(None)

    return condition(lambda *of: value(*of) is None, sql, term)


def holding(term: Term) -> Term:
    """Return the condition that a yes-or-no field says yes."""
    if term.condition:
        return term
    value = term.value
    return condition(lambda *of: bool(value(*of)), lambda asked: term.sql(asked).is_(true()), term)


def together(words: str, terms: list[Term]) -> Term:
    """Return the condition that all ("and") or any ("or") of these hold."""
    values = [term.value for term in terms]
    join: Any = and_ if words == "and" else or_
    ends = words == "or"  # the answer at which the others need not be asked

    def value(record: Any, asker: Any, today: date) -> bool:
        for one in values:
            if bool(one(record, asker, today)) is ends:
                return ends
        return not ends

    return condition(value, lambda asked: join(*(term.sql(asked) for term in terms)), *terms)


# In memory.


def _judged(sign: str, left: Term, right: Term) -> Value:
    """Return the comparison of two values; numbers with a fixed one of other decimals exactly."""
    compare, first, second = SIGNS[sign], left.value, right.value
    times, other = 10 ** max(right.scale - left.scale, 0), 10 ** max(left.scale - right.scale, 0)

    def plain(record: Any, asker: Any, today: date) -> bool:
        a = first(record, asker, today)
        if a is None:
            return False
        b = second(record, asker, today)
        return b is not None and compare(a, b) is True

    def exactly(record: Any, asker: Any, today: date) -> bool:
        a, b = first(record, asker, today), second(record, asker, today)
        return a is not None and b is not None and compare(a * times, b * other) is True

    return plain if times == other == 1 else exactly


# In SQL.


def _with_other(sign: str, left: Term, right: Term, asked: Asked) -> ColumnElement[bool]:
    of_days = left.kind is Kind.DAY and (left.counted or right.counted)
    first, second = (counted(left), counted(right)) if of_days else (left.sql, right.sql)
    return func.coalesce(SIGNS[sign](first(asked), second(asked)), false())


def _with_fixed(sign: str, left: Term, right: Term, asked: Asked) -> ColumnElement[bool]:
    value = right.value(None, asked.asker, asked.today)
    if value is None:
        return false()
    if left.kind is Kind.NUMBER:
        return _with_number(sign, left, value, right.scale, asked)
    if left.kind is Kind.DAY:
        return _with_day(sign, left, value.toordinal(), asked)
    compare = SIGNS[sign]
    return _where(left, asked, lambda column: compare(column, bound(left.kind, value)))


def _where(term: Term, asked: Asked, made: OfColumn) -> ColumnElement[bool]:
    """Return a condition of a term's value, of the bare column where it is one."""
    if term.leaf is not None:
        return term.leaf.where(asked, made)
    return func.coalesce(made(term.sql(asked)), false())


def _filled(column: ColumnElement[Any]) -> ColumnElement[bool]:
    return column.is_not(None)


def _never(column: ColumnElement[Any]) -> ColumnElement[bool]:
    return false()


def _with_number(
    sign: str, left: Term, value: int, scale: int, asked: Asked
) -> ColumnElement[bool]:
    """Compare with the nearest number of as many decimals as the term has."""
    if scale <= left.scale:
        value *= 10 ** (left.scale - scale)
    else:
        value, rest = divmod(value, 10 ** (scale - left.scale))
        if rest and sign == "=":
            return false()
        if rest:  # what lies between two numbers
            sign = "<=" if sign in ("<", "<=") else ">"
    if left.between is not None:
        day, fixed, later = left.between
        from_day = fixed.value(None, asked.asker, asked.today)
        if from_day is None:
            return false()
        sign = sign if later == 1 else _TURNED[sign]
        return _with_day(sign, day, from_day.toordinal() + later * value, asked)
    if abs(value) >= LIMIT:
        reached = sign != "=" and (sign in ("<", "<=")) == (value > 0)
        return _where(left, asked, _filled if reached else _never)
    compare = SIGNS[sign]
    return _where(left, asked, lambda column: compare(column, bound(Kind.NUMBER, value)))


def _with_day(sign: str, left: Term, day: int, asked: Asked) -> ColumnElement[bool]:
    """Compare with a day counted from 0001-01-01, or one beyond those that there are."""
    if not 0 < day <= LAST_DAY:
        reached = sign != "=" and (sign in ("<", "<=")) == (day > 0)
        return _where(left, asked, _filled if reached else _never)
    if left.moment and left.leaf is not None:
        return left.leaf.where(asked, partial(_within_day, sign, day))
    compare = SIGNS[sign]
    other = literal(day, BigInteger()) if left.counted else bound(Kind.DAY, date.fromordinal(day))
    return _where(left, asked, lambda column: compare(column, other))


def _within_day(sign: str, day: int, moment: ColumnElement[Any]) -> ColumnElement[bool]:
    """Compare a moment with a day of the company: from its first moment to the next day's."""
    zone = zones.here()
    start, end = (literal(start_of(one, zone), Moment()) for one in (day, day + 1))
    if sign == "=":
        return and_(moment >= start, moment < end)
    return {"<": moment < start, "<=": moment < end, ">": moment >= end, ">=": moment >= start}[
        sign
    ]
