"""How sessions and tries to sign in are shown, to oneself and to who looks after accounts."""

from collections.abc import Iterable
from typing import Any

from flask import g

from crm_admin.i18n import N_
from crm_admin.models.users import SignInAttempt, TryKind, UserSession
from crm_admin.views import columns, requests
from crm_admin.views.words import gettext as _

#: {(what was tried, whether it was right): (what is said of it, its colour)}.
_OUTCOMES = {
    (TryKind.PASSWORD, True): (N_("Signed in"), "ok"),
    (TryKind.PASSWORD, False): (N_("Wrong password"), "bad"),
    (TryKind.FIRST_STEP, True): (N_("Password right, code asked for"), "warn"),
    (TryKind.CODE, True): (N_("Signed in with a code"), "ok"),
    (TryKind.CODE, False): (N_("Wrong code"), "bad"),
    (TryKind.RECOVERY_CODE, True): (N_("Signed in with a recovery code"), "warn"),
    (TryKind.RECOVERY_CODE, False): (N_("Wrong recovery code"), "bad"),
    (TryKind.CONFIRMATION, False): (N_("Wrong password while signed in"), "bad"),
    (TryKind.RESET, False): (N_("Asked for a new password by mail"), "inf"),
}


def sessions_shown(found: Iterable[UserSession], end_url: str) -> list[dict[str, Any]]:
    """Return what a page shows of sessions; `end_url` is what the number of one is added to."""
    return [
        {
            "device": _device(one.agent),
            "at": columns.moment(one.seen_at, requests.zone()),
            "address": one.address,
            "current": one.id == g.session_id,
            "end_url": f"{end_url}{one.id}",
        }
        for one in found
    ]


def tries_shown(found: Iterable[SignInAttempt]) -> list[dict[str, Any]]:
    """Return what a page shows of tries to sign in."""
    shown = []
    for one in found:
        said, tone = _OUTCOMES.get((one.kind, one.succeeded), (one.kind.label, ""))
        at = columns.moment(one.tried_at, requests.zone())
        device = _device(one.agent)
        shown.append(
            {"at": at, "address": one.address, "device": device, "said": _(said), "tone": tone}
        )
    return shown


def _device(agent: str) -> str:
    """Return the browser and system that a browser says it is, as far as people name them."""
    browsers = ("Edg", "Firefox", "Chrome", "Safari")
    systems = ("Windows", "Android", "iPhone", "iPad", "Mac OS", "Linux")
    browser = next((name for name in browsers if name in agent), "")
    system = next((name for name in systems if name in agent), "")
    found = " · ".join(filter(None, ({"Edg": "Edge"}.get(browser, browser), system)))
    return found or str(_("Unknown device"))
