"""Keep handovers with their reasons, the time in the pool, and each person's most customers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_ROLES = sa.table("roles", sa.column("id"), sa.column("code"), sa.column("grants", _DOCUMENT))
#: Those of the shipped roles that take customers from the pool.
_CLAIMING = ("administrator", "supervisor", "sales")
_IN_POOL_SINCE = """
    UPDATE customers SET pooled_at = COALESCE(
        (SELECT MAX(until_at) FROM assignments
         WHERE assignments.customer_id = customers.id AND part = 'account_manager'),
        created_at
    ) WHERE account_manager_id IS NULL
"""


def _rebuilt():
    """Return that SQLite writes the table anew: a column it only adds stands where no model has it."""
    return "always" if op.get_bind().dialect.name == "sqlite" else "never"


def upgrade():
    op.create_table('handovers',
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('to_id', sa.Integer(), nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('undone_at', sa.DateTime(), nullable=True),
    sa.Column('undone_by_id', sa.Integer(), nullable=True),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['users.id'], name=op.f('fk_handovers_by_id')),
    sa.ForeignKeyConstraint(['to_id'], ['users.id'], name=op.f('fk_handovers_to_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_handovers'))
    )
    with op.batch_alter_table('handovers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_handovers_by_id'), ['by_id'], unique=False)

    op.create_table('handed_over',
    sa.Column('handover_id', sa.Integer(), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('entity', sa.String(length=200), nullable=False),
    sa.Column('record_id', sa.Integer(), nullable=False),
    sa.Column('field_key', sa.String(length=200), nullable=False),
    sa.Column('from_id', sa.Integer(), nullable=True),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customers.id'], name=op.f('fk_handed_over_customer_id')),
    sa.ForeignKeyConstraint(['from_id'], ['users.id'], name=op.f('fk_handed_over_from_id')),
    sa.ForeignKeyConstraint(['handover_id'], ['handovers.id'], name=op.f('fk_handed_over_handover_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_handed_over'))
    )
    with op.batch_alter_table('handed_over', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_handed_over_handover_id'), ['handover_id'], unique=False)

    with op.batch_alter_table('assignments', schema=None) as batch_op:
        batch_op.add_column(sa.Column('reason', sa.String(length=500), nullable=True))
        batch_op.add_column(sa.Column('end_reason', sa.String(length=500), nullable=True))
        batch_op.add_column(sa.Column('handover_id', sa.Integer(), nullable=True))
        batch_op.create_index(batch_op.f('ix_assignments_handover_id'), ['handover_id'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_assignments_handover_id'), 'handovers', ['handover_id'], ['id'])

    with op.batch_alter_table('customers', recreate=_rebuilt()) as batch_op:
        batch_op.add_column(sa.Column('pooled_at', sa.DateTime(), nullable=True))

    with op.batch_alter_table('users', recreate=_rebuilt()) as batch_op:
        batch_op.add_column(sa.Column('customer_limit', sa.Integer(), nullable=True))

    op.execute(_IN_POOL_SINCE)
    _let_claim()


def _let_claim():
    """Give the shipped roles, as they are kept by now, the right that a new installation has."""
    connection = op.get_bind()
    roles = sa.select(_ROLES.c.id, _ROLES.c.grants).where(_ROLES.c.code.in_(_CLAIMING))
    for id, grants in connection.execute(roles).all():
        entity = "customers" if "customers" in grants else "*"
        if "claim" not in grants.get(entity, {}):
            more = {**grants, entity: {**grants.get(entity, {}), "claim": "all"}}
            connection.execute(_ROLES.update().where(_ROLES.c.id == id).values(grants=more))



def downgrade():
    with op.batch_alter_table('users', schema=None) as batch_op:
        batch_op.drop_column('customer_limit')

    with op.batch_alter_table('customers', schema=None) as batch_op:
        batch_op.drop_column('pooled_at')

    with op.batch_alter_table('assignments', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_assignments_handover_id'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_assignments_handover_id'))
        batch_op.drop_column('handover_id')
        batch_op.drop_column('end_reason')
        batch_op.drop_column('reason')

    with op.batch_alter_table('handed_over', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_handed_over_handover_id'))

    op.drop_table('handed_over')
    with op.batch_alter_table('handovers', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_handovers_by_id'))

    op.drop_table('handovers')
