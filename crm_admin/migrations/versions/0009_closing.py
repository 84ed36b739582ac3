"""Let interactions be closed, corrected beside themselves, and opened again by two people."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_ROLES = sa.table("roles", sa.column("id"), sa.column("code"), sa.column("grants", _DOCUMENT))
#: Those of the shipped roles that may agree to open what was closed, and how far.
_REOPENING = {"administrator": "all", "supervisor": "below"}


def _rebuilt():
    """Return that SQLite writes the table anew: a column it only adds stands where no model has it."""
    return "always" if op.get_bind().dialect.name == "sqlite" else "never"


def upgrade():
    op.create_table('corrections',
    sa.Column('interaction_id', sa.Integer(), nullable=False),
    sa.Column('author_id', sa.Integer(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.ForeignKeyConstraint(['author_id'], ['users.id'], name=op.f('fk_corrections_author_id')),
    sa.ForeignKeyConstraint(['interaction_id'], ['interactions.id'], name=op.f('fk_corrections_interaction_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_corrections'))
    )
    with op.batch_alter_table('corrections', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_corrections_interaction_id'), ['interaction_id'], unique=False)

    op.create_table('interaction_colleagues',
    sa.Column('interaction_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['interaction_id'], ['interactions.id'], name=op.f('fk_interaction_colleagues_interaction_id')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_interaction_colleagues_user_id')),
    sa.PrimaryKeyConstraint('interaction_id', 'user_id', name=op.f('pk_interaction_colleagues'))
    )
    with op.batch_alter_table('interaction_colleagues', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_interaction_colleagues_user_id'), ['user_id'], unique=False)

    op.create_table('interaction_guests',
    sa.Column('interaction_id', sa.Integer(), nullable=False),
    sa.Column('contact_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contacts.id'], name=op.f('fk_interaction_guests_contact_id')),
    sa.ForeignKeyConstraint(['interaction_id'], ['interactions.id'], name=op.f('fk_interaction_guests_interaction_id')),
    sa.PrimaryKeyConstraint('interaction_id', 'contact_id', name=op.f('pk_interaction_guests'))
    )
    with op.batch_alter_table('interaction_guests', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_interaction_guests_contact_id'), ['contact_id'], unique=False)

    op.create_table('reopenings',
    sa.Column('interaction_id', sa.Integer(), nullable=False),
    sa.Column('closed_at', sa.DateTime(), nullable=False),
    sa.Column('closed_late', sa.Boolean(), nullable=False),
    sa.Column('asked_by_id', sa.Integer(), nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.ForeignKeyConstraint(['asked_by_id'], ['users.id'], name=op.f('fk_reopenings_asked_by_id')),
    sa.ForeignKeyConstraint(['interaction_id'], ['interactions.id'], name=op.f('fk_reopenings_interaction_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reopenings'))
    )
    with op.batch_alter_table('reopenings', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_reopenings_interaction_id'), ['interaction_id'], unique=False)

    op.create_table('reopening_answers',
    sa.Column('reopening_id', sa.Integer(), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('agreed', sa.Boolean(), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['users.id'], name=op.f('fk_reopening_answers_by_id')),
    sa.ForeignKeyConstraint(['reopening_id'], ['reopenings.id'], name=op.f('fk_reopening_answers_reopening_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reopening_answers'))
    )
    with op.batch_alter_table('reopening_answers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_reopening_answers_reopening_id'), ['reopening_id'], unique=False)

    with op.batch_alter_table('interactions', recreate=_rebuilt()) as batch_op:
        batch_op.add_column(sa.Column('next_step_on', sa.Date(), nullable=True))
        batch_op.add_column(sa.Column('written_on', sa.Date(), nullable=True))
        batch_op.add_column(sa.Column('status', sa.Enum('open', 'closed', 'closed_late', name='interactionstatus', native_enum=False, length=40), nullable=True))
        batch_op.add_column(sa.Column('closed_by_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('closed_late', sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.create_index(batch_op.f('ix_interactions_status_happened_at'), ['status', 'happened_at'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_interactions_closed_by_id'), 'users', ['closed_by_id'], ['id'])

    with op.batch_alter_table('interactions', recreate=_rebuilt()) as batch_op:
        batch_op.alter_column('closed_late', server_default=None)

    _let_agree()


def _let_agree():
    """Give the shipped roles, as they are kept by now, the right that a new installation has."""
    connection = op.get_bind()
    roles = sa.select(_ROLES.c.id, _ROLES.c.code, _ROLES.c.grants)
    for id, code, grants in connection.execute(roles.where(_ROLES.c.code.in_(_REOPENING))).all():
        entity = "interactions" if "interactions" in grants else "*"
        if "reopen" not in grants.get(entity, {}):
            row = {**grants.get(entity, {}), "reopen": _REOPENING[code]}
            more = {**grants, entity: row}
            connection.execute(_ROLES.update().where(_ROLES.c.id == id).values(grants=more))



def downgrade():
    with op.batch_alter_table('interactions', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_interactions_closed_by_id'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_interactions_status_happened_at'))
        batch_op.drop_column('closed_late')
        batch_op.drop_column('closed_by_id')
        batch_op.drop_column('status')
        batch_op.drop_column('written_on')
        batch_op.drop_column('next_step_on')

    with op.batch_alter_table('reopening_answers', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_reopening_answers_reopening_id'))

    op.drop_table('reopening_answers')
    with op.batch_alter_table('reopenings', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_reopenings_interaction_id'))

    op.drop_table('reopenings')
    with op.batch_alter_table('interaction_guests', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_interaction_guests_contact_id'))

    op.drop_table('interaction_guests')
    with op.batch_alter_table('interaction_colleagues', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_interaction_colleagues_user_id'))

    op.drop_table('interaction_colleagues')
    with op.batch_alter_table('corrections', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_corrections_interaction_id'))

    op.drop_table('corrections')
