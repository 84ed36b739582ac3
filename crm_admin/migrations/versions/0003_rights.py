"""Shares, deputies, conditions of rights, cases that must hold, and looking as somebody else."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

_DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_CONDITIONS = ("conditions", "field_conditions")
_ROLES = sa.table("roles", *(sa.column(name, _DOCUMENT) for name in _CONDITIONS))


def upgrade():
    op.create_table('deputies',
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('deputy_id', sa.Integer(), nullable=False),
    sa.Column('occasion', sa.String(length=200), nullable=False),
    sa.Column('from_on', sa.Date(), nullable=False),
    sa.Column('until_on', sa.Date(), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('updated_at', sa.DateTime(), nullable=False),
    sa.Column('updated_by_id', sa.Integer(), nullable=True),
    sa.Column('deleted_at', sa.DateTime(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.CheckConstraint('from_on <= until_on', name=op.f('ck_deputies_dates_in_order')),
    sa.ForeignKeyConstraint(['deputy_id'], ['users.id'], name=op.f('fk_deputies_deputy_id')),
    sa.ForeignKeyConstraint(['person_id'], ['users.id'], name=op.f('fk_deputies_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_deputies'))
    )
    with op.batch_alter_table('deputies', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_deputies_deleted_at'), ['deleted_at'], unique=False, sqlite_where=sa.text('deleted_at IS NOT NULL'), postgresql_where=sa.text('deleted_at IS NOT NULL'))
        batch_op.create_index(batch_op.f('ix_deputies_deputy_id'), ['deputy_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_deputies_person_id'), ['person_id'], unique=False)

    op.create_table('rights_cases',
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('entity', sa.String(length=200), nullable=False),
    sa.Column('record_id', sa.Integer(), nullable=True),
    sa.Column('verb', sa.String(length=200), nullable=True),
    sa.Column('field_key', sa.String(length=200), nullable=True),
    sa.Column('expected', sa.String(length=200), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['users.id'], name=op.f('fk_rights_cases_by_id')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_rights_cases_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rights_cases'))
    )
    with op.batch_alter_table('rights_cases', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_rights_cases_user_id'), ['user_id'], unique=False)

    op.create_table('shares',
    sa.Column('entity', sa.String(length=200), nullable=False),
    sa.Column('record_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('may_edit', sa.Boolean(), nullable=False),
    sa.Column('until_on', sa.Date(), nullable=True),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['users.id'], name=op.f('fk_shares_by_id')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_shares_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_shares'))
    )
    with op.batch_alter_table('shares', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_shares_entity_record_id_user_id'), ['entity', 'record_id', 'user_id'], unique=True)
        batch_op.create_index(batch_op.f('ix_shares_user_id_entity'), ['user_id', 'entity'], unique=False)

    with op.batch_alter_table('roles', schema=None) as batch_op:
        for name in _CONDITIONS:
            batch_op.add_column(sa.Column(name, _DOCUMENT, nullable=True))
    for name in _CONDITIONS:
        op.execute(_ROLES.update().values({name: {}}))
    with op.batch_alter_table('roles', schema=None) as batch_op:
        for name in _CONDITIONS:
            batch_op.alter_column(name, existing_type=_DOCUMENT, nullable=False)

    with op.batch_alter_table('user_sessions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('viewing_as_id', sa.Integer(), nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_user_sessions_viewing_as_id'), 'users', ['viewing_as_id'], ['id'])



def downgrade():
    with op.batch_alter_table('user_sessions', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_user_sessions_viewing_as_id'), type_='foreignkey')
        batch_op.drop_column('viewing_as_id')

    with op.batch_alter_table('roles', schema=None) as batch_op:
        batch_op.drop_column('field_conditions')
        batch_op.drop_column('conditions')

    with op.batch_alter_table('shares', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_shares_user_id_entity'))
        batch_op.drop_index(batch_op.f('ix_shares_entity_record_id_user_id'))

    op.drop_table('shares')
    with op.batch_alter_table('rights_cases', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_rights_cases_user_id'))

    op.drop_table('rights_cases')
    with op.batch_alter_table('deputies', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_deputies_person_id'))
        batch_op.drop_index(batch_op.f('ix_deputies_deputy_id'))
        batch_op.drop_index(batch_op.f('ix_deputies_deleted_at'), sqlite_where=sa.text('deleted_at IS NOT NULL'), postgresql_where=sa.text('deleted_at IS NOT NULL'))

    op.drop_table('deputies')
