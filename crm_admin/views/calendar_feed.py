"""The feed that other calendars read: its address is the key, and no session is asked for."""

from flask import Blueprint, Response, abort

from crm_admin import i18n
from crm_admin.services import calendar_feeds
from crm_admin.views.words import gettext as _

blueprint = Blueprint("calendar_feed", __name__)


@blueprint.route("/calendar/feed/<secret>.ics")
def read(secret: str) -> Response:
    """Answer the calendar of whose secret it is, by their rights of now; else there is no page."""
    user = calendar_feeds.reader(secret[:200])
    if user is None:
        abort(404)
    if calendar_feeds.is_read_too_often(secret):
        abort(429)
    i18n.use_language(user.language or i18n.language())
    name = _("Calendar of %(person)s", person=user.name)
    answer = Response(calendar_feeds.text(user, name), mimetype="text/calendar")
    answer.headers["Content-Disposition"] = "inline; filename=calendar.ics"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
