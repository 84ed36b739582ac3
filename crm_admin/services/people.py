"""What people set for themselves: language, time zone, look and password."""

from crm_admin.database import db
from crm_admin.errors import Invalid, Problem
from crm_admin.i18n import LANGUAGES, N_
from crm_admin.models.users import User
from crm_admin.services import passwords, zones
from crm_admin.services.tries import Visitor


def prefer(actor: User, **chosen: str | None) -> None:
    """Keep what the actor chose of language, time_zone and theme; nothing else can be set here.

    Raises:
        Invalid: there is no such language, zone or theme.
    """
    allowed = {
        "language": lambda value: not value or value in LANGUAGES,
        "time_zone": lambda value: not value or zones.known(value) is not None,
        "theme": lambda value: value in ("light", "dark", "system"),
    }
    for key, value in chosen.items():
        if not allowed[key](value):
            raise Invalid([Problem(key, N_("Please choose one of those offered."))])
        setattr(actor, key, value or None)
    db.session.flush()  # so that a wrong value is told of here


def confirm(actor: User, password: str, visitor: Visitor) -> None:
    """Ask for the actor's present password before something that matters.

    Call it outside any transaction.

    Raises:
        Invalid: it is another one. Denied: too many wrong tries of late.
    """
    if not passwords.confirmed(actor, password, visitor):
        raise Invalid([Problem("current", N_("This is not your present password."))])


def change_password(actor: User, new: str, repeated: str, *, session_id: int) -> None:
    """Give the actor a new password and end all their other sessions; `confirm` comes first.

    Raises:
        Invalid: the two new ones differ, or the new one is not good enough.
    """
    if new != repeated:
        raise Invalid([Problem("repeat", N_("The two new passwords differ."))])
    passwords.set_password(actor, new, actor, keep_session=session_id)
