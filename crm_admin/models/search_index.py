"""The index a search reads: which records have which pairs of characters in their `search_text`.

Pairs, because most Chinese words have two characters, which neither database's own indexes of three
can find. The database keeps the index in step itself, whoever writes. It is no part of the tables
that both databases share: it is made with each table, and made good after every migration, since
rebuilding a table on SQLite drops its triggers.

PostgreSQL has an index over its function `crm_pairs`; SQLite an FTS5 table without content beside
each table, kept by triggers that call the function of that name which every connection is given.
"""

import sqlite3
from collections.abc import Iterator

from sqlalchemy import Connection, Table, event, inspect, text

#: On PostgreSQL: all characters of a text, and all that stand side by side.
_FUNCTION = """
CREATE OR REPLACE FUNCTION crm_pairs(words text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 10000 AS $$
    SELECT array_agg(DISTINCT piece) FROM (
        SELECT unnest(ARRAY[letter, letter || lead(letter, 1, '') OVER (ORDER BY place)]) AS piece
        FROM unnest(string_to_array(words, NULL)) WITH ORDINALITY AS letters (letter, place)
    ) AS pieces
$$
"""
# Plain letters, digits and all that is not ASCII make tokens; a pair with a gap in it makes none.
_PAIRS = """
CREATE VIRTUAL TABLE {index} USING fts5(
    pairs, content='', columnsize=0, detail=none, tokenize='ascii'
)
"""


def name(table: str) -> str:
    """Return what the index of a table is called."""
    return f"search_pairs_{table}"


def pairs(words: str) -> str:
    """Return all characters of a text that stand side by side, with gaps between them."""
    return " ".join({one + next_ for one, next_ in zip(words, f"{words} "[1:], strict=True)})


def teach(connection: sqlite3.Connection) -> None:
    """Give a connection the function that the triggers call."""
    connection.create_function("crm_pairs", 1, pairs, deterministic=True)


def keep(table: Table) -> None:
    """Make the index whenever the table is created."""
    event.listen(table, "after_create", lambda table, connection, **_: make(table.name, connection))


def make(table: str, connection: Connection) -> None:
    """Make what is missing of a table's index, and fill it if all of it was."""
    index = name(table)
    if connection.dialect.name == "postgresql":
        connection.execute(text(_FUNCTION))
        made = f"CREATE INDEX IF NOT EXISTS {index} ON {table} USING gin (crm_pairs(search_text))"
        connection.execute(text(made))
        return
    if not inspect(connection).has_table(index):
        connection.execute(text(_PAIRS.format(index=index)))
        rows = f"SELECT id, crm_pairs(search_text) FROM {table}"  # nosec B608
        connection.exec_driver_sql(f"INSERT INTO {index} (rowid, pairs) {rows}")
    for trigger in _triggers(table, index):
        connection.exec_driver_sql(trigger)


def _triggers(table: str, index: str) -> Iterator[str]:
    """Yield the triggers that follow the table. What an index without content had, it is told."""
    new, old = "(new.id, crm_pairs(new.search_text))", "old.id, crm_pairs(old.search_text)"
    add = f"INSERT INTO {index} (rowid, pairs) VALUES {new};"  # nosec B608
    drop = f"INSERT INTO {index} ({index}, rowid, pairs) VALUES ('delete', {old});"  # nosec B608
    changed = "WHEN old.search_text IS NOT new.search_text"
    for what, when, done in (
        ("INSERT", "", add),
        ("UPDATE OF search_text", changed, drop + add),
        ("DELETE", "", drop),
    ):
        trigger = f"{index}_{what.split()[0].lower()}"
        yield (
            f"CREATE TRIGGER IF NOT EXISTS {trigger} AFTER {what} ON {table} {when} "
            f"BEGIN {done} END"
        )
