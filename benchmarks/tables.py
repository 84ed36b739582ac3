"""What is printed: figures in columns, each with its bar and whether it is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles


@dataclass(frozen=True)
class Bar:
    """The most, or with `least` the least, that a figure may be."""

    figure: float
    least: bool = False

    def keeps(self, value: float) -> bool:
        """Return whether the value is on the right side."""
        return value >= self.figure if self.least else value <= self.figure

    def __str__(self) -> str:
        return f"{'>=' if self.least else '<='} {self.figure:g}"


def judged(value: float, bar: Bar | None) -> str:
    """Return the bar and whether the value keeps it."""
    if bar is None:
        return ""
    return f"{bar!s:>8} {'ok' if bar.keeps(value) else 'OVER'}"


def spread(seconds: Sequence[float]) -> tuple[float, float]:
    """Return the median and the 95th percentile, in milliseconds."""
    if len(seconds) < 2:
        return seconds[0] * 1000, seconds[0] * 1000
    points = quantiles(seconds, n=20, method="inclusive")
    return points[9] * 1000, points[18] * 1000


def quiet(figures: Sequence[float]) -> float:
    """Return the lower quartile: what others did to the machine meanwhile only adds."""
    return quantiles(figures, n=4, method="inclusive")[0] if len(figures) > 1 else figures[0]


def head(title: str) -> None:
    """Print the title of a part."""
    print(f"\n{title}\n{'-' * len(title)}")


def verdict(over: int) -> str:
    """Return the last line."""
    return f"\n{over} over the bar" if over else "\nEverything within its bar."
