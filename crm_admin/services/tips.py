"""Today's tips (今日提示): what somebody should look at, told by whoever knows of it.

A subject adds its own with `@tips.source(order)` on a function from the day to its tips; nothing
else needs to know.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, tzinfo
from typing import TYPE_CHECKING, Any

from crm_admin.models.users import User

if TYPE_CHECKING:
    from crm_admin.services.overview import Overview


@dataclass(frozen=True)
class Tip:
    """One sentence, and where it leads: to a record, to a list that is asked for, or to a page.

    `message` is an English source with named places, translated where it is shown; `tone` one of
    ok, warn, bad, inf and mut.
    """

    message: str
    values: Mapping[str, Any] = field(default_factory=dict)
    tone: str = "inf"
    when: date | None = None
    entity: str = ""
    record_id: int | None = None
    asked: tuple[tuple[str, str], ...] = ()
    url: str = ""


@dataclass(frozen=True)
class Day:
    """Whose day it is, and the figures of their first page, which are asked for once."""

    actor: User
    today: date
    zone: tzinfo
    facts: "Overview"


Source = Callable[[Day], Iterable[Tip]]
_SOURCES: list[tuple[int, str, Source]] = []


def source(order: int) -> Callable[[Source], Source]:
    """Let the function tell its tips on every first page, those of lower order first.

    It takes one statement at most: the page is opened more often than any other.
    """

    def register(tell: Source) -> Source:
        _SOURCES.append((order, f"{tell.__module__}.{tell.__name__}", tell))
        _SOURCES.sort(key=lambda entry: entry[:2])
        return tell

    return register


def of(day: Day) -> list[Tip]:
    """Return what a person should look at today. Source: C4"""
    return [tip for _order, _name, tell in _SOURCES for tip in tell(day)]
