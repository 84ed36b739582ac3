"""Attachments: downloaded by who may see their record, never shown within a page of ours."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, abort, current_app, flash, redirect, request, send_file

from crm_admin.errors import CrmError, Denied
from crm_admin.services import access, attachments, large_exports, records
from crm_admin.views import requests
from crm_admin.views.words import gettext as _

blueprint = Blueprint("attachments", __name__)
#: Whatever a file holds, nothing in it may run with our pages' rights.
SANDBOX = "sandbox; default-src 'none'"


def _instance() -> Path:
    return Path(current_app.config["INSTANCE"])


@blueprint.route("/attachments/<id>")
def download(id: str) -> Any:
    """Send a file to somebody who may see its record."""
    try:
        key, actor = access.key_of(id) or 0, requests.actor()
        found = attachments.open_file(key, actor, instance=_instance())
    except CrmError as refused:
        flash(refused.text(_), "error")
        return redirect(requests.referrer())
    if found is None:
        abort(404)
    row, path = found
    return _sent(path, row.name, row.media_type)


@blueprint.route("/attachments/<entity>/<id>", methods=("POST",))
def upload(entity: str, id: str) -> Any:
    """Add files to a record that the person may change."""
    model = access.model_of(entity) or abort(404)
    record = access.find(model, id, requests.actor()) or abort(404)
    key, limit = record.id, current_app.config["ATTACHMENT_MEGABYTES"] * 1024 * 1024
    for file in request.files.getlist("file")[:20]:
        record = access.find(model, key, requests.actor()) or abort(404)
        try:
            attachments.store(
                record,
                file.filename or "",
                file.stream,  # type: ignore[arg-type]
                requests.actor(),
                instance=_instance(),
                limit=limit,
            )
        except Denied:
            abort(403)
        except CrmError as refused:
            flash(refused.text(_), "error")
    return redirect(f"/{entity}/details/?id={key}")


@blueprint.route("/attachments/<id>/delete", methods=("POST",))
def delete(id: str) -> Any:
    """Move a file to the recycle bin."""
    try:
        with records.transaction("form"):
            if not attachments.delete(access.key_of(id) or 0, requests.actor()):
                abort(404)
    except Denied:
        abort(403)
    except CrmError as refused:
        flash(refused.text(_), "error")
    else:
        flash(_("The file was deleted."), "success")
    return redirect(requests.back("/"))


@blueprint.route("/exports/<id>")
def export(id: str) -> Response:
    """Send a large workbook to who asked for it."""
    found = large_exports.find(requests.actor(), id)
    path = _instance() / "exports" / (found.stored_as or "") if found else None
    if found is None or path is None or not path.is_file():
        abort(404)
    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return _sent(path, f"{found.entity}-{found.created_at.date()}.xlsx", media_type)


def _sent(path: Path, name: str, media_type: str) -> Response:
    """Send a file so that the browser saves it under its name and runs nothing of it."""
    response: Response = send_file(path, mimetype=media_type, conditional=True)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    response.headers["Content-Security-Policy"] = SANDBOX
    return response
