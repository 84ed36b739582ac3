"""Note of a reminder that somebody else put it right, which is no repair of who was reminded."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade():
    others = sa.Column("by_others", sa.Boolean(), nullable=False, server_default=sa.false())
    with op.batch_alter_table("reminders", recreate=_rebuilt()) as batch_op:
        batch_op.add_column(others)
    with op.batch_alter_table("reminders") as batch_op:
        batch_op.alter_column("by_others", server_default=None)


def _rebuilt():
    """Return that SQLite writes the table anew: a column it only adds stands where no model has it."""
    return "always" if op.get_bind().dialect.name == "sqlite" else "never"


def downgrade():
    with op.batch_alter_table("reminders") as batch_op:
        batch_op.drop_column("by_others")
