"""Drop the indexes that searches on SQLite read before; those of pairs are made after migrating."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = ("contacts", "contracts", "customers", "expenses", "interactions", "promotion_materials")


def upgrade():
    for table in _TABLES:
        op.execute(f"DROP INDEX IF EXISTS search_{table}")


def downgrade():
    if op.get_bind().dialect.name == "sqlite":
        for table in _TABLES:
            op.execute(
                f"CREATE INDEX search_{table} ON {table} (search_text, deleted_at) "
                "WHERE deleted_at IS NULL"
            )
