"""Exports too large to wait for: asked for now, made in the background, fetched by who asked."""

from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta
from typing import Any

from sqlalchemy import select

from crm_admin import clock
from crm_admin.database import db
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.transfers import Export, ExportState
from crm_admin.models.users import User
from crm_admin.services import access, notifications, records, zones
from crm_admin.services.listing import Question

#: How long a file is kept for who asked for it.
KEPT = timedelta(days=7)


def ask(actor: User, model: type[Record], question: Question, language: str) -> int:
    """Note that the actor wants this list as a workbook; return the export's id."""
    with records.transaction("export"):
        export = Export(
            user_id=actor.id,
            entity=model.__tablename__,
            language=language,
            state=ExportState.WAITING,
            query={
                "search": question.search,
                "filters": [list(one) for one in question.filters],
                "sort": question.sort,
                "descending": question.descending,
                "zone": str(question.zone),
            },
        )
        db.session.add(export)
        db.session.flush()  # its id names the file
        return export.id


def begun(id: int) -> tuple[Export, User | None]:
    """Return an export and who asked for it, or None in their place where they may not any more."""
    export = db.session.get_one(Export, id)
    user = db.session.get(User, export.user_id)
    return export, user if user is not None and user.is_active else None


def question(query: Mapping[str, Any]) -> Question:
    """Return the question that an export kept."""
    return Question(
        search=query["search"],
        filters=tuple((key, operation, value) for key, operation, value in query["filters"]),
        sort=query["sort"],
        descending=query["descending"],
        zone=zones.known(query["zone"]) or UTC,
    )


def ready(id: int, stored_as: str, rows: int) -> None:
    """Note that the file is there, and tell who asked."""
    with records.transaction("export"):
        export = db.session.get_one(Export, id)
        export.state, export.stored_as, export.row_count = ExportState.READY, stored_as, rows
        export.finished_at = clock.now()
        message = N_("The workbook you asked for is ready: %(rows)s rows.")
        _tell(export, message, {"rows": f"{rows:,}"})


def failed(id: int, error: str) -> None:
    """Note that the file could not be made, and tell who asked."""
    with records.transaction("export"):
        export = db.session.get_one(Export, id)
        export.state, export.error, export.finished_at = ExportState.FAILED, error, clock.now()
        _tell(export, N_("The workbook you asked for could not be made. Please ask again."), {})


def stuck() -> Sequence[Export]:
    """Return the exports that a stopped process left half-made."""
    statement = select(Export).where(
        Export.state == ExportState.WAITING, Export.created_at < clock.now() - timedelta(hours=1)
    )
    return db.session.scalars(statement.limit(200)).all()


def _tell(export: Export, message: str, values: dict[str, str]) -> None:
    told = notifications.Message(
        user_id=export.user_id,
        key=f"export:{export.id}:inbox",
        kind="export",
        message=message,
        values=values,
        entity="exports",
        record_id=export.id,
    )
    notifications.notify_all([told])


def find(actor: User, id: str | int) -> Export | None:
    """Return one of the actor's own exports that is ready, as long as they may export at all."""
    key = access.key_of(id)
    statement = select(Export).where(
        Export.id == key,
        Export.user_id == actor.id,
        Export.state == ExportState.READY,
        Export.created_at > clock.now() - KEPT,
    )
    export = db.session.scalar(statement) if key is not None else None
    model = access.model_of(export.entity) if export is not None else None
    return export if model is not None and access.allows(actor, "export", model) else None


def outdated() -> Sequence[Export]:
    """Return the exports whose file is no longer kept."""
    statement = select(Export).where(
        Export.stored_as.is_not(None), Export.created_at < clock.now() - KEPT
    )
    return db.session.scalars(statement.limit(200)).all()
