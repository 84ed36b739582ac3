"""Outgoing mail, sent as it comes."""

from flask import current_app

from crm_admin.i18n import N_
from crm_admin.jobs import steady
from crm_admin.services import outbox
from crm_admin.services.outbox import Post


@steady(N_("Outgoing mail"), seconds=30)
def send_mail() -> int:
    """Send what lies in the outbox; what the server does not take now is tried again."""
    return outbox.deliver(Post.of(current_app.config))
