"""The installation itself: whether its tables are those of this version, and making them so."""

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask_migrate import upgrade as upgrade_tables
from sqlalchemy import text

from crm_admin.database import MIGRATIONS, db


def version() -> str | None:
    """Return the version of the database's tables, or None for an empty database."""
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """Return the version of the tables that this program works with."""
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


def versions() -> set[str]:
    """Return all versions of the tables that this program knows, the newest among them."""
    return {step.revision for step in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}


def disconnect() -> None:
    """Close every connection to the database, as before this process is split in several."""
    db.session.remove()
    db.engine.dispose()


def upgrade() -> None:
    """Bring the database's tables to this program's version; all of it happens or none."""
    upgrade_tables(directory=str(MIGRATIONS))


def answers() -> bool:
    """Return whether the database can be asked anything."""
    return bool(db.session.scalar(text("SELECT 1")) == 1)
