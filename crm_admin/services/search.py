"""Searching: what a record is found by, and the condition that finds it."""

import re
import unicodedata
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, inspect, or_

from crm_admin.database import db
from crm_admin.models.base import Record, Searchable
from crm_admin.models.users import User
from crm_admin.services import access, pinyin

#: How much of what was typed is looked at: characters, and words.
LONGEST, MOST_WORDS = 100, 6
_GAPS = re.compile(r"[\s()./-]+")
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


def condition(model: type[Record], actor: User, text: str) -> ColumnElement[bool]:
    """Return the condition that holds for records in which every word occurs somewhere.

    A field the actor may not see finds nothing. Source: A21
    """
    if not issubclass(model, Searchable):
        return false()
    keys = model.search_keys
    found = words(text)
    if not found:
        return false()
    if all(access.readable(actor, model, key) for key in keys):
        return and_(*(_has(access.table_of(model).c.search_text, word) for word in found))
    columns = inspect(model).columns
    seen = [columns[key] for key in keys if access.readable(actor, model, key)]
    return and_(
        *(
            or_(false(), *(column.icontains(word, autoescape=True) for column in seen))
            for word in found
        )
    )


def _has(column: Any, word: str) -> ColumnElement[bool]:
    """Return whether the column, kept in small letters, has the word; LIKE is SQLite's quickest."""
    if db.engine.dialect.name == "sqlite":
        found: ColumnElement[bool] = column.contains(word, autoescape=True)
        return found
    return func.strpos(column, word) > 0
