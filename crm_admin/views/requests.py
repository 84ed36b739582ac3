"""What one request is about: who asks, in which language and time zone, and for what in a list."""

import secrets
from datetime import date
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import current_app, g, request, session
from flask_login import current_user
from itsdangerous import BadData, URLSafeSerializer
from werkzeug.datastructures import MultiDict

from crm_admin import clock, i18n
from crm_admin.models.users import User
from crm_admin.services import zones
from crm_admin.services.listing import MOST_PAGES, Question
from crm_admin.services.outbox import Post
from crm_admin.services.tries import Visitor

SIZES = (20, 50, 100, 200)
THEMES = ("light", "dark", "system")


def begin() -> None:
    """Find out, once and before anything else, who asks and in which language."""
    user = current_user._get_current_object()
    g.signed_in_user = user if user.is_authenticated else None
    g.actor = g.get("viewed") or g.signed_in_user
    i18n.use_language(_language())


def actor() -> User:
    """Return the user who asks, or as whom they look; only where somebody has signed in."""
    user: User = g.actor
    return user


def signed_in_user() -> User:
    """Return the user who has signed in, whoever they look as."""
    user: User = g.signed_in_user
    return user


def views_as() -> bool:
    """Return whether the user looks at the application as somebody else."""
    return g.get("viewed") is not None


def is_signed_in() -> bool:
    """Return whether somebody has signed in."""
    return g.get("actor") is not None


def language() -> str:
    """Return the language of this request: the person's, the visitor's, the company's, else theirs.

    A browser that asks for none of ours gets English.
    """
    return i18n.language()


def _language() -> str:
    chosen = (actor().language if is_signed_in() else None) or session.get("language")
    chosen = chosen or current_app.config["LANGUAGE"]
    if chosen in i18n.LANGUAGES:
        return str(chosen)
    for tag, _quality in request.accept_languages:
        if found := i18n.closest(tag):
            return found
    return "en"


def zone() -> ZoneInfo:
    """Return the time zone in which this request's moments are shown and typed."""
    if (known := g.get("zone")) is None:
        own = zones.known(actor().time_zone) if is_signed_in() else None
        known = g.zone = own or company_zone()
    found: ZoneInfo = known
    return found


def post() -> Post:
    """Return how mail leaves, and what its links begin with."""
    return Post.of(current_app.config)


def company_zone() -> ZoneInfo:
    """Return the zone in which the company's days begin and end."""
    return zones.company(current_app.config["TIMEZONE"])


def company_day() -> date:
    """Return the company's day."""
    return clock.day_in(company_zone())


def theme() -> str:
    """Return how the pages look: light, dark, or as the system has it."""
    chosen = actor().theme if is_signed_in() else session.get("theme")
    return chosen if chosen in THEMES else "system"


def question(default_sort: str = "", *, may_see_bin: bool = False) -> Question:
    """Return what the address asks of a list; what makes no sense in it is left out."""
    arguments = request.args
    filters = tuple(
        (key, operation, value)
        for name, value in arguments.items(multi=True)
        if "." in name and (key := name.partition(".")[0]) and (operation := name.partition(".")[2])
    )
    sort = arguments.get("sort", "")
    return Question(
        search=arguments.get("search", "").strip().replace("\0", "")[:100],
        filters=filters[:12],
        sort=sort or default_sort.lstrip("-"),
        descending=arguments.get("desc") == "1" if sort else default_sort.startswith("-"),
        page=_page(arguments),
        size=_size(arguments),
        binned=may_see_bin and arguments.get("bin") == "1",
        zone=zone(),
    )


def _page(arguments: MultiDict[str, str]) -> int:
    """Return the page asked for, counted from 0; addresses count from 1."""
    text = arguments.get("page", "1")
    return min(max(int(text) if text.isdecimal() and len(text) < 9 else 1, 1), MOST_PAGES) - 1


def _size(arguments: MultiDict[str, str]) -> int:
    text = arguments.get("size", "")
    return int(text) if text.isdecimal() and int(text) in SIZES else 50


def address(path: str, arguments: list[tuple[str, Any]]) -> str:
    """Return a path with these arguments."""
    return f"{path}?{urlencode(arguments)}" if arguments else path


def back(default: str) -> str:
    """Return the address on this site to go back to, as the request names it, or the default."""
    asked = request.values.get("url", "")
    return asked if is_ours(asked) else default


def referrer() -> str:
    """Return the page the person was on, as far as it is one of ours."""
    referrer = request.referrer or ""
    path = referrer.removeprefix(request.host_url.rstrip("/"))
    return path if is_ours(path) else "/"


def is_ours(address: str) -> bool:
    """Return whether an address leads to a page of ours, however a browser may read it."""
    plain = "\\" not in address and all(ord(character) >= 32 for character in address)
    return plain and address.startswith("/") and not address.startswith("//")


def visitor() -> Visitor:
    """Return who asks, as tries to sign in are counted: by address, and by a browser known before.

    Its cookie says that this user has signed in there; it opens nothing.
    """
    try:
        known = _device_seal().loads(request.cookies.get(device_cookie(), ""))
        device, of = str(known["device"]), int(known["user"])
    except (BadData, KeyError, TypeError, ValueError):
        device, of = "", None
    return Visitor(request.remote_addr or "", request.user_agent.string, device, of)


def known_device(user_id: int) -> str:
    """Return what the cookie of a browser holds on which this user has signed in."""
    return str(_device_seal().dumps({"user": user_id, "device": secrets.token_hex(16)}))


def device_cookie() -> str:
    """Return the name of that cookie."""
    return f"{current_app.config['SESSION_COOKIE_NAME']}-device"


def _device_seal() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="device")


def wants_json() -> bool:
    """Return whether the answer is for a script rather than for a person's window."""
    offered = ["text/html", "application/json"]
    return request.accept_mimetypes.best_match(offered) == "application/json"
