"""The address that machines ask whether the application works."""

from flask import Blueprint, Response

from crm_admin.services import installation

blueprint = Blueprint("health", __name__)


@blueprint.route("/healthz")
def healthz() -> Response:
    """Answer ok while the database answers."""
    return Response("ok" if installation.answers() else "fail", mimetype="text/plain")
