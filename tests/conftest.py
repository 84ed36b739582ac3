"""What every test may ask for: an application on a small database, and six people.

`pytest --postgresql` runs the same tests on a PostgreSQL server started for them.

Ana sells in the north, Ben supervises the north, Cho sells in the south, Dev is an administrator at
headquarters, Eve works in its back office and Fay audits. Each test finds the database as a new
installation has it, with these people in it; what a test writes is gone after it.
"""

from contextvars import Context
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import has_app_context
from flask.testing import FlaskClient

from app import create_app
from crm_admin.database import db
from crm_admin.models import closed, unchangeable
from crm_admin.models.base import Model
from crm_admin.models.departments import Department
from crm_admin.models.users import User
from crm_admin.services import organisation, records, sessions, setup

pytest_plugins = ["tests.parts", "tests.postgresql", "tests.browser", "tests.mailing"]

ROOT = Path(__file__).parent.parent
PASSWORD = "a horse, a kingdom"
CAST = {  # name -> department, role
    "ana": ("north", "sales"),
    "ben": ("north", "supervisor"),
    "cho": ("south", "sales"),
    "dev": ("hq", "administrator"),
    "eve": ("hq", "back_office"),
    "fay": ("hq", "auditor"),
}


class Browser(FlaskClient):
    """A client whose requests know nothing of the test's own context, session or user.

    Within the test's application context all requests would share its `g`, and with it the user who
    came first.
    """

    def open(self, *args, **kwargs):
        kwargs.setdefault("buffered", True)  # what is sent in pieces is read, and closed, here
        answer = Context().run(super().open, *args, **kwargs)
        if has_app_context():
            db.session.rollback()  # the test sees what was written
        return answer


@pytest.fixture(scope="session")
def database(request, tmp_path_factory):
    """The address of an empty database, one for each worker."""
    if request.config.getoption("postgresql"):
        return request.getfixturevalue("postgresql_url")
    return f"sqlite:///{tmp_path_factory.mktemp('data')}/crm.db"


@pytest.fixture(scope="session")
def site(database, tmp_path_factory):
    """The application, built once a run, on a new installation's database with the cast in it."""
    site = create_app(
        TESTING=True,
        SECRET_KEY="tests",
        DATABASE_URL=database,
        INSTANCE=str(tmp_path_factory.mktemp("instance")),
        TIMEZONE="Asia/Shanghai",
        WTF_CSRF_ENABLED=False,
    )
    site.test_client_class = Browser
    with site.app_context():
        db.create_all()
        setup.prepare(ROOT / "config", PASSWORD)
        _hire()
        site.put_back = _snapshot()
        db.session.remove()
    yield site
    with site.app_context():
        db.session.remove()
        db.engine.dispose()


def _snapshot():
    """Copy all tables that have rows; return what puts everything back as it is now.

    PostgreSQL takes them in one piece, which is ten times as fast as one after the other.
    """
    tables, statements = Model.metadata.sorted_tables, []
    with db.engine.connect().execution_options(crm_writes=True) as connection:
        for table in reversed(tables):
            statements.append(f"DELETE FROM {table.name}")
        for table in tables:
            if connection.execute(table.select().limit(1)).first():
                connection.exec_driver_sql(
                    f"CREATE TABLE was_{table.name} AS SELECT * FROM {table.name}"
                )
                statements.append(f"INSERT INTO {table.name} SELECT * FROM was_{table.name}")
        connection.commit()
    dialect = db.engine.dialect.name
    if dialect == "postgresql":  # its owner may; triggers are asleep until the transaction ends
        statements = ["; ".join(["SET LOCAL session_replication_role = replica", *statements])]
    else:
        kept = [t.name for t in tables if t.info.get("unchangeable")]
        asleep = [gone for table in kept for gone in unchangeable.asleep(table)]
        awake = [made for table in kept for made in unchangeable.statements(table, dialect)]
        with db.engine.connect() as connection:
            asleep += closed.asleep(connection)
            awake += [made for made in closed.statements(connection) if "DROP" not in made[:4]]
        statements = [*asleep, *statements, *awake]

    def put_back():
        db.session.remove()
        with db.engine.connect().execution_options(crm_writes=True) as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
            connection.commit()

    return put_back


def _hire():
    """Add the departments and the people of the cast."""
    system = organisation.system()
    with records.transaction("tests"):
        hq = organisation.department("HQ")
        places = {"hq": hq}
        for code in ("north", "south"):
            place = places[code] = Department(code=code, name=code.title(), parent_id=hq.id)
            records.save(place, system)
        for name, (place, role) in CAST.items():
            user = User(username=name, name=name.title(), department_id=places[place].id)
            user.roles = [organisation.role(role)]
            records.save(user, system)
            user.password_hash = organisation.by_username("admin").password_hash


@pytest.fixture
def app(site):
    """The application in its context; the database is put back after the test."""
    with site.app_context():
        yield site
        site.put_back()


@pytest.fixture
def people(app):
    """The cast, by name, and the system."""
    found = {name: organisation.by_username(name) for name in CAST}
    return SimpleNamespace(**found, system=organisation.system())


@pytest.fixture
def client_of(app):
    """Return a browser signed in as the given user: `client_of(people.ana).get("/contracts/")`."""
    from crm_admin.views.signing_in import limits

    def sign_in(user):
        client = app.test_client()
        token = sessions.open_session(user, "127.0.0.1", "tests", limits())
        with client.session_transaction() as session:
            session["token"] = token
        return client

    return sign_in
