"""Imports and exports: files that came in and files that were made."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from crm_admin.models.base import Model
from crm_admin.models.types import Document


class ImportRun(Model):
    """One file read into one entity; the history names it by its number."""

    __tablename__ = "import_runs"

    entity: Mapped[str]
    file_name: Mapped[str]
    actor_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_count: Mapped[int] = mapped_column(default=0)
    updated_count: Mapped[int] = mapped_column(default=0)
    unchanged_count: Mapped[int] = mapped_column(default=0)
    refused_count: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[datetime | None]


class ExportState(StrEnum):
    """How far a large export has come."""

    WAITING = "waiting"
    READY = "ready"
    FAILED = "failed"


class Export(Model):
    """A large file that a person asked for: made in the background, fetched by them alone."""

    __tablename__ = "exports"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    entity: Mapped[str]
    language: Mapped[str]
    query: Mapped[dict[str, Any]] = mapped_column(Document)
    state: Mapped[ExportState]
    stored_as: Mapped[str | None]
    row_count: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(Text)
    finished_at: Mapped[datetime | None]
