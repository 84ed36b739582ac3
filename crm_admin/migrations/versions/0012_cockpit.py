"""Keep reviews and reminders, find what changed on a day, and let supervisors review."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_ROLES = sa.table("roles", sa.column("id"), sa.column("code"), sa.column("grants", _DOCUMENT))
_STANDING = sa.text("superseded_at IS NULL AND undone_at IS NULL")
_UNHEEDED = sa.text("repaired_at IS NULL")
_STILL_OPEN = sa.text("closed_at IS NULL AND written_on IS NOT NULL")
_DONE = sa.text("action != 'loaded'")
#: Those of the shipped roles that review, and how far; who may see everybody's use of the system.
_REVIEWING = {"administrator": "all", "supervisor": "below"}
_REVIEWED = ("interactions", "customers", "contacts", "contracts")


def _rebuilt():
    """Return that SQLite writes the table anew: a column it only adds stands where no model has it."""
    return "always" if op.get_bind().dialect.name == "sqlite" else "never"


def _lacks(table, column):
    """Return whether a table has not got a column that an earlier migration may have added."""
    return column not in {known["name"] for known in sa.inspect(op.get_bind()).get_columns(table)}


def _add_what_is_read():
    """Add the columns of other tables that are read here, where they are not there yet."""
    if _lacks("interactions", "closed_late"):
        with op.batch_alter_table("interactions", recreate=_rebuilt()) as batch_op:
            batch_op.add_column(sa.Column("written_on", sa.Date(), nullable=True))
            late = sa.Column("closed_late", sa.Boolean(), nullable=False, server_default=sa.false())
            batch_op.add_column(late)
        with op.batch_alter_table("interactions") as batch_op:
            batch_op.alter_column("closed_late", server_default=None)
    if _lacks("findings", "reminded_at"):
        with op.batch_alter_table("findings", recreate=_rebuilt()) as batch_op:
            batch_op.add_column(sa.Column("reminded_at", sa.DateTime(), nullable=True))
            batch_op.add_column(sa.Column("reminded_by_id", sa.Integer(), nullable=True))
            batch_op.create_foreign_key(
                batch_op.f("fk_findings_reminded_by_id"), "users", ["reminded_by_id"], ["id"]
            )


def upgrade():
    _add_what_is_read()
    op.create_table(
        "reviews",
        sa.Column("entity", sa.String(length=200), nullable=False),
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("fixed_at", sa.DateTime(), nullable=True),
        sa.Column("superseded_at", sa.DateTime(), nullable=True),
        sa.Column("undone_at", sa.DateTime(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name=op.f("fk_reviews_by_id")),
        sa.ForeignKeyConstraint(["person_id"], ["users.id"], name=op.f("fk_reviews_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
    )
    op.create_table(
        "reminders",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("entity", sa.String(length=200), nullable=False),
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.Column("lacking", sa.String(length=40), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("repaired_at", sa.DateTime(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name=op.f("fk_reminders_by_id")),
        sa.ForeignKeyConstraint(["person_id"], ["users.id"], name=op.f("fk_reminders_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminders")),
    )
    _add_indexes()
    _let_review()


def _add_indexes():
    standing = {"sqlite_where": _STANDING, "postgresql_where": _STANDING}
    unheeded = {"sqlite_where": _UNHEEDED, "postgresql_where": _UNHEEDED}
    record = ["entity", "record_id"]
    once = ["person_id", "on_day", "entity", "record_id", "lacking"]
    op.create_index("uq_reviews_standing", "reviews", record, unique=True, **standing)
    op.create_index(op.f("ix_reviews_entity_record_id_id"), "reviews", [*record, "id"])
    op.create_index(op.f("ix_reviews_person_id_on_day"), "reviews", ["person_id", "on_day"])
    op.create_index(op.f("ix_reviews_by_id_id"), "reviews", ["by_id", "id"])
    name = op.f("ix_reminders_person_id_on_day_entity_record_id_lacking")
    op.create_index(name, "reminders", once, unique=True)
    op.create_index(op.f("ix_reminders_entity_record_id"), "reminders", record, **unheeded)
    done = {"sqlite_where": _DONE, "postgresql_where": _DONE}
    name = op.f("ix_audit_entries_entity_created_at")
    op.create_index(name, "audit_entries", ["entity", "created_at"], **done)
    waiting = {"sqlite_where": _STILL_OPEN, "postgresql_where": _STILL_OPEN}
    columns = ["written_on", "author_id"]
    op.create_index("ix_interactions_still_open", "interactions", columns, **waiting)
    for table in ("interactions", "contacts", "contracts"):
        name = op.f(f"ix_{table}_updated_at_id")
        op.create_index(name, table, ["updated_at", "id"])


def _let_review():
    """Give the shipped roles, as they are kept by now, the rights that a new installation has."""
    connection = op.get_bind()
    roles = sa.select(_ROLES).where(_ROLES.c.code.in_(_REVIEWING))
    for id, code, grants in connection.execute(roles).all():
        more = {entity: dict(row) for entity, row in grants.items()}
        for entity in {"*", *_REVIEWED} & more.keys():
            more[entity].setdefault("review", _REVIEWING[code])
        if code == "administrator":
            for entity in {"*", "users"} & more.keys():
                more[entity].setdefault("appraise", "all")
        connection.execute(_ROLES.update().where(_ROLES.c.id == id).values(grants=more))


def downgrade():
    op.drop_index("ix_interactions_still_open", "interactions")
    for table in ("interactions", "contacts", "contracts"):
        op.drop_index(f"ix_{table}_updated_at_id", table)
    op.drop_index("ix_audit_entries_entity_created_at", "audit_entries")
    op.drop_table("reminders")
    op.drop_table("reviews")
