"""The second factor: codes that a phone makes, and codes on paper for when it is lost.

The secret is sealed in the database, recovery codes are hashed, and each code works once.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
from datetime import timedelta

import pyotp
import segno
from sqlalchemy import delete, func, select, update

from crm_admin import clock
from crm_admin.database import db
from crm_admin.errors import CrmError, Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.accounts import Purpose, RecoveryCode, SecondFactor
from crm_admin.models.users import TryKind, User
from crm_admin.services import access, account_tokens, letters, organisation, records, tries
from crm_admin.services.outbox import Post
from crm_admin.services.role_rights import rights_kept
from crm_admin.services.sealing import Seal
from crm_admin.services.tries import Visitor

STEP_SECONDS = 30
#: A recovery code is made of so many random bytes: 80 bits, so that a plain hash keeps it.
CODES, CODE_BYTES = 10, 10
#: How long a secret that was shown waits for its first code.
ENROLMENT = timedelta(minutes=15)
_SECRET, _OFFER = "second factor", "enrolment"


def required(user: User) -> bool:
    """Return whether a role whose rights the user has asks for a second factor; asks no database.

    One that is lent them asks for it as well.
    """
    strict = rights_kept().strict
    return bool(strict) and any(role in strict for role in access.role_ids(user))


def lacking(user: User) -> bool:
    """Return whether the user must set up a second factor before anything else."""
    return user.second_factor_at is None and required(user)


def offer(user: User, seal: Seal) -> str:
    """Return a new secret, sealed for the form that comes back with its first code."""
    made = {"user": user.id, "secret": pyotp.random_base32(), "at": clock.now().timestamp()}
    return seal.close(json.dumps(made), _OFFER)


def offered(sealed: str, user: User, seal: Seal) -> str:
    """Return the secret that was offered to this user a moment ago.

    Raises:
        Invalid: it was offered too long ago, to somebody else, or never.
    """
    try:
        made = json.loads(seal.open(sealed, _OFFER))
    except CrmError:
        made = {"user": None}
    is_old = clock.now().timestamp() - made.get("at", 0) > ENROLMENT.total_seconds()
    if made["user"] != user.id or is_old:
        raise Invalid([Problem("", N_("This took too long. Please begin again."))])
    return str(made["secret"])


def picture(secret: str, user: User, product: str) -> str:
    """Return the SVG that a phone reads the secret from; it needs no style and no other file."""
    issuer = product.replace(":", " ")
    uri = pyotp.TOTP(secret).provisioning_uri(name=user.username, issuer_name=issuer)
    code = segno.make(uri, error="m", micro=False)
    return str(code.svg_inline(omitsize=True, dark="#000", light="#fff", svgclass=None, border=3))


def spelled(secret: str) -> str:
    """Return the secret in groups of four, for who types it."""
    return " ".join(re.findall(".{1,4}", secret))


def switch_on(user: User, secret: str, code: str, post: Post, *, keep_session: int) -> list[str]:
    """Ask for codes made of this secret from now on; return the recovery codes, shown once.

    It replaces a phone that was there before, and ends all other sessions.

    Raises:
        Invalid: the code is not one of this secret's.
    """
    step = _step_of(secret, code)
    if step is None:
        raise Invalid([Problem("code", N_("This code is not right. Is the phone's time right?"))])
    db.session.execute(delete(SecondFactor).where(SecondFactor.user_id == user.id))
    sealed = post.seal.close(secret, _SECRET)
    db.session.add(SecondFactor(user_id=user.id, sealed_secret=sealed, last_step=step))
    user.second_factor_at = clock.now()
    _end_others(user, keep_session)
    db.session.flush()
    records.note(user, user, "second factor on", {})
    letters.tell(post, user, "factor_on")
    return _new_codes(user)


def switch_off(user: User, post: Post, *, keep_session: int) -> None:
    """Ask this user for their password alone from now on.

    Raises:
        Invalid: one of their roles requires a second factor.
    """
    if required(user):
        raise Invalid([Problem("", N_("Your role requires a second factor."))])
    _forget(user)
    _end_others(user, keep_session)
    db.session.flush()
    records.note(user, user, "second factor off", {})
    letters.tell(post, user, "factor_off")


def take_away(user: User, actor: User, post: Post) -> None:
    """Take away a factor that was lost; the user signs in with the password, and is told of it.

    Raises:
        Denied: the user has rights that the actor lacks.
    """
    organisation.check_rank(user, actor)
    if user.second_factor_at is None:
        raise Invalid([Problem("", N_("There is no second factor."))])
    _forget(user)
    _end_others(user, None)
    db.session.flush()
    records.note(user, actor, "second factor taken away", {})
    letters.tell(post, user, "factor_taken", by=actor.name)


def renew_codes(user: User) -> list[str]:
    """Return ten new recovery codes, shown once; the old ones are worth nothing.

    Raises:
        Invalid: there is no second factor that they could stand in for.
    """
    if user.second_factor_at is None:
        raise Invalid([Problem("", N_("There is no second factor."))])
    records.note(user, user, "recovery codes renewed", {})
    return _new_codes(user)


def codes_left(user: User) -> int:
    """Return how many recovery codes are still good."""
    unused = select(func.count(RecoveryCode.id)).where(RecoveryCode.user_id == user.id)
    return db.session.scalar(unused.where(RecoveryCode.used_at.is_(None))) or 0


def begin(user: User) -> str:
    """Return the token of a sign-in whose password was right and whose code is still to come."""
    with records.transaction("sign-in"):
        return account_tokens.make(user, Purpose.SECOND_STEP)


def enter(token: str, code: str, visitor: Visitor, post: Post) -> User | None:
    """Return who has now signed in with their second factor, or None; the try is counted.

    The token is used up by the right code. Call it outside any transaction.

    Raises:
        Denied: too many wrong tries of late. Invalid: the token lives no more.
    """
    user = account_tokens.owner(token, Purpose.SECOND_STEP)
    if user is None:
        raise Invalid([Problem("", N_("This took too long. Please sign in again."))])
    plain = re.sub(r"[\s-]", "", code).upper()
    on_paper = not plain.isdigit()
    kind = TryKind.RECOVERY_CODE if on_paper else TryKind.CODE
    id, name = user.id, user.username
    with records.transaction("sign-in"):
        tried = tries.begin(name, kind, visitor, id)
    with records.transaction("sign-in"):
        user = account_tokens.owner(token, Purpose.SECOND_STEP)
        is_right = user is not None and (_on_paper if on_paper else _on_phone)(user, plain, post)
        if not is_right or account_tokens.use(token, Purpose.SECOND_STEP) is None:
            return None
        tries.succeeded(tried)
    return user


def _on_phone(user: User, code: str, post: Post) -> bool:
    """Return whether the code is the phone's of now and was not used before; it is then."""
    factor = db.session.scalar(
        select(SecondFactor).where(SecondFactor.user_id == user.id).with_for_update()
    )
    if factor is None:
        return False
    step = _step_of(post.seal.open(factor.sealed_secret, _SECRET), code)
    if step is None or step <= factor.last_step:
        return False
    factor.last_step = step
    db.session.flush()
    return True


def _on_paper(user: User, code: str, post: Post) -> bool:
    """Return whether this is an unused recovery code; it is used then, and its user told of it."""
    unused = update(RecoveryCode).where(
        RecoveryCode.user_id == user.id,
        RecoveryCode.code_hash == _hash(code),
        RecoveryCode.used_at.is_(None),
    )
    used = db.session.execute(unused.values(used_at=clock.now()))
    if not used.rowcount:  # type: ignore[attr-defined]
        return False
    records.note(user, user, "recovery code used", {})
    letters.tell(post, user, "recovery_used", left=codes_left(user))
    return True


def _step_of(secret: str, code: str) -> int | None:
    """Return the half minute that this code is of: the present one or the one before, or None."""
    now = int(clock.now().timestamp()) // STEP_SECONDS
    typed = re.sub(r"\s", "", code).encode("utf-8", "replace")
    codes = pyotp.HOTP(secret)
    return next(
        (s for s in (now, now - 1) if hmac.compare_digest(codes.at(s).encode(), typed)),
        None,
    )


def _new_codes(user: User) -> list[str]:
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    made = [base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode() for _ in range(CODES)]
    db.session.add_all(RecoveryCode(user_id=user.id, code_hash=_hash(code)) for code in made)
    db.session.flush()
    return ["-".join(re.findall(".{4}", code)) for code in made]


def _forget(user: User) -> None:
    for table in (SecondFactor, RecoveryCode):
        db.session.execute(delete(table).where(table.user_id == user.id))
    user.second_factor_at = None


def _end_others(user: User, keep_session: int | None) -> None:
    """End the user's other sessions and all that was begun with the factor as it was."""
    organisation.end_sessions(user, but=keep_session)
    account_tokens.end_all(user)


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()
