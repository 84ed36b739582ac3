"""The inbox: what a person was told."""

from collections.abc import Sequence
from typing import Any

from flask import redirect, request
from flask_admin import expose

from crm_admin.i18n import N_
from crm_admin.models.notifications import Notification
from crm_admin.services import access, notifications, records
from crm_admin.views import columns, requests
from crm_admin.views.page import Page, anyone

SIZE = 50


class Inbox(Page):
    """A person's own messages, and nobody else's."""

    path, label = "/inbox/", N_("Notifications")
    allowed = {"index": anyone, "read": anyone, "open": anyone}

    @expose("/")
    def index(self) -> str:
        """Show the messages, the latest first."""
        unread_only = request.args.get("unread") == "1"
        number = requests.question().page
        found = notifications.inbox(
            requests.actor(), unread_only=unread_only, offset=number * SIZE, limit=SIZE + 1
        )
        asked: list[tuple[str, Any]] = [("unread", "1")] if unread_only else []

        def at(page: int) -> str:
            return requests.address(self.path, [*asked, ("page", page)])

        pager = {
            "number": number + 1,
            "last": None,
            "first_url": at(1) if number else None,
            "previous_url": at(number) if number else None,
            "next_url": at(number + 2) if len(found) > SIZE else None,
            "last_url": None,
        }
        return self.render(
            "inbox.html",
            items=_shown(found[:SIZE]),
            unread_only=unread_only,
            all_url=self.path,
            unread_url=f"{self.path}?unread=1",
            read_url=f"{self.path}read/",
            page=pager if number or len(found) > SIZE else None,
        )

    @expose("/read/", methods=("POST",))
    def read(self) -> Any:
        """Mark one message, or all, as read."""
        actor, asked = requests.actor(), request.form.get("id", "")
        id = None if asked == "all" else access.key_of(asked) or 0
        with records.transaction("inbox"):
            notifications.mark_read(actor, id)
        return redirect(requests.back(self.path))

    @expose("/open/")
    def open(self) -> Any:
        """Go to what a message is about."""
        found = notifications.find(requests.actor(), access.key_of(request.args.get("id")) or 0)
        return redirect((found and _address(found)) or self.path)


def _shown(messages: Sequence[Notification]) -> list[dict[str, Any]]:
    """Return the messages as the page shows them, as far as their reader may see it now."""
    return [
        {
            "id": one.id,
            "text": columns.said(told.message, dict(told.values)),
            "url": _address(one) if told.leads else "",
            "at": columns.moment(one.created_at, requests.zone()),
            "is_read": one.read_at is not None,
        }
        for one, told in zip(messages, notifications.told(requests.actor(), messages), strict=True)
    ]


def _address(one: Notification) -> str:
    """Return where a message leads; the record's own page decides who may open it."""
    if one.entity == "exports":
        return f"/exports/{one.record_id}"
    if one.record_id is None:
        query = f"?{one.values['query']}" if "query" in one.values else ""
        return f"/{one.entity}/{query}" if one.entity else ""
    return f"/{one.entity}/details/?id={one.record_id}" if one.entity else ""
