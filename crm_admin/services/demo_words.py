"""What demo data is made of: its vocabularies, its dice, and its calendar."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

T = TypeVar("T")

#: Which form of a word a language takes, in a list of (Simplified, Traditional, English).
FORM = {"hans": 0, "hant": 1, "en": 2}


@dataclass(frozen=True)
class Words:
    """The vocabularies of config/demo/, as their files have them."""

    company: dict[str, Any]
    places: list[dict[str, Any]]
    names: dict[str, Any]
    dealings: dict[str, Any]
    talks: dict[str, Any]
    materials: list[list[Any]]
    tasks: dict[str, Any]


def read(folder: Path) -> Words:
    """Return the vocabularies of a folder."""
    content = {}
    for name in ("company", "places", "names", "dealings", "talks", "materials", "tasks"):
        with (folder / f"{name}.toml").open("rb") as file:
            content[name] = tomllib.load(file)
    _hint_kinds(content["talks"])
    return Words(
        content["company"],
        content["places"]["places"],
        content["names"],
        content["dealings"],
        content["talks"],
        content["materials"]["materials"],
        content["tasks"],
    )


def _hint_kinds(talks: dict[str, Any]) -> None:
    """Put beside each content the kinds of interaction that its words allow."""
    for topic in talks["topics"].values():
        for language in FORM:
            topic[language]["content"] = [
                (text, _kinds_of(text, talks["hints"]) or topic["kinds"])
                for text in topic[language]["content"]
            ]


def _kinds_of(text: str, hints: dict[str, list[str]]) -> list[str]:
    return [kind for kind, words in hints.items() if any(word in text for word in words)][:1]


def dice(*names: object) -> Random:
    """Return dice that fall the same way whenever they are called by the same names."""
    return Random(":".join(map(str, names)))  # noqa: S311  (made-up data needs no secrets)


@dataclass(frozen=True)
class Calendar:
    """Days counted back from the reference day, in the company's zone."""

    day: date
    zone: ZoneInfo

    def before(self, days: int) -> date:
        """Return the day so many days before the reference day."""
        return self.day - timedelta(days)

    def moment(self, days: int, minute: int) -> datetime:
        """Return the minute after midnight of the day so many days before, in UTC."""
        return self._midnight(days) + timedelta(minutes=minute)

    @cache  # noqa: B019  (one calendar lives as long as the load)
    def _midnight(self, days: int) -> datetime:
        return datetime.combine(self.before(days), time(), self.zone).astimezone(UTC)

    @cache  # noqa: B019
    def is_weekend(self, days: int) -> bool:
        """Return whether that day is a Saturday or a Sunday."""
        return self.before(days).weekday() > 4


@dataclass(frozen=True)
class Lot(Generic[T]):
    """Things to draw from, each as often as its weight says."""

    things: Sequence[T]
    weights: Sequence[float]

    def draw(self, random: Random) -> T:
        """Return one of the things."""
        return random.choices(self.things, cum_weights=self.weights)[0]


def lot(*pairs: tuple[T, float]) -> Lot[T]:
    """Return a lot of (thing, weight) pairs."""
    things, weights = zip(*pairs, strict=True)
    return Lot(things, [*accumulate(weights)])


def shares(weights: Sequence[float], total: int) -> list[int]:
    """Return whole numbers in proportion to the weights, whose sum is exactly the total."""
    whole = sum(weights)
    if not whole:
        weights, whole = [1] * len(weights), len(weights)
    exact = [weight * total / whole for weight in weights]
    counts = [int(number) for number in exact]
    rest = sorted(range(len(exact)), key=lambda n: counts[n] - exact[n])
    for position in rest[: total - sum(counts)]:
        counts[position] += 1
    return counts
