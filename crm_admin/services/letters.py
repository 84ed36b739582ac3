"""What people are told of their account, by mail and in their inbox, in their own language."""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from crm_admin import i18n
from crm_admin.errors import Invalid
from crm_admin.i18n import N_
from crm_admin.models.users import User
from crm_admin.services import notifications, outbox
from crm_admin.services.notifications import Message
from crm_admin.services.outbox import Post

#: {kind: (subject, text)}.
LETTERS = {
    "reset": (
        N_("%(product)s: choose a new password"),
        N_(
            "Hello %(name)s,\n\nsomebody asked for a new password of the user %(username)s. "
            "To choose one, open this address within %(minutes)s minutes:\n\n%(link)s\n\n"
            "If it was not you, do nothing: the password stays as it is.\n"
        ),
    ),
    "invitation": (
        N_("%(product)s: your account"),
        N_(
            "Hello %(name)s,\n\nyou can sign in to %(product)s as %(username)s. To choose your "
            "password, open this address within %(hours)s hours:\n\n%(link)s\n"
        ),
    ),
    "password_reset": (
        N_("%(product)s: your password was changed"),
        N_(
            "Hello %(name)s,\n\nthe password of the user %(username)s was just changed by a link "
            "in a mail, and all its sessions have ended. If it was not you, tell your "
            "administrator at once.\n"
        ),
    ),
    "factor_on": (
        N_("%(product)s: second factor switched on"),
        N_(
            "Hello %(name)s,\n\nfrom now on the user %(username)s signs in with a code as well. "
            "If it was not you who switched this on, tell your administrator at once.\n"
        ),
    ),
    "factor_off": (
        N_("%(product)s: second factor switched off"),
        N_(
            "Hello %(name)s,\n\nthe user %(username)s now signs in with the password alone. If it "
            "was not you who switched the second factor off, tell your administrator at once.\n"
        ),
    ),
    "factor_taken": (
        N_("%(product)s: second factor taken away"),
        N_(
            "Hello %(name)s,\n\n%(by)s has taken away the second factor of the user %(username)s "
            "and ended its sessions. If you did not ask for it, tell your administrator at once.\n"
        ),
    ),
    "recovery_used": (
        N_("%(product)s: a recovery code was used"),
        N_(
            "Hello %(name)s,\n\na recovery code was just used to sign in as %(username)s. Left: "
            "%(left)s. If it was not you, tell your administrator at once.\n"
        ),
    ),
}

#: What stands in the inbox as well.
NOTICES = {
    "password_reset": N_("Your password was changed by a link in a mail."),
    "factor_taken": N_("%(by)s has taken away your second factor."),
    "recovery_used": N_("A recovery code was used to sign in. Left: %(left)s."),
}


def send(post: Post, user: User, kind: str, *, recipient: str | None = None, **values: Any) -> bool:
    """Write a letter about a user's account; return whether one goes out.

    Args:
        recipient: the address, where it is not the user's own.

    Raises:
        Invalid: the address is none.
    """
    catalogue = i18n.catalogue(user.language or post.language)
    facts: Mapping[str, Any] = {
        "product": " ".join(post.product.split()),
        "name": user.name,
        "username": user.username,
        **values,
    }
    subject, text = (catalogue.gettext(part) % facts for part in LETTERS[kind])
    return outbox.write(
        post,
        user,
        kind,
        " ".join(subject.split()),
        text,
        recipient=recipient,
        entity=User.__tablename__,
        record_id=user.id,
    )


def tell(post: Post, user: User, kind: str, **values: Any) -> None:
    """Tell a user of something that happened to their account, by mail and in their inbox."""
    with suppress(Invalid):  # an address that is none keeps nothing from happening
        send(post, user, kind, **values)
    if kind in NOTICES:
        key = f"account:{secrets.token_hex(8)}"
        notifications.notify_all([Message(user.id, key, "account", NOTICES[kind], values)])
