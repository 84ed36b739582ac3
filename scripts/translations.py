"""Keeps the catalogues: `update` collects texts and remakes Traditional Chinese, `check` complains.

The English texts stand in the code. Simplified Chinese is translated by hand in
zh_Hans_CN/LC_MESSAGES/messages.po; Traditional Chinese is made from it by OpenCC and
scripts/glossary.toml, so never edit zh_Hant_TW: edit the glossary. `missing` lists what is yet to
be translated.
"""

import ast
import io
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))

from crm_admin.i18n import described  # noqa: E402  (the line above finds it)

FOLDER = ROOT / "crm_admin" / "translations"
TEMPLATE = FOLDER / "messages.pot"
BY_HAND, MADE = "zh_Hans_CN", "zh_Hant_TW"
KEYWORDS = DEFAULT_KEYWORDS | {
    "lazy_gettext": None,
    "lazy_ngettext": (1, 2),
    "Nn_": (1, 2),
    "lazy_pgettext": ((1, "c"), 2),
}
#: What must survive translation: %(name)s, %s, {name} and HTML tags.
PLACEHOLDER = re.compile(r"%\(\w+\)[#0 +-]*\d*(?:\.\d+)?[a-zA-Z]|%[sdr]|\{\w*\}|</?[a-z][^>]*>")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
Key = tuple[str | None, str]


def path_of(language: str) -> Path:
    """Return where a language's catalogue is kept."""
    return FOLDER / language / "LC_MESSAGES" / "messages.po"


# --- Reading and writing


def extract() -> Catalog:
    """Return every text of the code and the templates, each with the files it stands in."""
    mappings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["babel"]["mappings"]
    methods = [(rule["pattern"], rule["method"]) for rule in mappings]
    options = {
        rule["pattern"]: {k: v for k, v in rule.items() if k not in {"pattern", "method"}}
        for rule in mappings
    }
    template = Catalog(project="CRM Admin", charset="utf-8")
    for file, line, text, comments, context in extract_from_dir(
        ROOT, methods, options, keywords=KEYWORDS, comment_tags=["Translators:"]
    ):
        place = Path(file).as_posix()
        template.add(text, None, [(place, line)], auto_comments=comments, context=context)
    for text, place in job_descriptions():
        template.add(text, None, [(place, 0)])
    return template


def job_descriptions() -> Iterator[tuple[str, str]]:
    """Yield what the page of jobs says that each does, from its docstring, and its file."""
    for file in sorted((ROOT / "crm_admin" / "jobs").glob("*.py")):
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef) and any(map(_is_job, function.decorator_list)):
                yield described(ast.get_docstring(function)), file.relative_to(ROOT).as_posix()


def _is_job(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "job"


def read(path: Path, language: str | None = None) -> Catalog:
    """Return a catalogue as it is on disk, an empty one where there is none."""
    if not path.exists():
        return Catalog(locale=language, project="CRM Admin", charset="utf-8")
    with path.open("rb") as source:
        return read_po(source, locale=language)


def write(path: Path, catalogue: Catalog) -> None:
    """Write a catalogue so that only a changed text changes a line: sorted, no dates, no lines."""
    catalogue.header_comment = "# CRM Admin"
    catalogue.fuzzy = False
    buffer = io.BytesIO()
    write_po(buffer, catalogue, width=100, sort_output=True, include_lineno=False)
    text = re.sub(
        r'^"(POT-Creation-Date|PO-Revision-Date|Last-Translator|Language-Team|Generated-By|'
        r'Project-Id-Version|Report-Msgid-Bugs-To): .*\\n"\n',
        "",
        buffer.getvalue().decode(),
        flags=re.MULTILINE,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


# --- Traditional from Simplified


@cache
def glossary() -> dict[str, Any]:
    """Return scripts/glossary.toml."""
    return tomllib.loads((ROOT / "scripts" / "glossary.toml").read_text(encoding="utf-8"))


@cache
def converter(kind: str) -> Callable[[str], str]:
    """Return OpenCC's conversion of this kind, "s2twp" for example."""
    from opencc import OpenCC  # only needed here, and not where the application merely runs

    convert: Callable[[str], str] = OpenCC(kind).convert
    return convert


def traditional(simplified: str) -> str:
    """Return a text in Taiwan's characters and words."""
    terms: dict[str, str] = glossary()["terms"]
    known = "|".join(re.escape(term) for term in sorted(terms, key=len, reverse=True))
    parts = re.split(f"({known})", simplified)
    return "".join(terms.get(part) or converter("s2twp")(part) for part in parts)


def make_traditional(by_hand: Catalog) -> Catalog:
    """Return the whole Traditional catalogue."""
    made = Catalog(locale=MADE, project="CRM Admin", charset="utf-8")
    texts: dict[str, str] = glossary()["texts"]
    for message in translatable(by_hand):
        fixed = texts.get(key_of(message)[1])
        strings = [fixed or traditional(string) for string in strings_of(message)]
        made.add(
            message.id,
            tuple(strings) if message.pluralizable else strings[0],
            message.locations,
            auto_comments=message.auto_comments,
            context=message.context,
        )
    return made


# --- Messages


def translatable(catalogue: Catalog) -> Iterator[Message]:
    """Yield the messages, without the header."""
    return (message for message in catalogue if message.id)


def key_of(message: Message) -> Key:
    """Return what tells a message from others: its context and its (singular) text."""
    text = message.id if isinstance(message.id, str) else message.id[0]
    return message.context, text


def strings_of(message: Message) -> list[str]:
    """Return a message's translations: one, or one for each plural form."""
    string = message.string or ""
    return [string] if isinstance(string, str) else list(string)


def update() -> None:
    """Collect the texts, add new ones to the Simplified catalogue, drop what has gone."""
    template = extract()
    write(TEMPLATE, template)
    by_hand = read(path_of(BY_HAND), BY_HAND)
    by_hand.update(template, no_fuzzy_matching=True)
    by_hand.obsolete.clear()
    write(path_of(BY_HAND), by_hand)
    write(path_of(MADE), make_traditional(by_hand))


def missing() -> list[str]:
    """Return the texts without a Simplified translation."""
    return [
        key_of(message)[1]
        for message in translatable(read(path_of(BY_HAND), BY_HAND))
        if not all(strings_of(message))
    ]


# --- Checking


def problems() -> list[str]:
    """Return everything wrong with the catalogues, one sentence each."""
    wanted = {key_of(message) for message in translatable(extract())}
    by_hand, made = (read(path_of(language), language) for language in (BY_HAND, MADE))
    found = []
    if {key_of(message) for message in translatable(read(TEMPLATE))} != wanted:
        found.append("messages.pot is out of date: run make translations")
    for language, catalogue in ((BY_HAND, by_hand), (MADE, made)):
        there = {key_of(message) for message in translatable(catalogue)}
        found += [f"{language}: not collected: {text!r}" for text in texts_of(wanted - there)]
        found += [f"{language}: no longer used: {text!r}" for text in texts_of(there - wanted)]
        for message in translatable(catalogue):
            text = key_of(message)[1]
            found += [f"{language}: {what}: {text!r}" for what in faults(message, language)]
    if contents(made) != contents(make_traditional(by_hand)):
        found.append(f"{MADE} is not what {BY_HAND} and the glossary make: run make translations")
    return found


def texts_of(keys: set[Key]) -> list[str]:
    """Return the texts of these keys, in order."""
    return sorted(text for _, text in keys)


def contents(catalogue: Catalog) -> dict[Key, list[str]]:
    """Return a catalogue's texts and translations alone."""
    return {key_of(message): strings_of(message) for message in translatable(catalogue)}


def faults(message: Message, language: str) -> Iterator[str]:
    """Yield what is wrong with one translation."""
    ids = [message.id] if isinstance(message.id, str) else list(message.id)
    if message.fuzzy:
        yield "fuzzy"
    for string in strings_of(message):
        if not string:
            yield "not translated"
            continue
        if all(placeholders(string) != placeholders(text) for text in ids):
            yield f"placeholders differ in {string!r}"
        if (string[0].isspace(), string[-1].isspace()) != (
            ids[0][0].isspace(),
            ids[0][-1].isspace(),
        ):
            yield "spaces around it differ"
        if not CHINESE.search(string) and is_words(ids[0]):
            yield "left in English"
        yield from wrong_characters(string, language)


def placeholders(text: str) -> list[str]:
    """Return the placeholders and tags of a text, in one order."""
    return sorted(PLACEHOLDER.findall(text.replace("%%", "")))


def is_words(text: str) -> bool:
    """Tell whether a text says something that reads differently in Chinese."""
    for name in glossary()["check"]["same"]:
        text = text.replace(name, "")
    return bool(re.search(r"[a-z]{3}", PLACEHOLDER.sub("", text)))


def wrong_characters(string: str, language: str) -> Iterator[str]:
    """Yield what the readers of this language would not write."""
    for text in glossary()["check"]["mixed"]:
        string = string.replace(text, "")
    if language == BY_HAND:
        if odd := "".join(c for c in string if converter("t2s")(c) != c):
            yield f"Traditional characters {odd} in Simplified"
        return
    yield from (f"says {word}" for word in glossary()["check"]["avoid"] if word in string)
    if odd := simplified_characters(string):
        yield f"Simplified characters {odd} in Traditional"


def simplified_characters(text: str) -> str:
    """Return the characters of a text that only Simplified Chinese uses.

    Those are outside Big5, Taiwan's own character set, and have another form in Traditional.
    """
    return "".join(c for c in text if CHINESE.match(c) and not _in_big5(c) and _differs(c))


def _in_big5(character: str) -> bool:
    try:
        return bool(character.encode("big5"))
    except UnicodeEncodeError:
        return False


def _differs(character: str) -> bool:
    return converter("s2t")(character) != character


def main(what: str) -> int:
    """Do what is asked; return 0 when there is nothing left to do."""
    if what == "update":
        update()
        print(f"{len(missing())} texts are yet to be translated (translations.py missing)")
    elif what == "missing":
        print("\n".join(missing()))
    else:
        found = problems()
        print("\n".join(found[:200]))
        print(
            f"{len(found)} problems in the catalogues" if found else "The catalogues are complete."
        )
        return int(bool(found))
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in {"update", "missing", "check"}:
        sys.exit("usage: translations.py update|missing|check")
    sys.exit(main(sys.argv[1]))
