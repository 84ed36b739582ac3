"""What a cell of a file means: days, amounts, yes and no, states, as people write them."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

from crm_admin import i18n
from crm_admin.errors import CrmError
from crm_admin.i18n import N_
from crm_admin.models.types import State, exact

#: What stands for "nothing" in exports of databases; an empty cell never erases.
NOTHING = {"", "NULL", "\\N"}
YES = {"yes", "y", "true", "t", "1", "on", "是", "对", "對", "有", "真", "启用", "啟用", "√", "✓"}
NO = {"no", "n", "false", "f", "0", "off", "否", "不", "无", "無", "假", "停用", "×", "✗"}

_DAY = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?"
    r"(?:[T\s]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
)
_COMPACT_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})")
_MINGUO_DAY = re.compile(r"(?:民國|民国)\s*(\d{1,3})年(\d{1,2})月(\d{1,2})日?")
_CURRENCY = re.compile(
    r"RMB|CNY|NTD|TWD|HKD|USD|EUR|(?:NT|HK|US)\$|[¥$€£]|人民币|人民幣|[元圆圓整]", re.IGNORECASE
)
_AMOUNT = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d+)?")
_UNITS = {"万": 10_000, "萬": 10_000, "亿": 100_000_000, "億": 100_000_000}


class Unclear(CrmError):
    """A cell does not say what its column is to hold."""


def plain(text: str) -> str:
    """Return the text with full-width characters made plain, without the space around it."""
    return unicodedata.normalize("NFKC", text).strip()


def moment_of(text: str, format: str = "") -> datetime:
    """Return the day a text names, at its time where it says one, else at midnight.

    Args:
        format: how days are written, such as %m/%d/%Y; days with the year first are always read.

    Raises:
        Unclear: it names none, or the year is not first and no format says what is.
    """
    small = plain(text)
    if format:
        try:
            return datetime.strptime(small, format).replace(tzinfo=None)  # noqa: DTZ007
        except ValueError:
            pass  # a workbook gives its days with the year first, whatever people see in it
    found = _DAY.fullmatch(small) or _COMPACT_DAY.fullmatch(small)
    minguo = None if found else _MINGUO_DAY.fullmatch(small)
    parts = [int(part) for match in (found, minguo) if match for part in match.groups("0")]
    if minguo:
        parts[0] += 1911
    try:
        return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001
    except (TypeError, ValueError) as error:
        raise Unclear(N_("“%(value)s” is not a day such as 2026-01-31."), value=text) from error


def day_of(text: str, format: str = "") -> date:
    """Return the day a text names.

    Raises:
        Unclear: it names none.
    """
    return moment_of(text, format).date()


def amount_of(text: str) -> Decimal:
    """Return the amount a text names, to the hundredth: 1,234.50 or ¥1,234 or 1234.5元 or 1.2万.

    Raises:
        Unclear: it names none, or its commas do not part thousands.
    """
    return exact(_number(text))


def whole_of(text: str) -> int:
    """Return the whole number a text names.

    Raises:
        Unclear: it names none.
    """
    number = _number(text)
    if number != number.to_integral_value():
        raise Unclear(N_("“%(value)s” is not a whole number."), value=text)
    return int(number)


def _number(text: str) -> Decimal:
    small = _CURRENCY.sub("", plain(text)).replace(" ", "")
    factor = _UNITS.get(small[-1:], 1)
    small = small[:-1] if factor > 1 else small
    if len(small.replace(",", "")) > 18 or not _AMOUNT.fullmatch(small):
        raise Unclear(N_("“%(value)s” is not a number such as 1,234.50."), value=text)
    return Decimal(small.replace(",", "")) * factor


def yes_or_no(text: str) -> bool:
    """Return whether a text says yes.

    Raises:
        Unclear: it says neither yes nor no.
    """
    word = plain(text).casefold()
    if word not in YES | NO:
        raise Unclear(N_("“%(value)s” is neither yes nor no."), value=text)
    return word in YES


def state_of(kind: type[State], text: str) -> State:
    """Return the state a text names by its value or its label in any language.

    Raises:
        Unclear: it names none.
    """
    found = _states(kind).get(plain(text).casefold())
    if found is None:
        known = ", ".join(member.value for member in kind)
        raise Unclear(N_("“%(value)s” is not one of: %(known)s."), value=text, known=known)
    return found


@lru_cache
def _states(kind: type[State]) -> dict[str, State]:
    """Return {a way to write it in small letters: the member}."""
    found: dict[str, State] = {}
    for member in kind:
        ways = {member.value, member.value.replace("_", " "), *in_all_languages(member.label)}
        for way in ways:
            found.setdefault(plain(way).casefold(), member)
    return found


def in_all_languages(label: str) -> Iterator[str]:
    """Yield an English label and what the catalogues make of it."""
    yield label
    for code in i18n.LANGUAGES:
        if code != "en":
            yield i18n.catalogue(code).gettext(label)
