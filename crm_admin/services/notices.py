"""What a supervisor says to one of their people: in the inbox, and by mail where mail is sent."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import delete

from crm_admin import i18n
from crm_admin.database import db
from crm_admin.errors import Invalid, filled_in
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.notifications import Notification
from crm_admin.models.outbox import Letter
from crm_admin.models.users import User
from crm_admin.services import access, notifications, outbox
from crm_admin.services.notifications import Message
from crm_admin.services.outbox import Post

#: {kind: (what the inbox says, the subject of the mail)}.
SAID = {
    "review": (
        N_("%(by)s failed “%(record)s”: %(reason)s"),
        N_("%(product)s: a record did not pass"),
    ),
    "reminder_missing": (
        N_("%(by)s reminds you: “%(record)s” is incomplete."),
        N_("%(product)s: a reminder"),
    ),
    "reminder_open": (
        N_("%(by)s reminds you: “%(record)s” is not closed."),
        N_("%(product)s: a reminder"),
    ),
    "reminder_failed": (
        N_("%(by)s reminds you: “%(record)s” failed and was not put right."),
        N_("%(product)s: a reminder"),
    ),
    "reminders": (
        N_("%(by)s reminds you: %(missing)s incomplete, %(open)s not closed, %(failed)s failed."),
        N_("%(product)s: a reminder"),
    ),
}
_LETTER = N_("Hello %(name)s,\n\n%(text)s\n")


def tell(
    person: User,
    key: str,
    kind: str,
    values: Mapping[str, Any],
    post: Post | None,
    *,
    record: Record | None = None,
    path: str = "",
) -> None:
    """Tell somebody once, within the transaction of what is told, as far as they may know it.

    Args:
        record: what it is about, named in the message; of one out of their reach they are told
            nothing.
        path: where it leads, where it is about several.
    """
    message, subject = SAID[kind]
    if record is not None:
        if not access.may(record, person):
            return
        values = {**values, "record": " ".join(str(record)[:60].split())}
    entity = record.__tablename__ if record is not None else path or None
    record_id = record.id if record is not None else None
    notifications.notify_all(
        [Message(person.id, key, kind, message, dict(values), entity, record_id)]
    )
    if post is None or not person.is_active:
        return
    gettext = i18n.catalogue(person.language or post.language).gettext
    text = filled_in(message, values, gettext)
    where = f"/{entity}/details/?id={record_id}" if record is not None else f"/{path}/"
    if post.public_url:
        text = f"{text}\n\n{post.public_url.rstrip('/')}{where}"
    product = " ".join(post.product.split())
    with suppress(Invalid):  # an address that is none keeps nothing from happening
        outbox.write(
            post,
            person,
            kind,
            " ".join((gettext(subject) % {"product": product}).split()),
            gettext(_LETTER) % {"name": person.name, "text": text},
            key=key,
            entity=entity,
            record_id=record_id,
        )


def take_back(key: str) -> None:
    """Unsay what was neither read nor mailed yet."""
    unread = delete(Notification).where(Notification.key == key, Notification.read_at.is_(None))
    db.session.execute(unread)
    waiting = delete(Letter).where(
        Letter.key == key, Letter.sent_at.is_(None), Letter.holder.is_(None)
    )
    db.session.execute(waiting)
