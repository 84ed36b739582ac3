"""The outbox: mail that waits to be sent, was sent, or could not be."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from crm_admin import clock
from crm_admin.models.base import Model

#: The condition of an index that holds only what is still to be sent.
WAITING = text("sent_at IS NULL AND failed_at IS NULL")


class Letter(Model):
    """One message to one address, written together with what it tells.

    Its text is sealed, since it may hold a link that opens an account, and gone once it was sent.
    `key` makes the same message impossible to write twice. Who sends it holds it until
    `held_until`.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            None,
            "next_try_at",
            sqlite_where=WAITING,
            postgresql_where=WAITING,
        ),
    )

    recipient: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    sealed_text: Mapped[str] = mapped_column(Text)
    language: Mapped[str]
    kind: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    entity: Mapped[str | None]
    record_id: Mapped[int | None]
    key: Mapped[str | None] = mapped_column(unique=True)
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime] = mapped_column(default=clock.now)
    holder: Mapped[str | None]
    held_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
