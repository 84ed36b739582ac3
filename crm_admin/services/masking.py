"""What a value looks like to people who may only see a part of it."""

import re
from dataclasses import dataclass
from typing import Any

#: Stands for what is left out, however long that is.
STARS = "****"
_DIGITS = re.compile(r"\d")


@dataclass(frozen=True)
class Part:
    """A value in a row of which this reader sees a part only, or nothing."""

    value: Any
    limit: str

    def shown(self, kind: str) -> str:
        """Return as much of it as the reader sees."""
        return mask(kind, self.value) if self.limit == "masked" else ""

    def __str__(self) -> str:
        return ""


def mask(kind: str, value: Any) -> str:
    """Return as much of a value as tells two apart, and no more: 138****1234, z****@example.com.

    Of amounts, dates and choices nothing is left; what is empty stays empty.

    Args:
        kind: what kind of value it is: phone, email, text, lines, url, or any other.
    """
    if value in (None, ""):
        return ""
    text = str(value)
    if kind == "email" and "@" in text:
        name, _at, domain = text.rpartition("@")
        return f"{name[:1]}{STARS}@{domain}"
    if kind not in ("phone", "text"):
        return STARS
    if len(_DIGITS.findall(text)) >= 7:  # a number: its beginning and end
        return (
            f"{text[:3]}{STARS}{text[-4:]}" if len(text) >= 11 else f"{text[:1]}{STARS}{text[-2:]}"
        )
    return f"{text[:1]}{STARS}" if len(text) > 1 else STARS
