"""Sending one message by SMTP. Which messages there are, the outbox knows."""

import re
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, parseaddr
from typing import Any

from crm_admin.errors import CrmError, Invalid, Problem
from crm_admin.i18n import N_

#: Seconds that the server may take for an answer.
PATIENCE = 20
_ADDRESS = re.compile(r"[^@\s,;<>\"\\]+@[^@\s,;<>\"\\]+")


class Refused(CrmError):
    """The server will not take this message, however often it is tried."""


class Unsent(CrmError):
    """The message did not reach the server; a later try may."""


@dataclass(frozen=True)
class Server:
    """The server that takes mail, as it is set up."""

    host: str
    port: int
    user: str
    password: str
    security: str
    sender: str

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Server | None":
        """Return the server of these settings, or None where mail is not set up."""
        if not settings["MAIL_HOST"]:
            return None
        keys = ("HOST", "PORT", "USER", "PASSWORD", "SECURITY", "FROM")
        return cls(*(settings[f"MAIL_{key}"] for key in keys))


def check_address(address: str) -> str:
    """Return the address, if it is one address and nothing more.

    Raises:
        Invalid: it is none, or would add a header or a second recipient.
    """
    if not _ADDRESS.fullmatch(address) or len(address) > 254:
        raise Invalid([Problem("email", N_("This is not an e-mail address."))])
    return address


def compose(recipient: str, subject: str, text: str, server: Server, id: str) -> EmailMessage:
    """Return the message as it is sent; `id` makes it the same one whenever it is sent again.

    Raises:
        Invalid: the recipient is not one address, or a header would hold a line break.
    """
    if any(mark in subject for mark in "\r\n\0"):
        raise Invalid([Problem("subject", N_("A subject is one line."))])
    _name, plain = parseaddr(server.sender)
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = server.sender, check_address(recipient)
    message["Subject"], message["Date"] = subject, formatdate(localtime=False)
    message["Message-ID"] = f"<{id}@{plain.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # so that absence notices do not answer
    message.set_content(text)
    return message


def send(message: EmailMessage, server: Server) -> None:
    """Hand the message to the server.

    Raises:
        Refused: it will never take it. Unsent: it could not be reached, or not now.
    """
    try:
        with _connected(server) as smtp:
            smtp.send_message(message)
    except smtplib.SMTPRecipientsRefused as refused:
        code, said = next(iter(refused.recipients.values()))
        raise (Refused if code >= 500 else Unsent)(_plain(code, said)) from refused
    except smtplib.SMTPResponseException as answered:
        raise Unsent(_plain(answered.smtp_code, answered.smtp_error)) from answered
    except (OSError, smtplib.SMTPException) as failed:
        raise Unsent(f"{type(failed).__name__}: {failed}"[:300]) from failed


def _connected(server: Server) -> smtplib.SMTP:
    """Return a connection on which somebody has signed in, where there is somebody to."""
    context = ssl.create_default_context()
    smtp: smtplib.SMTP
    if server.security == "tls":
        smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=PATIENCE, context=context)
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=PATIENCE)
    try:
        if server.security == "starttls":
            smtp.starttls(context=context)
        if server.user:
            smtp.login(server.user, server.password)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _plain(code: int, said: bytes | str) -> str:
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"{code} {words}"[:300]
