"""Rules: what administrators ask of records, and where records fall short."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, inspect, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_admin import i18n
from crm_admin.i18n import N_
from crm_admin.models.base import Model, Record, field
from crm_admin.models.types import State


class Severity(State):
    """Whether a record that breaks a rule may be saved all the same."""

    WARN = "warn", N_("Warn")
    BLOCK = "block", N_("Block")


class Rule(Record):
    """One thing asked of an entity's records; completeness is what such rules find.

    `kind` names a check, `field_key` the field it looks at, `parameter` what it needs to know.
    Source: A2, A4
    """

    __tablename__ = "rules"
    __table_args__ = (CheckConstraint("weight >= 0", name="weight_not_negative"),)
    title = "field_key"
    singular, plural = N_("Rule"), N_("Rules")
    configures = True

    entity: Mapped[str] = field(label=N_("Entity"), kind="entity")
    field_key: Mapped[str] = field(label=N_("Field"), kind="field")
    kind: Mapped[str] = field(label=N_("Check"), kind="check")
    parameter: Mapped[str | None] = field(label=N_("Parameter"), kind="parameter")
    severity: Mapped[Severity] = field(label=N_("Severity"), default=Severity.WARN)
    weight: Mapped[int] = field(
        label=N_("Weight"), default=1, help=N_("How much it counts in the percentage.")
    )
    condition: Mapped[str | None] = field(
        label=N_("Only when"), help=N_("A field and a value, such as grade=A; empty means always.")
    )
    message: Mapped[str | None] = field(
        label=N_("Message"), help=N_("Empty means the check's own words.")
    )
    is_active: Mapped[bool] = field(label=N_("Active"), default=True)

    def __str__(self) -> str:
        """Return the entity and what is asked of it, in the present language."""
        models = {m.local_table.name: m.class_ for m in Model.registry.mappers}  # type: ignore[attr-defined]
        entity, other = models.get(self.entity), models.get(self.field_key)
        if entity is None:
            return super().__str__()
        kept = inspect(entity).columns.get(entity.column_key(self.field_key or ""))
        label = other.plural if other else kept is not None and kept.info.get("label")
        return f"{i18n.say(entity.plural)} · {i18n.say(label or self.field_key)}"


class Finding(Model):
    """A record that breaks a rule, from the day it was found to the day it was put right.

    Source: A3
    """

    __tablename__ = "findings"
    __table_args__ = (
        Index(
            "uq_findings_open",
            "rule_id",
            "record_id",
            unique=True,
            sqlite_where=text("fixed_at IS NULL"),
            postgresql_where=text("fixed_at IS NULL"),
        ),
        Index(None, "entity", "record_id"),
    )

    rule_id: Mapped[int] = mapped_column(ForeignKey("rules.id"))
    entity: Mapped[str]
    record_id: Mapped[int]
    found_on: Mapped[date]
    fixed_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    reminded_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))

    rule: Mapped[Rule] = relationship()
