"""Tables whose rows stay as they were written: the database itself refuses to change them.

Triggers do it, made with the table and made good after every migration, since rebuilding a table on
SQLite drops its triggers. Whoever owns the database can take them away.
"""

from collections.abc import Iterator

from sqlalchemy import Connection, Table, event

REFUSED = "What is written here cannot be changed."
#: On PostgreSQL: what each of the triggers calls.
_FUNCTION = f"""
CREATE OR REPLACE FUNCTION crm_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '{REFUSED}'; END
$$
"""


def keep(table: Table) -> None:
    """Refuse changes of the table's rows from when it is created on."""
    event.listen(table, "after_create", lambda table, connection, **_: make(table.name, connection))
    table.info["unchangeable"] = True


def make(table: str, connection: Connection) -> None:
    """Make what is missing of a table's triggers."""
    for statement in statements(table, connection.dialect.name):
        connection.exec_driver_sql(statement)


def statements(table: str, dialect: str) -> Iterator[str]:
    """Yield what makes the triggers of a table that has none, or has them."""
    if dialect == "postgresql":
        yield _FUNCTION
        yield f"DROP TRIGGER IF EXISTS {table}_stay ON {table}"
        yield (
            f"CREATE TRIGGER {table}_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION crm_refuse()"
        )
        return
    # What replaces a row does not count as deleting it there.
    replaced = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id) "  # nosec B608
    for what, when in (("UPDATE", ""), ("DELETE", ""), ("INSERT", replaced)):
        yield (
            f"CREATE TRIGGER IF NOT EXISTS {table}_stay_{what.lower()} BEFORE {what} ON {table} "
            f"{when}BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
        )


def asleep(table: str) -> Iterator[str]:
    """Yield what takes the triggers of a table on SQLite away."""
    for what in ("update", "delete", "insert"):
        yield f"DROP TRIGGER {table}_stay_{what}"
