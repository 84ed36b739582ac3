"""The kinds of rules: what each looks at, how it judges it, and its words for what fails.

Here are those that look at one value, or at the record as an expression sees it. Formats, rubbish
and what is asked of other records have modules of their own and are offered by the same `check`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import regex

from crm_admin import i18n
from crm_admin.i18n import N_
from crm_admin.models.base import label_key
from crm_admin.models.rules import Severity
from crm_admin.services import picklists

#: The longest text that is compared with a pattern, and for how many seconds at most: some patterns
#: would try for years. What has taken that long does not fit.
LONGEST_MATCHED, LONGEST_TRY = 200, 0.1
_LANGUAGES = ("label_en", "label_zh_hans", "label_zh_hant")


@dataclass(frozen=True)
class RuleFacts:
    """A rule in force, as it is kept in memory.

    `messages` and `reasons` are in English, Simplified and Traditional Chinese; without a message
    the check's own words do.
    """

    id: int
    entity: str
    field_key: str
    kind: str
    parameter: str
    severity: Severity
    weight: int
    condition: str
    messages: tuple[str, str, str] = ("", "", "")
    reasons: tuple[str, str, str] = ("", "", "")
    from_on: date | None = None
    only_new: bool = False

    @property
    def message(self) -> str:
        """What it says in the present language, "" for the check's own words."""
        return _said(self.messages)

    @property
    def why(self) -> str:
        """Why it matters, in the present language."""
        return _said(self.reasons)


def _said(texts: tuple[str, str, str]) -> str:
    """Return the text of the present language; one that is missing is as the one before it."""
    chosen = _LANGUAGES.index(label_key(i18n.language()))
    return next((text for text in reversed(texts[: chosen + 1]) if text), "")


#: A check says whether a value is right, given the rule; one that looks `beside` gets that too.
Check = Callable[..., bool]


@dataclass(frozen=True)
class Kind:
    """A kind of rule, and what it tells those who write one.

    `help` is a sentence about it, `hint` what its parameter is, "" where it has none; `beside` a
    further field that it looks at. A kind `of_record` looks at more than one value: what is asked
    of it, `rule_others` or its expression says.
    """

    name: str
    label: str
    message: str
    help: str
    hint: str
    check: Check
    beside: str = ""
    of_record: bool = False
    of_text: bool = False


KINDS: dict[str, Kind] = {}


def check(
    label: str, message: str, *, help: str, hint: str = "", **more: Any
) -> Callable[[Check], Check]:
    """Offer the function to administrators under its own name, its label and its words."""

    def register(function: Check) -> Check:
        name = function.__name__
        KINDS[name] = Kind(name, label, message, help, hint, function, **more)
        return function

    return register


@check(
    N_("Is filled in"),
    N_("%(field)s is missing."),
    help=N_("The field must not be empty."),
)
def required(value: Any, rule: RuleFacts) -> bool:
    """The field is filled in."""
    return value not in (None, "")


@check(
    N_("Is among the choices"),
    N_("%(field)s: “%(value)s” is not among the choices."),
    help=N_("What is filled in must be a choice of the picklist."),
    hint=N_("The code of the picklist."),
)
def known(value: Any, rule: RuleFacts) -> bool:
    """The value is a choice of the picklist that the parameter names."""
    return value in (None, "") or str(value) in picklists.items(rule.parameter)


@check(
    N_("Fits a pattern"),
    N_("%(field)s: “%(value)s” does not have the right form."),
    help=N_("The whole of what is filled in must fit a regular expression."),
    hint=N_("A regular expression, such as [A-Z]{2}[0-9]{6}."),
)
def matches(value: Any, rule: RuleFacts) -> bool:
    """The whole value fits a regular expression; an empty one is left to `required`."""
    text = "" if value is None else str(value)
    if not text:
        return True
    try:
        fits = regex.fullmatch(rule.parameter, text[:LONGEST_MATCHED], timeout=LONGEST_TRY)
    except TimeoutError:
        return False
    return fits is not None


@check(
    N_("Fulfils a condition"),
    N_("%(field)s: this does not fulfil what is asked."),
    help=N_("A condition on several fields must be true. It is told beside the field chosen."),
    hint=N_("A condition, such as ends_on >= starts_on or amount < 100000."),
    of_record=True,
)
def holds(value: Any, rule: RuleFacts) -> bool:
    """The expression is true of the record; `value` says so."""
    return bool(value)
