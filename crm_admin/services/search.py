"""Searching: what a record is found by, and the condition that finds it."""

import re
import unicodedata
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Text,
    and_,
    bindparam,
    column,
    false,
    func,
    inspect,
    or_,
    select,
    true,
)
from sqlalchemy import table as table_named
from sqlalchemy.dialects.postgresql import ARRAY

from crm_admin.database import db
from crm_admin.models import search_index
from crm_admin.models.base import Record, Searchable
from crm_admin.models.users import User
from crm_admin.services import access, pinyin

#: How much of what was typed is looked at: characters, and words.
LONGEST, MOST_WORDS = 100, 6
#: How many characters the index knows together.
_PAIR = 2
_GAPS = re.compile(r"[\s()./-]+")
_WILD = re.compile(r"[%_\\]")  # what LIKE does not take as it is
_NUMBER = re.compile(r"\+?[\d\s()./-]{5,}")


def text_of(record: Searchable) -> str:
    """Return all that finds a record: its search keys, numbers without gaps, names' sounds."""
    parts = [str(value) for key in record.search_keys if (value := getattr(record, key))]
    text = plain("\n".join(parts))
    numbers = [part for part in map(plain, parts) if _NUMBER.fullmatch(part)]
    joined = {_GAPS.sub("", part) for part in numbers if _GAPS.search(part)}
    names: list[str] = []
    for key in record.spoken_keys:
        name = getattr(record, key)
        if name and not any(name in longer for longer in names):
            names.append(name)  # what is part of a name sounds as that part of it
    sounds = [sound for name in names if (sound := pinyin.keys(name))]
    return "\n".join([text, *sorted(joined), *sounds])


def plain(text: str) -> str:
    """Return the text in small letters, full-width letters and digits made plain ones."""
    return unicodedata.normalize("NFKC", text).lower()


def words(text: str) -> list[str]:
    """Return the words to look for; a record is found when it has them all."""
    typed = plain(text.replace("\0", "")[:LONGEST])
    return typed.split()[:MOST_WORDS]


def condition(
    model: type[Record], actor: User, text: str
) -> tuple[ColumnElement[bool], dict[str, Any]]:
    """Return the condition that holds for records in which every word occurs somewhere.

    With it come the values to execute it with: one condition serves all searches of a kind. A field
    the actor may not see finds nothing. Source: A21
    """
    keys = model.search_keys
    found = words(text)
    if not found or not keys:
        return false(), {}
    if issubclass(model, Searchable) and all(access.readable(actor, model, key) for key in keys):
        return _has_all(model, found)
    columns = inspect(model).columns
    seen = [columns[key] for key in keys if access.readable(actor, model, key)]
    each = (
        or_(false(), *(column.icontains(word, autoescape=True) for column in seen))
        for word in found
    )
    return and_(*each), {}


def _has_all(model: type[Record], typed: list[str]) -> tuple[ColumnElement[bool], dict[str, Any]]:
    """Return whether the records' `search_text` has every word, and the values of that.

    The index finds those that have all pairs of characters of the words; where that does not say
    that they stand together, the text itself is looked at.
    """
    pieces = sorted({piece for word in typed for piece in _pieces(word)})
    doubtful = [word for word in typed if len(word) > _PAIR or not _pieces(word)]
    sqlite = db.engine.dialect.name == "sqlite"
    values: dict[str, Any] = {}
    for place, word in enumerate(doubtful):
        values[f"word_{place}"] = f"%{_WILD.sub(_literally, word)}%" if sqlite else word
    if pieces and sqlite:
        # A quoted token each; a single character is the beginning of pairs.
        quoted = (f'"{piece}"{"*" if len(piece) < _PAIR else ""}' for piece in pieces)
        values["pieces"] = " ".join(quoted)
    elif pieces:
        values["pieces"] = pieces
    shape = _on_sqlite if sqlite else _on_postgresql
    return shape(model, len(doubtful), by_index=bool(pieces)), values


@cache
def _on_sqlite(model: type[Record], doubtful: int, *, by_index: bool) -> ColumnElement[bool]:
    """Return the condition for a search in which so many words are `doubtful`."""
    table, name = access.table_of(model), search_index.name(model.__tablename__)
    index = table_named(name, column("rowid"), column(name))
    fits = index.c[name].op("MATCH")(bindparam("pieces", type_=Text))
    text = table.c.search_text
    return and_(
        table.c.id.in_(select(index.c.rowid).where(fits)) if by_index else true(),
        *(text.like(bindparam(f"word_{place}"), escape="\\") for place in range(doubtful)),
    )


@cache
def _on_postgresql(model: type[Record], doubtful: int, *, by_index: bool) -> ColumnElement[bool]:
    """Return the condition for a search in which so many words are `doubtful`."""
    text, pairs = access.table_of(model).c.search_text, ARRAY(Text)
    wanted = bindparam("pieces", type_=pairs)
    return and_(
        func.crm_pairs(text, type_=pairs).contains(wanted) if by_index else true(),
        *(func.strpos(text, bindparam(f"word_{n}", type_=Text)) > 0 for n in range(doubtful)),
    )


def _literally(sign: re.Match[str]) -> str:
    return f"\\{sign[0]}"


def _pieces(word: str) -> set[str]:
    """Return the pairs of characters of a word that the index holds, or its only character."""
    if len(word) == 1:
        return {word} if _is_kept(word) else set()
    pairs = {word[at : at + _PAIR] for at in range(len(word) - 1)}
    return {pair for pair in pairs if all(map(_is_kept, pair))}


def _is_kept(character: str) -> bool:
    """Return whether the index has it: all but ASCII's signs and gaps."""
    return not character.isascii() or character.isalnum()
