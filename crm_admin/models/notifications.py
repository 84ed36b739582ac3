"""Notifications: what a person is told, in their inbox."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from crm_admin.models.base import Model
from crm_admin.models.types import Document


class Notification(Model):
    """A message to one user; `key` makes the same message impossible to send twice.

    The message is an English source with named places; it is translated when it is read.
    """

    __tablename__ = "notifications"
    __table_args__ = (Index(None, "user_id", "read_at"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    message: Mapped[str]
    values: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)
    entity: Mapped[str | None]
    record_id: Mapped[int | None]
    read_at: Mapped[datetime | None]
