"""Bulk edits, kept so that each can be taken back as one; and the new rights for shipped roles."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_ROLES = sa.table("roles", sa.column("id"), sa.column("code"), sa.column("grants", _DOCUMENT))
_SHIPPED = ("administrator", "supervisor", "sales", "back_office")
_OWN = {"view": "own", "create": "own", "edit": "own", "delete": "own", "share": "own"}


def upgrade():
    op.create_table(
        "bulk_edits",
        sa.Column("entity", sa.String(length=200), nullable=False),
        sa.Column("field_key", sa.String(length=200), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=False),
        sa.Column("done", _DOCUMENT, nullable=False),
        sa.Column("undone_at", sa.DateTime(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_bulk_edits_actor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_edits")),
    )
    with op.batch_alter_table("bulk_edits", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bulk_edits_actor_id"), ["actor_id"], unique=False)
    _give_rights()


def _give_rights():
    """Give the shipped roles, as they are kept by now, the rights that a new installation has."""
    connection = op.get_bind()
    roles = sa.select(_ROLES).where(_ROLES.c.code.in_(_SHIPPED))
    for id, code, grants in connection.execute(roles).all():
        more = {entity: dict(row) for entity, row in grants.items()}
        for entity in ("*", "expenses"):
            if scope := more.get(entity, {}).get("edit"):
                more[entity] = {"bulk_edit": scope, "share": scope, **more[entity]}
        if code == "administrator" and "*" in more:
            more["*"].setdefault("view_as", "all")
        if code == "back_office":
            more.setdefault("deputies", _OWN)
        connection.execute(_ROLES.update().where(_ROLES.c.id == id).values(grants=more))


def downgrade():
    op.drop_table("bulk_edits")
