"""Rules: what administrators ask of records."""

from datetime import date

from sqlalchemy import CheckConstraint, String, inspect
from sqlalchemy.orm import Mapped

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

    `kind` names a check, `field_key` the field it looks at or is told beside, `parameter` what it
    needs to know, `condition` which records it is asked of. Source: A2, A4
    """

    __tablename__ = "rules"
    __table_args__ = (
        CheckConstraint("weight >= 0", name="weight_not_negative"),
        CheckConstraint("NOT only_new OR from_on IS NOT NULL", name="new_since_a_day"),
    )
    title = "field_key"
    singular, plural = N_("Rule"), N_("Rules")
    configures = True

    entity: Mapped[str] = field(label=N_("Entity"), kind="entity")
    field_key: Mapped[str] = field(label=N_("Field"), kind="field")
    kind: Mapped[str] = field(label=N_("Check"), kind="check")
    parameter: Mapped[str | None] = field(String(500), label=N_("Parameter"), kind="parameter")
    severity: Mapped[Severity] = field(label=N_("Severity"), default=Severity.WARN)
    weight: Mapped[int] = field(
        label=N_("Weight"), default=1, help=N_("How much it counts in the percentage.")
    )
    condition: Mapped[str | None] = field(
        String(500),
        label=N_("Only when"),
        kind="expression",
        help=N_("A condition such as grade = 'A' or customer.grade in ('A', 'B'). Empty: always."),
    )
    from_on: Mapped[date | None] = field(
        label=N_("Applies from"), help=N_("Nothing is asked before that day. Empty: at once.")
    )
    only_new: Mapped[bool] = field(
        label=N_("Only records made since then"),
        default=False,
        help=N_("Records made before the day it applies from are never asked for this."),
    )
    message_en: Mapped[str | None] = field(
        label=N_("Message in English"), help=N_("Empty means the check's own words.")
    )
    message_zh_hans: Mapped[str | None] = field(
        label=N_("Message in Simplified Chinese"), help=N_("Empty: as in English.")
    )
    message_zh_hant: Mapped[str | None] = field(
        label=N_("Message in Traditional Chinese"), help=N_("Empty: as in Simplified Chinese.")
    )
    why_en: Mapped[str | None] = field(
        String(500),
        label=N_("Why it matters, in English"),
        help=N_("A sentence beside what is missing on a record's page."),
    )
    why_zh_hans: Mapped[str | None] = field(
        String(500), label=N_("Why it matters, in Simplified Chinese")
    )
    why_zh_hant: Mapped[str | None] = field(
        String(500), label=N_("Why it matters, in Traditional Chinese")
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
