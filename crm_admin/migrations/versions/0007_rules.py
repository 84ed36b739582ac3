"""Rules: conditions in the language of expressions, texts in each language, and from when on."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_RULES = sa.table(
    "rules",
    *(sa.column(name) for name in ("id", "entity", "condition", "message", "message_en")),
    sa.column("only_new", sa.Boolean()),
)
_TEXTS = {
    "message_en": 200, "message_zh_hans": 200, "message_zh_hant": 200,
    "why_en": 500, "why_zh_hans": 500, "why_zh_hant": 500,
}  # fmt: skip
_SINCE = "NOT only_new OR from_on IS NOT NULL"


def upgrade():
    with op.batch_alter_table("rules", schema=None) as batch_op:
        batch_op.add_column(sa.Column("from_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("only_new", sa.Boolean(), nullable=True))
        for name, length in _TEXTS.items():
            batch_op.add_column(sa.Column(name, sa.String(length=length), nullable=True))
        for name in ("parameter", "condition"):
            batch_op.alter_column(
                name, existing_type=sa.String(length=200), type_=sa.String(length=500)
            )
    op.execute(_RULES.update().values(only_new=sa.false(), message_en=_RULES.c.message))
    _rewrite_conditions()
    with op.batch_alter_table("rules", schema=None) as batch_op:
        batch_op.alter_column("only_new", existing_type=sa.Boolean(), nullable=False)
        batch_op.drop_column("message")
        batch_op.create_check_constraint(batch_op.f("ck_rules_new_since_a_day"), _SINCE)


def _rewrite_conditions():
    """Write `grade=A` as the language of expressions does: `grade = 'A'`."""
    connection = op.get_bind()
    tables = sa.inspect(connection)
    known = set(tables.get_table_names())
    written = sa.select(_RULES.c.id, _RULES.c.entity, _RULES.c.condition)
    for id, entity, condition in connection.execute(written.where(_RULES.c.condition != "")).all():
        key, sign, value = (part.strip() for part in condition.partition("="))
        if not sign or not re.fullmatch(r"\w+", key):
            continue
        columns = tables.get_columns(entity) if entity in known else []
        kinds = {column["name"]: column["type"] for column in columns}
        kind = kinds.get(key, kinds.get(f"{key}_id"))
        now = _expression(key, value, kind)
        changed = _RULES.update().where(_RULES.c.id == id)
        connection.execute(changed.values(condition=now))


def _expression(key, value, kind):
    if isinstance(kind, sa.Boolean):
        return key if value in ("True", "true", "1") else f"not {key}"
    if isinstance(kind, sa.Integer) and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return f"{key} = {value}"
    if value in ("", "None"):
        return f"{key} is empty"
    quoted = value.replace("'", "''")
    return f"{key} = '{quoted}'"


def downgrade():
    with op.batch_alter_table("rules", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_rules_new_since_a_day"), type_="check")
        batch_op.add_column(sa.Column("message", sa.String(length=200), nullable=True))
    op.execute(_RULES.update().values(message=_RULES.c.message_en))
    with op.batch_alter_table("rules", schema=None) as batch_op:
        for name in (*_TEXTS, "only_new", "from_on"):
            batch_op.drop_column(name)
        for name in ("parameter", "condition"):
            batch_op.alter_column(
                name, existing_type=sa.String(length=500), type_=sa.String(length=200)
            )
