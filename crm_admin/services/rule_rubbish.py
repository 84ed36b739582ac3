"""Rubbish: what people type to be rid of a field."""

import re
from functools import lru_cache
from typing import Any

from crm_admin.i18n import N_
from crm_admin.services.rule_formats import plain
from crm_admin.services.rule_kinds import RuleFacts, check

#: What one finger types along, there and back; and the alphabet.
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890", "abcdefghijklmnopqrstuvwxyz")
_THERE_AND_BACK = tuple(row[::step] for row in _ROWS for step in (1, -1))
#: Rows shorter than this may mean something; digits are more often a code than letters are.
_SHORTEST_LETTERS, _SHORTEST_DIGITS, _SHORTEST_ALPHABET = 4, 5, 5
_SAID = """
    test tests testing asd qwe zxc xxx none null nil n/a unknown nothing tbd todo
    无 無 沒有 没有 不详 不詳 未知 不知道 不清楚 暂无 暫無 待定 待补 待補 测试 測試 空 未填 略 同上
"""
_WORDS = frozenset(_SAID.split())
_TESTED = re.compile(r"(?:test|测试|測試)[\s_-]*\d*")
_SAME = re.compile(r"(.)\1{2,}", re.DOTALL)
#: A few characters over and over: ababab, 123123123.
_OVER_AND_OVER = re.compile(r"(.{2,3})\1{2,}", re.DOTALL)


@check(
    N_("Is no rubbish"),
    N_("%(field)s: “%(value)s” says nothing."),
    help=N_(
        "No single letter, no aaa or 0000, no keyboard rows such as qwerty, no “test” or “无”."
    ),
    hint=N_("Further words that say nothing, with commas between them."),
    of_text=True,
)
def rubbish(value: Any, rule: RuleFacts) -> bool:
    """It says something."""
    if not isinstance(value, str) or not value.strip():
        return True
    text = plain(value).casefold()
    return text not in _further(rule.parameter) and not is_rubbish(text)


@lru_cache(maxsize=200)
def _further(parameter: str) -> frozenset[str]:
    words = (plain(word).casefold() for word in re.split("[,，、]", parameter))
    return frozenset(word for word in words if word)


@lru_cache(maxsize=20_000)
def is_rubbish(text: str) -> bool:
    """Return whether a text, in small letters, was typed to be rid of the field."""
    bare = "".join(c for c in text if c.isalnum())
    if not bare:
        return True  # signs only
    if text in _WORDS or bare in _WORDS or _TESTED.fullmatch(text):
        return True
    if len(bare) == 1:
        return bare.isascii() or not bare.isalpha()  # one Chinese character may be a name
    if _SAME.fullmatch(bare) or (len(bare) > 5 and _OVER_AND_OVER.fullmatch(bare)):
        return True
    return _is_row(bare) or (len(bare) % 2 == 0 and _is_twice_a_row(bare))


def _is_row(text: str) -> bool:
    """Return whether a text goes along a row of keys, or along the alphabet."""
    if not text.isascii():
        return False
    shortest = _SHORTEST_DIGITS if text.isdigit() else _SHORTEST_LETTERS
    for row in _THERE_AND_BACK:
        alphabet = len(row) == len(_ROWS[-1])
        if len(text) >= (_SHORTEST_ALPHABET if alphabet else shortest) and text in row:
            return True
    return False


def _is_twice_a_row(text: str) -> bool:
    """Return whether a text is three keys of a row, twice: asdasd, 123123."""
    half = text[: len(text) // 2]
    return len(half) >= 3 and half * 2 == text and any(half in row for row in _THERE_AND_BACK)
