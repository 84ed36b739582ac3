"""Runs migrations on a connection of their own: all of one upgrade happens, or nothing."""

from alembic import context
from flask import current_app
from sqlalchemy import create_engine, inspect
from sqlalchemy.pool import NullPool

from crm_admin.models import closed, search_index, unchangeable

settings = current_app.extensions["migrate"]


def run(connection):
    sqlite = connection.dialect.name == "sqlite"
    raw = connection.connection.driver_connection
    if sqlite:
        # Batch mode drops the table it has copied, which SQLite refuses while others point at it.
        # The switch works only outside a transaction, so it goes past SQLAlchemy.
        raw.execute("PRAGMA foreign_keys=OFF")
    connection = connection.execution_options(crm_writes=True)
    context.configure(
        connection=connection, target_metadata=settings.db.metadata, **settings.configure_args
    )
    with context.begin_transaction():
        for statement in closed.asleep(connection):
            connection.exec_driver_sql(statement)
        context.run_migrations()
        # A rebuilt table has lost what keeps its search index in step, and its rows as they were.
        for table in settings.db.metadata.tables.values():
            if not inspect(connection).has_table(table.name):
                continue
            if "search_text" in table.columns:
                search_index.make(table.name, connection)
            if table.info.get("unchangeable"):
                unchangeable.make(table.name, connection)
        closed.make(connection)
        if sqlite:
            broken = raw.execute("PRAGMA foreign_key_check").fetchall()
            if broken:
                raise RuntimeError(f"The migration left rows that point at nothing: {broken[:5]}")


engine = create_engine(settings.db.engine.url, poolclass=NullPool)
with engine.connect() as connection:
    run(connection)
