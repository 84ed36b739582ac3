"""The languages of the interface, and the marks that say which texts are translated."""

import os
from contextvars import ContextVar
from functools import cache
from gettext import NullTranslations, translation
from pathlib import Path

#: The languages people can choose, and how each names itself. Flask-Admin knows only these codes.
LANGUAGES = {"en": "English", "zh_Hans_CN": "简体中文", "zh_Hant_TW": "繁體中文"}
CATALOGUES = Path(__file__).parent / "translations"

_language: ContextVar[str] = ContextVar("language", default="en")


def N_(text: str) -> str:  # noqa: N802  (gettext's own name for it)
    """Mark a text as one to translate where it is shown."""
    return text


class Counted(str):
    """A marked text for one thing that knows what is said of several: `count` says which."""

    __slots__ = ("several",)
    several: str


def Nn_(one: str, several: str) -> Counted:  # noqa: N802
    """Mark a text with its plural as one to translate where it is shown, by its value `count`."""
    found = Counted(one)
    found.several = several
    return found


def described(docstring: str | None) -> str:
    """Return what a docstring tells people: its first paragraph, without where it comes from."""
    paragraph = " ".join((docstring or "").strip().split("\n\n")[0].split())
    return paragraph.partition(" Source: ")[0]


def language() -> str:
    """Return the language in which records name themselves now."""
    return _language.get()


def say(text: str) -> str:
    """Return a marked text in the language in which records name themselves now."""
    return catalogue(language()).gettext(text)


@cache
def catalogue(code: str) -> NullTranslations:
    """Return the texts of one of our languages; English is what the sources say."""
    return translation("messages", CATALOGUES, [code], fallback=True)


def use_language(code: str) -> None:
    """Let records name themselves in this language from here on in this request."""
    _language.set(code if code in LANGUAGES else "en")


def closest(code: str) -> str | None:
    """Return our language for a browser's tag: zh-TW, zh-HK and zh-Hant read Traditional."""
    tag = code.replace("_", "-").lower()
    if tag.startswith("zh"):
        traditional = any(part in tag for part in ("hant", "tw", "hk", "mo"))
        return "zh_Hant_TW" if traditional else "zh_Hans_CN"
    return "en" if tag.startswith("en") else None


def compile_catalogues(folder: Path = CATALOGUES) -> None:
    """Write the binary catalogues that are missing or older than their sources."""
    for source in folder.glob("*/LC_MESSAGES/*.po"):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        from babel.messages.mofile import write_mo  # slow to import, and seldom needed
        from babel.messages.pofile import read_po

        with source.open("rb") as text:
            texts = read_po(text)
        partial = target.with_suffix(f".mo.{os.getpid()}")  # several processes may start at once
        with partial.open("wb") as binary:
            write_mo(binary, texts)
        partial.replace(target)
