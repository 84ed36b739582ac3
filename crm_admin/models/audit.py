"""Who changed what, and when."""

from typing import Any, cast

from sqlalchemy import ForeignKey, Index, Table, text
from sqlalchemy.orm import Mapped, mapped_column

from crm_admin.models import unchangeable
from crm_admin.models.base import Model
from crm_admin.models.types import Document

#: The condition of an index of what was done day by day: what was loaded, was done elsewhere.
DONE = text("action != 'loaded'")


class AuditEntry(Model):
    """One save of one record: `changes` maps a field's key to its [old, new] pair.

    `action` is created, changed, deleted, restored, loaded or a verb such as approved; `source`
    says by which door it came: a form, an import, a job; `version` is the record's afterwards. What
    is written stays: the database refuses to change it.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index(None, "entity", "record_id", "id"),
        Index(None, "entity", "created_at", sqlite_where=DONE, postgresql_where=DONE),
    )

    actor_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    entity: Mapped[str]
    record_id: Mapped[int]
    action: Mapped[str]
    source: Mapped[str]
    version: Mapped[int]
    changes: Mapped[dict[str, Any]] = mapped_column(Document)


unchangeable.keep(cast(Table, AuditEntry.__table__))
