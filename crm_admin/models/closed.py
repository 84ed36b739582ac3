"""Closed interactions stay as they are: the database itself refuses to change or remove one.

Triggers do it, made once all tables are there and made good after every migration. They let one
change through: to open an interaction again that another person than the one who asked agreed to.
What is not its facts may change: its search text, its percentage, its version. Whoever owns the
database can take the triggers away. Source: B2
"""

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, Table, event, inspect

from crm_admin.models.base import Model

REFUSED = "A closed interaction stays as it is."
#: What a closed interaction says, and what says that it is closed.
FACTS = (
    "customer_id", "contact_id", "kind", "happened_at", "place", "content", "effect", "next_step",
    "next_step_on", "author_id", "written_on", "custom", "created_at", "created_by_id",
    "deleted_at",
)  # fmt: skip
CLOSING = ("closed_at", "closed_by_id", "closed_late", "status")
#: Without these tables nobody can have agreed to anything: a database that is not yet so far.
_NEEDED = {"interactions", "reopenings", "reopening_answers"}
_ATTENDEES: list[str] = []


def keep(interactions: Table, *attendees: Table) -> None:
    """Keep the rows of closed interactions, and of who attended, from when they are created on."""
    _ATTENDEES[:] = [table.name for table in attendees]
    event.listen(Model.metadata, "after_create", lambda _, connection, **__: make(connection))


def make(connection: Connection) -> None:
    """Make what is missing of the triggers, as far as the tables are there."""
    for statement in statements(connection):
        connection.exec_driver_sql(statement)


def statements(connection: Connection) -> Iterator[str]:
    """Yield what makes the triggers anew, or for the first time."""
    there = set(inspect(connection).get_table_names())
    if not there >= _NEEDED:
        return
    attendees = [table for table in _ATTENDEES if table in there]
    columns = {column["name"] for column in inspect(connection).get_columns("interactions")}
    facts = [key for key in FACTS if key in columns]
    if connection.dialect.name == "postgresql":
        schema = str(connection.exec_driver_sql("SELECT current_schema()").scalar())
        yield from _postgresql(f'"{schema}".', facts, attendees)
        return
    kept = set(connection.exec_driver_sql(_NAMES).scalars())
    for name, statement in _sqlite(facts, attendees):
        if name in kept:
            yield f"DROP TRIGGER {name}"
        yield statement


_NAMES = "SELECT name FROM sqlite_master WHERE type = 'trigger'"


def asleep(connection: Connection) -> Iterator[str]:
    """Yield what takes SQLite's triggers away, for as long as tables are rebuilt.

    Renaming a table fails there while a trigger of another names it.
    """
    if connection.dialect.name == "sqlite":
        kept = set(connection.exec_driver_sql(_NAMES).scalars())
        for name, _statement in _sqlite(FACTS, _ATTENDEES):
            if name in kept:
                yield f"DROP TRIGGER {name}"


def _changed(keys: Iterable[str], differs: str) -> str:
    return " OR ".join(f"NEW.{key} {differs} OLD.{key}" for key in keys)


def _agreed(schema: str = "") -> str:
    """Return the condition that two people opened the interaction as it was closed."""
    return (
        f"NEW.closed_at IS NULL AND EXISTS (SELECT 1 FROM {schema}reopenings r "  # nosec B608
        f"JOIN {schema}reopening_answers a ON a.reopening_id = r.id "
        "WHERE r.interaction_id = OLD.id AND r.closed_at = OLD.closed_at "
        "AND a.agreed AND a.by_id <> r.asked_by_id)"
    )


def _sqlite(facts: Iterable[str], attendees: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield (name, statement) of each trigger.

    What replaces a row does not count as removing it there, so that inserting is watched as well.
    """
    refuse = f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
    told = [
        (
            "update",
            "UPDATE",
            "NEW.id IS NOT OLD.id OR (OLD.closed_at IS NOT NULL AND "
            f"({_changed(facts, 'IS NOT')} OR "
            f"(({_changed(CLOSING, 'IS NOT')}) AND NOT ({_agreed()}))))",
        ),
        ("delete", "DELETE", "OLD.closed_at IS NOT NULL"),
        ("insert", "INSERT", _is_closed("interactions", "id", "NEW.id")),
    ]
    for name, what, when in told:
        yield (
            f"interactions_closed_{name}",
            f"CREATE TRIGGER interactions_closed_{name} BEFORE {what} ON interactions "
            f"WHEN {when} {refuse}",
        )
    for table in attendees:
        for name, rows in (("insert", "NEW"), ("update", "OLD NEW"), ("delete", "OLD")):
            when = " OR ".join(
                _is_closed("interactions", "id", f"{row}.interaction_id") for row in rows.split()
            )
            yield (
                f"{table}_closed_{name}",
                f"CREATE TRIGGER {table}_closed_{name} BEFORE {name.upper()} ON {table} "
                f"WHEN {when} {refuse}",
            )


def _is_closed(table: str, key: str, value: str) -> str:
    there = f"SELECT 1 FROM {table} WHERE {key} = {value}"  # nosec B608
    return f"EXISTS ({there} AND closed_at IS NOT NULL)"


def _postgresql(schema: str, facts: Iterable[str], attendees: Iterable[str]) -> Iterator[str]:
    """Yield what makes the functions and the triggers.

    Tables are named with their schema: else a temporary one of the same name would be asked.
    """
    changed = "IS DISTINCT FROM"
    refuse = f"RAISE EXCEPTION '{REFUSED}' USING ERRCODE = 'integrity_constraint_violation';"
    closed = f"SELECT closed_at FROM {schema}interactions"  # nosec B608
    any_closed = f"EXISTS ({closed} WHERE closed_at IS NOT NULL)"
    yield f"""
CREATE OR REPLACE FUNCTION {schema}crm_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    IF {any_closed} THEN {refuse} END IF;
    RETURN NULL;
  ELSIF TG_OP = 'DELETE' THEN
    IF OLD.closed_at IS NOT NULL THEN {refuse} END IF;
    RETURN OLD;
  ELSIF NEW.id <> OLD.id OR (OLD.closed_at IS NOT NULL AND ({_changed(facts, changed)}
    OR (({_changed(CLOSING, changed)}) AND NOT ({_agreed(schema)})))) THEN
    {refuse}
  END IF;
  RETURN NEW;
END $$"""
    one = f"({closed} WHERE id = {{}} FOR SHARE) IS NOT NULL"
    there = f"""
CREATE OR REPLACE FUNCTION {schema}crm_closed_attendee() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    IF {any_closed} THEN {refuse} END IF;
    RETURN NULL;
  END IF;
  IF TG_OP <> 'INSERT' AND {one.format("OLD.interaction_id")} THEN {refuse} END IF;
  IF TG_OP <> 'DELETE' AND {one.format("NEW.interaction_id")} THEN {refuse} END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$"""
    yield there
    for table in ("interactions", *attendees):
        function = "crm_closed" if table == "interactions" else "crm_closed_attendee"
        rows = "UPDATE OR DELETE" if table == "interactions" else "INSERT OR UPDATE OR DELETE"
        for name, what, each in (("closed", rows, "ROW"), ("closed_all", "TRUNCATE", "STATEMENT")):
            yield f"DROP TRIGGER IF EXISTS {table}_{name} ON {schema}{table}"
            yield (
                f"CREATE TRIGGER {table}_{name} BEFORE {what} ON {schema}{table} "
                f"FOR EACH {each} EXECUTE FUNCTION {schema}crm_closed()"
            ).replace("crm_closed()", f"{function}()")
