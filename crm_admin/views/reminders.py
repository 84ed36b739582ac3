"""What one was reminded of, and what of one's own failed."""

from typing import Any

from flask_admin import expose

from crm_admin.i18n import N_
from crm_admin.services import access, reminders, reviews, zones
from crm_admin.views import requests, review_marks
from crm_admin.views.page import Page, anyone
from crm_admin.views.words import gettext as _


class Reminders(Page):
    """A person's own reminders, and nobody else's."""

    path, label, icon = f"/{reminders.PATH}/", N_("Reminders"), "bell-ring"
    allowed = {"index": anyone}

    @expose("/")
    def index(self) -> str:
        """Show what waits to be put right."""
        actor, today = requests.actor(), zones.today()
        failed = reviews.failed_of(actor, few=50)
        return self.render(
            "cockpit/reminders.html",
            title=_("Reminders"),
            failed=[
                {
                    "title": title,
                    "url": f"/{entity}/details/?id={id}",
                    "entity": _(access.entities()[entity].singular),
                    "why": review_marks.why(reason, note),
                    "on": day.isoformat(),
                }
                for entity, id, title, reason, note, day in failed.few
            ],
            received=[_shown(one) for one in reminders.received(actor, today)],
        )


def _shown(one: reminders.Received) -> dict[str, Any]:
    return {
        "title": one.title[:120],
        "url": f"/{one.entity}/details/?id={one.record_id}",
        "entity": _(access.entities()[one.entity].singular),
        "label": _(one.lacking.label),
        "tone": one.lacking.tone,
        "by": one.by,
        "on": one.on_day.isoformat(),
        "done": one.done,
    }
