"""The files of a record, as its page lists them."""

from typing import Any
from urllib.parse import quote

from crm_admin.models.attachments import Attachment
from crm_admin.models.base import Record
from crm_admin.services import access, attachments
from crm_admin.views import columns, requests


def listed(view: Any, record: Record) -> dict[str, Any] | None:
    """Return the files of a record, and where more can be added."""
    actor = requests.actor()
    may_edit = not record.locked() and access.may(record, actor, "edit")
    may_delete = may_edit and access.allows(actor, "delete", Attachment)
    zone, back = requests.zone(), quote(f"{view.path}details/?id={record.id}", safe="")
    items = [
        {
            "name": file.name,
            "size_text": _size(file.size),
            "by": file.by or "",
            "at": columns.moment(file.created_at, zone),
            "url": f"/attachments/{file.id}",
            "delete_url": f"/attachments/{file.id}/delete?url={back}" if may_delete else None,
        }
        for file in attachments.listed(record, actor)
    ]
    return {
        "items": items,
        "upload_url": f"/attachments/{view.model.__tablename__}/{record.id}" if may_edit else None,
    }


def _size(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MB" if size >= 1024 * 1024 else f"{max(1, size // 1024)} KB"
