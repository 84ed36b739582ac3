"""Findings with who has seen, reminded of and put right each; and how complete records were daily."""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('daily_scores',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('entity', sa.String(length=200), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('department_id', sa.Integer(), nullable=True),
    sa.Column('records', sa.Integer(), nullable=False),
    sa.Column('complete', sa.Integer(), nullable=False),
    sa.Column('percents', sa.Integer(), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.ForeignKeyConstraint(['department_id'], ['departments.id'], name=op.f('fk_daily_scores_department_id')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_daily_scores_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_daily_scores')),
    sa.UniqueConstraint('day', 'entity', 'user_id', name=op.f('uq_daily_scores_day_entity_user_id'))
    )
    with op.batch_alter_table('daily_scores', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_daily_scores_user_id_entity_day'), ['user_id', 'entity', 'day'], unique=False)

    with op.batch_alter_table('findings', schema=None) as batch_op:
        batch_op.add_column(sa.Column('seen_at', sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column('reminded_at', sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column('reminded_by_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('fixed_by_id', sa.Integer(), nullable=True))
        batch_op.create_index(batch_op.f('ix_findings_reminded_at'), ['reminded_at'], unique=False, sqlite_where=sa.text('reminded_at IS NOT NULL'), postgresql_where=sa.text('reminded_at IS NOT NULL'))
        batch_op.create_foreign_key(batch_op.f('fk_findings_reminded_by_id'), 'users', ['reminded_by_id'], ['id'])
        batch_op.create_foreign_key(batch_op.f('fk_findings_fixed_by_id'), 'users', ['fixed_by_id'], ['id'])



def downgrade():
    with op.batch_alter_table('findings', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_findings_fixed_by_id'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('fk_findings_reminded_by_id'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_findings_reminded_at'), sqlite_where=sa.text('reminded_at IS NOT NULL'), postgresql_where=sa.text('reminded_at IS NOT NULL'))
        batch_op.drop_column('fixed_by_id')
        batch_op.drop_column('reminded_by_id')
        batch_op.drop_column('reminded_at')
        batch_op.drop_column('seen_at')

    with op.batch_alter_table('daily_scores', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_daily_scores_user_id_entity_day'))

    op.drop_table('daily_scores')
