"""The migrations build the very tables, indexes and checks that the models describe."""

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from flask_migrate import check, upgrade
from sqlalchemy import create_engine, inspect, make_url, text

from app import create_app
from crm_admin.database import MIGRATIONS, db
from crm_admin.models.base import Model
from crm_admin.models.customers import Customer
from crm_admin.services import expressions

VERSIONS = sorted((Path(MIGRATIONS) / "versions").glob("*.py"))


@pytest.fixture
def build(tmp_path):
    """Return a function that builds an application on a database of its own, in its context."""
    built = []

    def new(url):
        site = create_app(SECRET_KEY="tests", INSTANCE=str(tmp_path), DATABASE_URL=url)
        context = site.app_context()
        context.push()
        built.append(context)
        return site

    yield new
    for context in built:
        db.session.remove()
        db.engine.dispose()
        context.pop()


def test_migrations_are_numbered_in_order_and_end_in_one_place():
    numbers = [path.name[:4] for path in VERSIONS]
    assert numbers == [f"{n:04}" for n in range(1, len(VERSIONS) + 1)]
    assert len(ScriptDirectory(str(MIGRATIONS)).get_heads()) == 1


def test_migrations_import_no_models():
    for path in VERSIONS:
        assert "crm_admin" not in path.read_text(encoding="utf-8").split('"""', 2)[2], path.name


def test_a_new_database_matches_the_models(build, tmp_path):
    build(f"sqlite:///{tmp_path}/upgraded.db")
    upgrade()
    check()  # exits where a table and its model differ
    upgraded = _schema(db.engine)
    fresh = create_engine(f"sqlite:///{tmp_path}/fresh.db")
    Model.metadata.create_all(fresh)
    assert upgraded == _schema(fresh)
    fresh.dispose()


def test_a_new_database_on_postgresql_matches_the_models(build, postgresql_url):
    with _Empty(postgresql_url) as url:
        build(url)
        upgrade()
        check()
        upgraded = _indexes_and_checks(db.engine), _triggers(db.engine)
        db.engine.dispose()
    with _Empty(postgresql_url) as url:
        fresh = create_engine(url)
        Model.metadata.create_all(fresh)
        assert upgraded == (_indexes_and_checks(fresh), _triggers(fresh))
        fresh.dispose()


class _Empty:
    """A database of its own on the same server."""

    def __init__(self, url):
        self.url = make_url(url)
        self.name = f"{self.url.database}_empty"

    def _run(self, command):
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(command))
        engine.dispose()

    def __enter__(self):
        self._run(f'CREATE DATABASE "{self.name}" TEMPLATE template0')
        return self.url.set(database=self.name).render_as_string(hide_password=False)

    def __exit__(self, *_):
        self._run(f'DROP DATABASE "{self.name}" WITH (FORCE)')


def _schema(engine):
    """Return {name: what SQLite keeps of its making}, however it is spaced and ordered."""
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
        found = {name: sql for name, sql in rows if not name.startswith(("alembic", "sqlite_"))}
    return {name: sorted(_lines(sql)) for name, sql in found.items()}


def _lines(sql):
    return [" ".join(line.split()).rstrip(",") for line in sql.replace('"', "").split("\n")]


def _indexes_and_checks(engine):
    found = inspect(engine)
    return {
        table: (
            sorted(str(sorted(i.items(), key=str)) for i in found.get_indexes(table)),
            sorted((c["name"], c["sqltext"]) for c in found.get_check_constraints(table)),
            sorted((k["name"], k["referred_table"]) for k in found.get_foreign_keys(table)),
            sorted((c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(table)),
        )
        for table in found.get_table_names()
        if not table.startswith("alembic")
    }


def test_conditions_of_rules_become_expressions(build, tmp_path):
    build(f"sqlite:///{tmp_path}/kept.db")
    upgrade(revision="0006")
    columns = "entity, field_key, kind, severity, weight, is_active, condition, message"
    columns += ", updated_at, version, created_at"
    insert = f"INSERT INTO rules ({columns}) VALUES "
    kept = ["grade=A", "name = O'Hara", "parent=5", "stage=customer", None]
    with db.engine.connect().execution_options(crm_writes=True) as connection:
        for condition in kept:
            values = {"condition": condition, "message": "Look!"}
            row = "('customers', 'phone', 'required', 'warn', 1, 1, :condition, :message, "
            row += "'2026-01-01', 1, '2026-01-01')"
            connection.execute(text(insert + row), values)
        connection.commit()
    upgrade()
    with db.engine.connect() as connection:
        rows = connection.execute(text("SELECT condition, message_en FROM rules ORDER BY id"))
        found = [tuple(row) for row in rows]
    written = ["grade = 'A'", "name = 'O''Hara'", "parent = 5", "stage = 'customer'", None]
    assert found == [(condition, "Look!") for condition in written]
    for condition in filter(None, written):
        expressions.compiled(Customer, condition)  # it can be read


def _triggers(engine):
    """Return {what watches a table on PostgreSQL, and what it calls: its making}."""
    made = "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
    called = "SELECT proname, prosrc FROM pg_proc WHERE proname LIKE 'crm_%'"
    with engine.connect() as connection:
        found = {
            name: said for query in (made, called) for name, said in connection.execute(text(query))
        }
    assert {"interactions_closed", "interactions_closed_all", "corrections_stay"} <= found.keys()
    return found
