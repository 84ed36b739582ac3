"""Tries to sign in: counted, so that nobody guesses for long, and told to whom they concern."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update

from crm_admin import clock
from crm_admin.database import db
from crm_admin.errors import Denied
from crm_admin.i18n import N_
from crm_admin.models.users import SignInAttempt, TryKind, User

#: Within this time so many wrong tries for one name, or from one address, are too many.
WINDOW = timedelta(minutes=15)
MOST_PER_NAME, MOST_PER_ADDRESS = 8, 60
#: How many a history shows.
SHOWN = 20


@dataclass(frozen=True)
class Visitor:
    """Who tries: from which address, with which browser.

    `device` names a browser on which the user `device_of` has signed in before. Their tries there
    are counted by themselves: strangers who guess at a name do not lock its owner out.
    """

    address: str
    agent: str = ""
    device: str = ""
    device_of: int | None = None


def begin(
    name: str, kind: TryKind, visitor: Visitor, user_id: int | None, *, most: int = MOST_PER_NAME
) -> int:
    """Count a try before its outcome is known; return its id. Call it within a transaction.

    Raises:
        Denied: too many wrong ones of late, for the name or from the address.
    """
    is_known = bool(visitor.device) and user_id is not None and visitor.device_of == user_id
    bucket = _hash(f"{visitor.device}\0{name}" if is_known else name)
    _refuse_guessing(bucket, visitor.address, most)
    attempt = SignInAttempt(
        name_hash=bucket,
        address=visitor.address[:64],
        agent=visitor.agent[:200],
        tried_at=clock.now(),
        succeeded=False,
        kind=kind,
        user_id=user_id,
    )
    db.session.add(attempt)
    db.session.flush()  # its id is what the outcome is noted under
    return attempt.id


def succeeded(id: int, kind: TryKind | None = None) -> None:
    """Note that a try was right, within a transaction; `kind` says what it was in the end."""
    values: dict[str, Any] = {"succeeded": True} | ({"kind": kind} if kind else {})
    db.session.execute(update(SignInAttempt).where(SignInAttempt.id == id).values(**values))


def forget(name: str) -> None:
    """Let a name be tried again at once, after its password was set anew.

    Wrong codes stay counted: whoever can reset a password must not guess them for it.
    """
    forgotten = update(SignInAttempt).where(
        SignInAttempt.name_hash == _hash(name),
        SignInAttempt.kind.in_((TryKind.PASSWORD, TryKind.CONFIRMATION)),
    )
    db.session.execute(forgotten.values(name_hash=""))


def of(user: User, limit: int = SHOWN) -> Sequence[SignInAttempt]:
    """Return the last sign-ins of a user and the tries that failed, the latest first."""
    wrong = SignInAttempt.succeeded.is_(False)
    statement = select(SignInAttempt).where(
        SignInAttempt.user_id == user.id, or_(SignInAttempt.kind != TryKind.CONFIRMATION, wrong)
    )
    return db.session.scalars(statement.order_by(SignInAttempt.id.desc()).limit(limit)).all()


def _hash(name: str) -> str:
    return hashlib.sha256(name.strip().casefold().encode()).hexdigest()


def _refuse_guessing(bucket: str, address: str, most: int) -> None:
    """Refuse a try after too many wrong ones for the name or from the address."""
    if _wrong(SignInAttempt.name_hash == bucket) >= most:
        raise _too_many()
    refuse_address(address)


def refuse_address(address: str) -> None:
    """Refuse a try after too many wrong ones from the address, whatever the name.

    Raises:
        Denied: there were.
    """
    if _wrong(SignInAttempt.address == address[:64]) >= MOST_PER_ADDRESS:
        raise _too_many()


def _wrong(condition: ColumnElement[bool]) -> int:
    """Return how many wrong tries there were of late."""
    since = clock.now() - WINDOW
    recent = select(func.count(SignInAttempt.id)).where(
        SignInAttempt.tried_at > since, SignInAttempt.succeeded.is_(False), condition
    )
    return db.session.scalar(recent) or 0


def _too_many() -> Denied:
    return Denied(
        N_("Too many wrong tries. Please wait %(minutes)s minutes and try again."),
        minutes=int(WINDOW.total_seconds() // 60),
    )
