"""Attachments: files that belong to a record."""

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from crm_admin.i18n import N_
from crm_admin.models.base import Record, field


class Attachment(Record):
    """A file of one record, stored under a random name outside any served folder."""

    __tablename__ = "attachments"
    __table_args__ = (Index(None, "entity", "record_id"),)
    singular, plural = N_("Attachment"), N_("Attachments")

    entity: Mapped[str] = mapped_column()
    record_id: Mapped[int] = mapped_column()
    name: Mapped[str] = field(label=N_("File name"))
    media_type: Mapped[str] = mapped_column()
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column()
    stored_as: Mapped[str] = mapped_column(unique=True)
