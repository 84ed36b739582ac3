"""Passwords: how they are kept, which are good enough, and how often one may guess."""

import hashlib
import secrets
from datetime import timedelta
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import func, select, update

from crm_admin import clock
from crm_admin.database import db
from crm_admin.errors import Denied, Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.users import SignInAttempt, User
from crm_admin.services import organisation, records

SHORTEST, LONGEST = 10, 256
#: Within this time so many wrong passwords for one name, or from one address, are too many.
WINDOW = timedelta(minutes=15)
MOST_PER_NAME, MOST_PER_ADDRESS = 8, 60

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_at_once = BoundedSemaphore(4)  # each hash takes 19 MiB
_nobody = _hasher.hash(secrets.token_hex(16))
_COMMON = {
    "1234567890", "12345678910", "0123456789", "qwertyuiop", "password123", "password1234",
    "administrator", "1q2w3e4r5t", "qwerty12345", "letmein1234", "welcome1234", "iloveyou123",
    "woaini1314520", "abcd123456", "a123456789", "passw0rd123", "admin123456", "crmadmin123",
}  # fmt: skip


def check(password: str, user: User) -> None:
    """Refuse a password that others would guess.

    Raises:
        Invalid: it is too short or long, widely used, or made of the person's own name.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        message = N_("A password has %(least)s to %(most)s characters.")
        raise Invalid([Problem("password", message, {"least": SHORTEST, "most": LONGEST})])
    small = password.casefold()
    own = [text.casefold() for text in (user.username, user.name, user.email or "") if text]
    if small in _COMMON or len(set(small)) < 4 or any(small == text for text in own):
        raise Invalid([Problem("password", N_("This password is too easy to guess."))])


def set_password(
    user: User, password: str, actor: User, *, keep_session: int | None = None
) -> None:
    """Give the user a new password and end their sessions, except `keep_session`.

    Raises:
        Invalid: it is not good enough. Denied: the user has rights that the actor lacks.
    """
    if actor.id != user.id:
        organisation.check_rank(user, actor)
    check(password, user)
    with _at_once:
        user.password_hash = _hasher.hash(password)
    user.password_changed_at, user.must_change_password = clock.now(), actor.id != user.id
    organisation.end_sessions(user, but=keep_session)
    db.session.flush()  # its history names the version it has from now on
    records.note(user, actor, "password changed", {})


def generate() -> str:
    """Return a random password of 96 bits."""
    return secrets.token_urlsafe(12)


def verify(user: User | None, password: str) -> bool:
    """Return whether the password is the user's; takes as long where there is no such user."""
    kept = user.password_hash if user and user.password_hash else None
    with _at_once:
        try:
            return _hasher.verify(kept or _nobody, password[:LONGEST]) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


def sign_in(username: str, password: str, address: str) -> User | None:
    """Return the user who may sign in with these, or None; the try is counted either way.

    Raises:
        Denied: too many wrong tries of late.
    """
    name = hashlib.sha256(username.strip().casefold().encode()).hexdigest()
    with records.transaction("sign-in"):
        _refuse_guessing(name, address)
        attempt = SignInAttempt(
            name_hash=name, address=address[:64], tried_at=clock.now(), succeeded=False
        )
        db.session.add(attempt)
        db.session.flush()  # its id is asked for below
        tried = attempt.id
    user = organisation.by_username(username.strip())
    if not verify(user, password) or user is None or not user.is_active:
        return None
    rehash = _hasher.check_needs_rehash(user.password_hash or "")
    with records.transaction("sign-in"):
        db.session.execute(
            update(SignInAttempt).where(SignInAttempt.id == tried).values(succeeded=True)
        )
        if rehash:
            user.password_hash = _hasher.hash(password)
    return user


def _refuse_guessing(name: str, address: str) -> None:
    """Refuse a try after too many wrong ones for the name or from the address."""
    since = clock.now() - WINDOW
    recent = select(func.count()).where(
        SignInAttempt.tried_at > since, SignInAttempt.succeeded.is_(False)
    )
    by_name = db.session.scalar(recent.where(SignInAttempt.name_hash == name)) or 0
    by_address = db.session.scalar(recent.where(SignInAttempt.address == address[:64])) or 0
    if by_name >= MOST_PER_NAME or by_address >= MOST_PER_ADDRESS:
        raise Denied(
            N_("Too many wrong tries. Please wait %(minutes)s minutes and try again."),
            minutes=int(WINDOW.total_seconds() // 60),
        )


def forget_tries(username: str) -> None:
    """Let a name be tried again at once, after its password was set anew."""
    name = hashlib.sha256(username.strip().casefold().encode()).hexdigest()
    db.session.execute(
        update(SignInAttempt).where(SignInAttempt.name_hash == name).values(succeeded=True)
    )
