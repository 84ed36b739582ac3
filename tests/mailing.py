"""Mail in tests: settings by which it is on, what lies in the outbox, and a server for it."""

import re
import socket
from contextlib import closing, contextmanager

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from sqlalchemy import select

from crm_admin.database import db
from crm_admin.models.outbox import Letter
from crm_admin.services.outbox import Post

PUBLIC = "https://crm.example.com"
SETTINGS = {
    "MAIL_HOST": "127.0.0.1",
    "MAIL_PORT": 1,
    "MAIL_SECURITY": "none",
    "MAIL_FROM": "CRM <crm@example.com>",
    "PUBLIC_URL": PUBLIC,
}


@pytest.fixture
def mailing(app, monkeypatch):
    """The application with mail set up; nothing is sent until a test does so."""
    for name, value in SETTINGS.items():
        monkeypatch.setitem(app.config, name, value)
    return app


def letters(app):
    """Return (recipient, subject, text) of all messages in the outbox, the oldest first."""
    post = Post.of(app.config)
    db.session.rollback()
    found = db.session.scalars(select(Letter).order_by(Letter.id)).all()
    return [
        (one.recipient, one.subject, one.sealed_text and post.seal.open(one.sealed_text, "mail"))
        for one in found
    ]


def link_in(text):
    """Return the path and query of the address that a message holds."""
    return re.search(rf"{re.escape(PUBLIC)}(/\S+)", text)[1]


class Kept(Message):
    """Keeps what it is given; `answer` is what it says instead of taking it."""

    def __init__(self):
        super().__init__()
        self.messages, self.answer = [], None

    def handle_message(self, message):
        self.messages.append(message)

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if self.answer:
            return self.answer
        envelope.rcpt_tos.append(address)
        return "250 OK"


@contextmanager
def mail_server(**options):
    """Serve a mail server on this machine; yield (what it was given, its port)."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = Kept()
    controller = Controller(kept, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield kept, port
    finally:
        controller.stop()
