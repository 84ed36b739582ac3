"""Passwords: how they are kept, which are good enough, and whose they are."""

import secrets
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from crm_admin import clock
from crm_admin.database import db
from crm_admin.errors import Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.users import TryKind, User
from crm_admin.services import account_tokens, organisation, records, tries
from crm_admin.services.tries import Visitor

SHORTEST, LONGEST = 10, 256

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
    account_tokens.end_all(user)
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


def sign_in(username: str, password: str, visitor: Visitor) -> User | None:
    """Return the user whose password this is, or None; the try is counted either way.

    Whoever has a second factor is not signed in yet: `second_factors` asks for the code.

    Raises:
        Denied: too many wrong tries of late.
    """
    with records.transaction("sign-in"):
        known = organisation.by_username(username.strip())
        tried = tries.begin(username, TryKind.PASSWORD, visitor, known.id if known else None)
    user = organisation.by_username(username.strip())
    if not verify(user, password) or user is None or not user.is_active:
        return None
    rehash = _hasher.check_needs_rehash(user.password_hash or "")
    with records.transaction("sign-in"):
        tries.succeeded(tried, TryKind.FIRST_STEP if user.second_factor_at else None)
        if rehash:
            user.password_hash = _hasher.hash(password)
    return user


def confirmed(user: User, password: str, visitor: Visitor) -> bool:
    """Return whether this is the user's password, asked again before something that matters.

    Call it outside any transaction.

    Raises:
        Denied: too many wrong tries of late.
    """
    with records.transaction("sign-in"):
        tried = tries.begin(user.username, TryKind.CONFIRMATION, visitor, user.id)
    if not verify(user, password):
        return False
    with records.transaction("sign-in"):
        tries.succeeded(tried)
    return True
