"""Answers to what went wrong: a plain page with what to do, and the details only in the log."""

import uuid
from typing import Any

from flask import Flask, current_app, render_template
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException, Unauthorized

from crm_admin.i18n import N_
from crm_admin.views import requests, signing_in
from crm_admin.views.words import gettext as _

_SAID = {
    400: (N_("This request makes no sense"), N_("Please go back and try again.")),
    403: (N_("You may not do this"), N_("Ask an administrator if you need the right to do it.")),
    404: (N_("Not found"), N_("There is no such page or record, or it is not yours to see.")),
    405: (N_("This request makes no sense"), N_("Please go back and try again.")),
    413: (N_("Too large"), N_("What you sent is larger than allowed.")),
    429: (N_("Too many tries"), N_("Please wait a while and try again.")),
    503: (
        N_("The database is busy"),
        N_("Your change was not saved. Please go back and try again in a moment."),
    ),
}
_ELSE = (N_("Something went wrong"), N_("It was written to the log. Please try again."))


def init_app(app: Flask) -> None:
    """Answer every fault in one way."""
    app.register_error_handler(Unauthorized, lambda _fault: signing_in.ask())
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(OperationalError, _database)
    app.register_error_handler(Exception, _unexpected)


def _page(code: int, title: str, message: str, reference: str = "") -> tuple[Any, int]:
    if requests.wants_json():
        return {"error": title}, code
    page = render_template(
        "error.html", code=code, title=_(title), message=_(message), reference=reference
    )
    return page, code


def _http(fault: HTTPException) -> Any:
    if fault.code is None or fault.code < 400:
        return fault
    return _page(fault.code, *_SAID.get(fault.code, _ELSE))


def _csrf(_fault: CSRFError) -> Any:
    current_app.logger.warning("form token refused")
    title = N_("This form is too old")
    return _page(400, title, N_("Please go back, reload the page and send the form again."))


def _database(fault: OperationalError) -> Any:
    reference = uuid.uuid4().hex[:8]
    current_app.logger.error("database error, reference %s", reference, exc_info=fault)
    return _page(503, *_SAID[503], reference)


def _unexpected(fault: Exception) -> Any:
    if current_app.config["PROPAGATE_EXCEPTIONS"]:
        raise fault
    reference = uuid.uuid4().hex[:8]
    current_app.logger.error("error, reference %s", reference, exc_info=fault)
    return _page(500, *_ELSE, reference)
