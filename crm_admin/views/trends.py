"""Trend charts: how a percentage went, one line each, drawn on the server."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from flask_babel import format_date

from crm_admin.services.scores import Line, Point
from crm_admin.views.words import gettext as _

#: How many lines can be told apart.
MOST_LINES = 6
#: How many days lie between the rows of the table of numbers.
_EVERY = 7


class Shown(NamedTuple):
    """A line and where the records behind it are listed."""

    line: Line
    url: str


def chart(title: str, lines: Sequence[Shown], first: date, last: date) -> dict[str, Any] | None:
    """Return what the macro `trend` draws, or None where there are no two days to join."""
    drawn = [one for one in lines if len(one.line.points) > 1][:MOST_LINES]
    if not drawn:
        return None
    lowest = min(point.percent for one in drawn for point in one.line.points)
    floor = max(0, min(lowest // 10 * 10 - 10, 90))
    days = max(1, (last - first).days)
    return {
        "title": title,
        "said": " ".join(_said(one.line) for one in drawn),
        "lines": [
            {
                "name": one.line.name,
                "url": one.url,
                "place": place,
                "points": _joined(one.line.points, first, days, floor),
                "percent": one.line.points[-1].percent,
                "change": f"{one.line.change:+d}",
                "tone": _tone(one.line.change),
            }
            for place, one in enumerate(drawn, 1)
        ],
        "levels": [100, (100 + floor) // 2, floor],
        "first": format_date(first, "short"),
        "last": format_date(last, "short"),
        "rows": _rows(drawn),
    }


def _joined(points: Sequence[Point], first: date, days: int, floor: int) -> str:
    """Return the points of a line in a square of 100 by 100, as SVG has them."""
    return " ".join(
        f"{100 * (point.day - first).days / days:.2f},"
        f"{100 - 100 * (point.percent - floor) / (100 - floor):.2f}"
        for point in points
    )


def _said(line: Line) -> str:
    begin, end = line.points[0], line.points[-1]
    return _(
        "%(name)s: %(from)s %% on %(first)s, %(to)s %% on %(last)s.",
        **{
            "name": line.name,
            "from": begin.percent,
            "first": format_date(begin.day, "short"),
            "to": end.percent,
            "last": format_date(end.day, "short"),
        },
    )


def _tone(change: int) -> str:
    return "ok" if change > 0 else "bad" if change < 0 else "mut"


def _rows(drawn: Sequence[Shown]) -> list[tuple[str, list[str]]]:
    """Return (day, each line's percentage), the latest first, a week apart."""
    figures = [{point.day: point.percent for point in one.line.points} for one in drawn]
    days = sorted(set().union(*figures), reverse=True)[::_EVERY]
    return [
        (format_date(day, "short"), [f"{f[day]} %" if day in f else "—" for f in figures])
        for day in days
    ]
