"""Bulk edits: one field of many records changed at once, so that it can be taken back at once."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from crm_admin.models.base import Model
from crm_admin.models.types import Document


class BulkEdit(Model):
    """What one bulk edit changed: `done` holds [record, version since] of each."""

    __tablename__ = "bulk_edits"

    entity: Mapped[str]
    field_key: Mapped[str]
    actor_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    done: Mapped[list[Any]] = mapped_column(Document, default=list)
    undone_at: Mapped[datetime | None]
