"""Installations of their own for tests that need a real one: migrated, on a database of theirs."""

from contextlib import ExitStack, contextmanager
from pathlib import Path

from app import create_app
from crm_admin.services import installation, setup
from tests.postgresql import _database

ROOT = Path(__file__).parent.parent
PASSWORD = "a horse, a kingdom"


#: SQLite's file of a new installation, made once a run.
_made: list[bytes] = []


def _copied(folder):
    if _made:
        (folder / "crm.db").write_bytes(_made[0])
    return bool(_made)


def _keep(folder):
    if not _made:
        _made.append((folder / "crm.db").read_bytes())


@contextmanager
def database(request):
    """Return the address of a new database: "" for the instance's own SQLite file."""
    with ExitStack() as stack:
        if not request.config.getoption("postgresql"):
            yield ""
        else:
            server = request.getfixturevalue("postgresql_url")
            yield stack.enter_context(_database(server))


@contextmanager
def installed(folder, request, **settings):
    """Yield an application on a new installation in the folder, outside its context."""
    with database(request) as url:
        app = create_app(
            INSTANCE=str(folder),
            DATABASE_URL=url,
            SECRET_KEY="tests",
            TIMEZONE="Asia/Shanghai",
            TESTING=True,
            **settings,
        )
        with app.app_context():
            if url or not _copied(folder):
                installation.upgrade()
                setup.prepare(ROOT / "config", PASSWORD)
            installation.disconnect()
            if not url:
                _keep(folder)
        yield app
        with app.app_context():
            installation.disconnect()
