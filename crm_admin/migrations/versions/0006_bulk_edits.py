"""Bulk edits, kept so that each can be taken back as one."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "bulk_edits",
        sa.Column("entity", sa.String(length=200), nullable=False),
        sa.Column("field_key", sa.String(length=200), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=False),
        sa.Column(
            "done", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("undone_at", sa.DateTime(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_bulk_edits_actor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_edits")),
    )
    with op.batch_alter_table("bulk_edits", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bulk_edits_actor_id"), ["actor_id"], unique=False)


def downgrade():
    op.drop_table("bulk_edits")
