"""Chinese as it sounds, so that names are found and typed on any keyboard."""

import re
from functools import lru_cache

_CHINESE = re.compile(r"[\u3400-\u9fff]")


def spelled(text: str) -> list[str]:
    """Return the syllables of the Chinese in a text, without tones and what is not Chinese."""
    if not _CHINESE.search(text):
        return []
    from pypinyin import lazy_pinyin  # slow to import, and needed only where Chinese is written

    found: list[str] = lazy_pinyin("".join(_CHINESE.findall(text)))
    return found


@lru_cache(maxsize=10_000)
def keys(text: str) -> str:
    """Return the initials that somebody may type for a Chinese name, such as bjyh for 北京银行.

    The first character, mostly a surname, counts in every reading it has: 单 is d and s.
    """
    syllables = spelled(text)
    if not syllables:
        return ""
    from pypinyin import Style, pinyin

    [readings] = pinyin(_CHINESE.findall(text)[0], style=Style.FIRST_LETTER, heteronym=True)
    rest = "".join(syllable[:1] for syllable in syllables[1:])
    return " ".join(first + rest for first in sorted({syllables[0][:1], *readings}))
