"""What can go wrong, in the words a user is told.

Messages are English sources marked with `N_`; whoever shows one translates it and fills in its
values, so that services stay free of languages and requests.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Translate = Callable[[str], str]


def _same(text: str) -> str:
    return text


def filled_in(message: str, values: Mapping[str, Any], translate: Translate = _same) -> str:
    """Return the message in the reader's language with its values in place."""
    text = translate(message)
    # A text of `i18n.Nn_`: in English it has a plural, in Chinese it is the same for one and many.
    if (several := getattr(message, "several", "")) and text == message and values["count"] != 1:
        text = several
    if not values:
        return text
    return text % {key: _shown(value, translate) for key, value in values.items()}


def _shown(value: Any, translate: Translate) -> Any:
    """Return a value in the reader's language: a label, or the message that another one frames."""
    if isinstance(value, Problem):
        return value.text(translate)
    return translate(value) if isinstance(value, Label) else value


class Label(str):
    """A value of a message that is itself to be translated, such as a field's label."""

    __slots__ = ()


class CrmError(Exception):
    """Base of every error a caller may show to its user."""

    def __init__(self, message: str, **values: Any) -> None:
        super().__init__(message)
        self.message = message
        self.values = values

    def text(self, translate: Translate = _same) -> str:
        """Return the message in the reader's language."""
        return filled_in(self.message, self.values, translate)

    def __str__(self) -> str:
        return self.text()


class Denied(CrmError):
    """The actor may not do this; a record out of sight is reported as missing instead."""


class Conflict(CrmError):
    """Someone else wrote the record between reading it and saving it."""


@dataclass(frozen=True)
class Problem:
    """One reason a record is not right: the field's key, or "" for the whole record."""

    field: str
    message: str
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def text(self, translate: Translate = _same) -> str:
        """Return the reason in the reader's language."""
        return filled_in(self.message, self.values, translate)


class Invalid(CrmError):
    """A record breaks rules; `problems` lists every one found, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(p.text() for p in problems))
        self.problems = problems

    def text(self, translate: Translate = _same) -> str:
        """Return all the reasons in the reader's language."""
        return " ".join(p.text(translate) for p in self.problems)
