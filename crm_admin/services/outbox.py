"""The outbox: mail is written with what it tells, and sent afterwards, outside any transaction.

Who sends a message holds it for a while, so that two senders do not send it twice. One that was
handed over just before its sender died goes out again, under the same Message-ID.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, or_, select, update

from crm_admin import clock
from crm_admin.database import db
from crm_admin.errors import CrmError
from crm_admin.models.outbox import WAITING, Letter
from crm_admin.models.users import User
from crm_admin.services import mail, records
from crm_admin.services.sealing import Seal

#: How long a message is held by who sends it, and how many are taken at once.
HELD, AT_ONCE = timedelta(minutes=10), 20
#: What must be left of that time when the server is called: it may be slow to answer.
SPARE = timedelta(minutes=3)
#: It is tried again after 1, 2, 4 ... minutes, at most an hour apart, and so often altogether.
LONGEST_WAIT, MOST_TRIES = timedelta(hours=1), 12
_PURPOSE = "mail"


@dataclass(frozen=True)
class Post:
    """How mail leaves this installation, and what its links begin with.

    Without a server no mail is written: nothing piles up that nobody sends.
    """

    server: mail.Server | None
    public_url: str
    language: str
    product: str
    seal: Seal

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Post":
        """Return the post of an installation with these settings."""
        return cls(
            server=mail.Server.of(settings),
            public_url=settings["PUBLIC_URL"],
            language=settings["LANGUAGE"] or "en",
            product=settings["PRODUCT_NAME"],
            seal=Seal.of(settings),
        )

    @property
    def sends_links(self) -> bool:
        """Whether mail can be sent that leads back here."""
        return self.server is not None and bool(self.public_url)


def write(
    post: Post,
    user: User,
    kind: str,
    subject: str,
    text: str,
    *,
    recipient: str | None = None,
    key: str | None = None,
    entity: str | None = None,
    record_id: int | None = None,
) -> bool:
    """Put a message to a user into the outbox, within the transaction of what it tells.

    Return whether there is one now: not without a server, without an address, or twice for a `key`.

    Raises:
        Invalid: the address is none, or the subject has several lines.
    """
    address = recipient or user.email
    if post.server is None or not address:
        return False
    if key is not None and db.session.scalar(select(Letter.id).where(Letter.key == key)):
        return False
    mail.compose(address, subject, text, post.server, "tried")  # refused now, not at each try
    letter = Letter(
        recipient=address,
        subject=subject,
        sealed_text=post.seal.close(text, _PURPOSE),
        language=user.language or post.language,
        kind=kind,
        user_id=user.id,
        key=key,
        entity=entity,
        record_id=record_id,
    )
    db.session.add(letter)
    db.session.flush()
    return True


def deliver(post: Post) -> int:
    """Send what is due; return how much was sent. Call it outside any transaction."""
    sent = 0
    while post.server is not None and (taken := _take()):
        holder, ids = taken
        sent += sum(_deliver(id, holder, post, post.server) for id in ids)
    return sent


def _take() -> tuple[str, list[int]] | None:
    """Hold some messages that are due; return the holder's name and their ids."""
    holder, now = secrets.token_hex(8), clock.now()
    free = or_(Letter.held_until.is_(None), Letter.held_until < now)
    due = select(Letter.id).where(WAITING, Letter.next_try_at <= now, free)
    due = due.order_by(Letter.next_try_at, Letter.id).limit(AT_ONCE)
    if db.session.scalar(due) is None:
        db.session.rollback()
        return None  # looked at twice a minute, and mostly empty: no need to write
    with records.transaction("mail"):
        ids = list(db.session.scalars(due.with_for_update(skip_locked=True)))
        held = update(Letter).where(Letter.id.in_(ids))
        db.session.execute(held.values(holder=holder, held_until=now + HELD))
    return (holder, ids) if ids else None


def _deliver(id: int, holder: str, post: Post, server: mail.Server) -> bool:
    """Send one message that is held, and note how it went; return whether it was sent."""
    theirs = select(Letter).where(Letter.id == id, Letter.holder == holder)
    letter = db.session.scalar(theirs.where(Letter.held_until > clock.now() + SPARE))
    if letter is None:
        return False
    recipient, subject, sealed = letter.recipient, letter.subject, letter.sealed_text
    tries, name = letter.attempts + 1, f"{letter.id}.{int(letter.created_at.timestamp())}"
    db.session.rollback()  # no transaction is open while the server takes its time
    try:
        text = post.seal.open(sealed, _PURPOSE)
        mail.send(mail.compose(recipient, subject, text, server, name), server)
    except mail.Unsent as unsent:
        _note(id, holder, _after(tries), last_error=str(unsent), attempts=tries)
        return False
    except CrmError as refused:
        gone = {"failed_at": clock.now(), "last_error": str(refused)}
        _note(id, holder, gone, attempts=tries)
        return False
    _note(
        id, holder, {"sent_at": clock.now(), "sealed_text": "", "last_error": None}, attempts=tries
    )
    return True


def _after(tries: int) -> dict[str, Any]:
    """Return when a message is tried again after so many failures, or that it is not."""
    if tries >= MOST_TRIES:
        return {"failed_at": clock.now()}
    return {"next_try_at": clock.now() + min(timedelta(minutes=2 ** (tries - 1)), LONGEST_WAIT)}


def _note(id: int, holder: str, values: Mapping[str, Any], **more: Any) -> None:
    noted = update(Letter).where(Letter.id == id, Letter.holder == holder)
    with records.transaction("mail"):
        db.session.execute(noted.values(holder=None, held_until=None, **values, **more))


@dataclass(frozen=True)
class State:
    """What an administrator is told of the outbox."""

    waiting: int
    failed: Sequence[Letter]
    last_sent: datetime | None


def state(limit: int = 20) -> State:
    """Return how much waits, what was given up, and when something was sent last."""
    failed = select(Letter).where(Letter.failed_at.is_not(None)).order_by(Letter.id.desc())
    return State(
        waiting=db.session.scalar(select(func.count(Letter.id)).where(WAITING)) or 0,
        failed=db.session.scalars(failed.limit(limit)).all(),
        last_sent=db.session.scalar(select(func.max(Letter.sent_at))),
    )


def try_again() -> int:
    """Let everything that was given up be tried again; return how much."""
    given_up = update(Letter).where(Letter.failed_at.is_not(None))
    again: Any = db.session.execute(
        given_up.values(failed_at=None, attempts=0, next_try_at=clock.now())
    )
    return int(again.rowcount)


def hold_back() -> None:
    """Give up what a backup says is still to be sent: it may have gone out since."""
    waiting = update(Letter).where(WAITING)
    reason = "It was waiting in a backup that was restored, and may have been sent since."
    db.session.execute(waiting.values(failed_at=clock.now(), last_error=reason))


def give_up() -> int:
    """Forget everything that was given up; return how much."""
    gone: Any = db.session.execute(delete(Letter).where(Letter.failed_at.is_not(None)))
    return int(gone.rowcount)
