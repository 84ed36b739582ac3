"""Events with their guests, calendar feeds, visit cadences; and the new rights for shipped roles."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0011'
down_revision = "0010"
branch_labels = None
depends_on = None

_DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_ROLES = sa.table("roles", sa.column("id"), sa.column("code"), sa.column("grants", _DOCUMENT))
_CADENCES = {"supervisor": {"view": "all"}, "sales": {}, "back_office": {"view": "all"}}


def upgrade():
    op.create_table('cadences',
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('grade', sa.String(length=200), nullable=True),
    sa.Column('segment', sa.String(length=200), nullable=True),
    sa.Column('every_days', sa.Integer(), nullable=False),
    sa.Column('tells_chief', sa.Boolean(), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('updated_at', sa.DateTime(), nullable=False),
    sa.Column('updated_by_id', sa.Integer(), nullable=True),
    sa.Column('deleted_at', sa.DateTime(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cadences'))
    )
    with op.batch_alter_table('cadences', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_cadences_deleted_at'), ['deleted_at'], unique=False, sqlite_where=sa.text('deleted_at IS NOT NULL'), postgresql_where=sa.text('deleted_at IS NOT NULL'))

    op.create_table('cadence_kinds',
    sa.Column('cadence_id', sa.Integer(), nullable=False),
    sa.Column('item_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['cadence_id'], ['cadences.id'], name=op.f('fk_cadence_kinds_cadence_id')),
    sa.ForeignKeyConstraint(['item_id'], ['picklist_items.id'], name=op.f('fk_cadence_kinds_item_id')),
    sa.PrimaryKeyConstraint('cadence_id', 'item_id', name=op.f('pk_cadence_kinds'))
    )
    with op.batch_alter_table('cadence_kinds', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_cadence_kinds_item_id'), ['item_id'], unique=False)

    op.create_table('calendar_feeds',
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('token_hash', sa.String(length=200), nullable=False),
    sa.Column('made_at', sa.DateTime(), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_calendar_feeds_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_calendar_feeds')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_calendar_feeds_token_hash')),
    sa.UniqueConstraint('user_id', name=op.f('uq_calendar_feeds_user_id'))
    )
    op.create_table('events',
    sa.Column('subject', sa.String(length=200), nullable=False),
    sa.Column('kind', sa.String(length=200), nullable=True),
    sa.Column('starts_at', sa.DateTime(), nullable=False),
    sa.Column('ends_at', sa.DateTime(), nullable=False),
    sa.Column('is_all_day', sa.Boolean(), nullable=False),
    sa.Column('place', sa.String(length=200), nullable=True),
    sa.Column('owner_id', sa.Integer(), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=True),
    sa.Column('contact_id', sa.Integer(), nullable=True),
    sa.Column('is_private', sa.Boolean(), nullable=False),
    sa.Column('notes', sa.Text(), nullable=True),
    sa.Column('cancelled_at', sa.DateTime(), nullable=True),
    sa.Column('time_zone', sa.String(length=200), nullable=False),
    sa.Column('custom', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('updated_at', sa.DateTime(), nullable=False),
    sa.Column('updated_by_id', sa.Integer(), nullable=True),
    sa.Column('deleted_at', sa.DateTime(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.CheckConstraint('starts_at < ends_at', name=op.f('ck_events_times_in_order')),
    sa.ForeignKeyConstraint(['contact_id'], ['contacts.id'], name=op.f('fk_events_contact_id')),
    sa.ForeignKeyConstraint(['customer_id'], ['customers.id'], name=op.f('fk_events_customer_id')),
    sa.ForeignKeyConstraint(['owner_id'], ['users.id'], name=op.f('fk_events_owner_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_events'))
    )
    with op.batch_alter_table('events', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_events_contact_id'), ['contact_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_events_customer_id'), ['customer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_events_deleted_at'), ['deleted_at'], unique=False, sqlite_where=sa.text('deleted_at IS NOT NULL'), postgresql_where=sa.text('deleted_at IS NOT NULL'))
        batch_op.create_index(batch_op.f('ix_events_owner_id_starts_at'), ['owner_id', 'starts_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_events_starts_at_id'), ['starts_at', 'id'], unique=False)

    op.create_table('event_guests',
    sa.Column('event_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('answer', sa.Enum('open', 'yes', 'no', name='answer', native_enum=False, length=40), nullable=False),
    sa.Column('answered_at', sa.DateTime(), nullable=True),
    sa.Column('told', sa.Text(), nullable=True),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.ForeignKeyConstraint(['event_id'], ['events.id'], name=op.f('fk_event_guests_event_id')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_event_guests_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_event_guests'))
    )
    with op.batch_alter_table('event_guests', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_event_guests_event_id_user_id'), ['event_id', 'user_id'], unique=True)
        batch_op.create_index(batch_op.f('ix_event_guests_user_id_event_id'), ['user_id', 'event_id'], unique=False)
    with op.batch_alter_table('interactions', schema=None) as batch_op:
        batch_op.drop_index('ix_interactions_customer_id_happened_at')
        batch_op.create_index(batch_op.f('ix_interactions_customer_id_happened_at_kind_deleted_at'), ['customer_id', 'happened_at', 'kind', 'deleted_at'], unique=False)

    _give_rights()


def _give_rights():
    """Say of cadences, to the shipped roles as they are kept, what a new installation says.

    Without it what a role may do to everything else would reach them. Events are as all else.
    """
    connection = op.get_bind()
    roles = sa.select(_ROLES).where(_ROLES.c.code.in_(_CADENCES))
    for id, code, grants in connection.execute(roles).all():
        if "cadences" not in grants:
            more = {**grants, "cadences": _CADENCES[code]}
            connection.execute(_ROLES.update().where(_ROLES.c.id == id).values(grants=more))


def downgrade():
    with op.batch_alter_table('interactions', schema=None) as batch_op:
        batch_op.drop_index('ix_interactions_customer_id_happened_at_kind_deleted_at')
        batch_op.create_index('ix_interactions_customer_id_happened_at', ['customer_id', 'happened_at'], unique=False)
    for table in ("event_guests", "events", "calendar_feeds", "cadence_kinds", "cadences"):
        op.drop_table(table)
