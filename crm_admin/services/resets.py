"""A new password by mail, for who forgot theirs; the answer never tells who has an account."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, or_

from crm_admin import clock
from crm_admin.database import db
from crm_admin.errors import Denied, Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.accounts import Purpose
from crm_admin.models.users import TryKind, User
from crm_admin.services import account_tokens, letters, organisation, passwords, records, tries
from crm_admin.services.outbox import Post
from crm_admin.services.tries import Visitor

#: So many letters go to an account within `tries.WINDOW`, and to so many accounts of one address.
MOST_LETTERS, MOST_ACCOUNTS = 3, 5
MINUTES = int(account_tokens.LIFE[Purpose.RESET] / timedelta(minutes=1))


def ask(typed: str, visitor: Visitor, post: Post) -> None:
    """Mail a link to each account of this user name or e-mail address.

    Where there is none, the same is written for nobody and taken back: the time that an answer
    takes tells no more than its words.

    Raises:
        Denied: too many tries from this address.
    """
    with records.transaction("reset"):
        tries.refuse_address(visitor.address)
        found = _accounts(typed)
        user_id = found[0].id if found else None
        try:
            tries.begin(f"reset\0{typed}", TryKind.RESET, visitor, user_id, most=MOST_LETTERS)
        except Denied:  # this name was asked for too often, which the answer does not tell
            found = []
        written = [_write(user, user.email, post) for user in found]
        if not any(written):
            with db.session.begin_nested() as nobody:
                _write(organisation.system(), "nobody@example.invalid", post)
                nobody.rollback()


def _accounts(typed: str) -> Sequence[User]:
    """Return the accounts that a name or an address means, as far as mail can reach them.

    Who has never had a password waits for an invitation instead.
    """
    text = typed.strip()
    if not text or "\0" in text:
        return []
    statement = records.alive(User).where(
        or_(User.username == text, func.lower(User.email) == text.lower()),
        User.is_active,
        User.is_system.is_(False),
        User.email.is_not(None),
        User.password_hash.is_not(None),
    )
    return db.session.scalars(statement.order_by(User.id).limit(MOST_ACCOUNTS)).all()


def _write(user: User, address: str | None, post: Post) -> bool:
    """Make a link for an account and put it into the outbox; return whether it goes out.

    It does not where there were many of late, or the address is none.
    """
    since = clock.now() - tries.WINDOW
    if account_tokens.made_since(user, Purpose.RESET, since) >= MOST_LETTERS:
        return False
    token = account_tokens.make(user, Purpose.RESET, mailed=True)
    link = f"{post.public_url}/reset?token={token}"
    records.note(user, organisation.system(), "password reset asked", {})
    try:
        return letters.send(post, user, "reset", recipient=address, link=link, minutes=MINUTES)
    except Invalid:
        return False


def finish(token: str, new: str, repeated: str, post: Post) -> User:
    """Give the token's user the new password, and end all their sessions and other tokens.

    The second factor, where there is one, is asked for at the next sign-in as before.

    Raises:
        Invalid: the link lives no more, the two differ, or the password is not good enough.
    """
    user = choose(token, Purpose.RESET, new, repeated)
    tries.forget(user.username)
    records.note(user, user, "password reset", {})
    letters.tell(post, user, "password_reset")
    return user


def choose(token: str, purpose: Purpose, new: str, repeated: str) -> User:
    """Use the token up to set its user's password; return the user.

    Raises:
        Invalid: the link lives no more, the two differ, or the password is not good enough.
    """
    if new != repeated:
        raise Invalid([Problem("repeat", N_("The two new passwords differ."))])
    user = account_tokens.use(token, purpose)
    if user is None:
        raise Invalid([Problem("", N_("This link was used before, or it has run out."))])
    passwords.set_password(user, new, user)
    return user
