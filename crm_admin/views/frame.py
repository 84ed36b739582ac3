"""The frame around every page: menu, search, bell, language and look."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, current_app, g, request
from flask_wtf.csrf import generate_csrf
from lucide.jinja import lucide
from markupsafe import Markup, escape

from crm_admin import i18n
from crm_admin.i18n import N_
from crm_admin.models.users import User
from crm_admin.services import job_runs
from crm_admin.views import drawn, requests
from crm_admin.views.cells import facts, linked_rows
from crm_admin.views.words import gettext as _


@dataclass(frozen=True)
class Entry:
    """One place in the menu: shown to those whom `allowed` lets in."""

    group: str
    label: str
    icon: str
    path: str
    allowed: Callable[[User], bool]
    new_path: str = ""
    may_create: Callable[[User], bool] | None = None
    order: int = 50


#: The groups of the menu, in order.
GROUPS = (
    "",
    N_("Calendar and visits"),
    N_("Customers"),
    N_("Contracts and costs"),
    N_("Promotion"),
    N_("Supervision"),
    N_("People and rights"),
    N_("Administration"),
)
#: The groups that a long menu folds away, and how many places make it one. That of the present page
#: is never folded.
SELDOM, LONG = (N_("Promotion"), N_("People and rights"), N_("Administration")), 18
ENTRIES: list[Entry] = []


@cache
def icon(name: str, size: int = 18) -> Markup:
    """Return a picture as SVG; the words beside it say what it means."""
    return Markup(lucide(name, size=size, **{"aria-hidden": "true"}))  # noqa: S704  (a file of ours)


@cache
def symbol(name: str) -> Markup:
    """Return a picture that others on the page refer to as `#i-name`: kept once, shown often."""
    inner = lucide(name, size=16).partition(">")[2].rpartition("</svg>")[0]
    hidden = '<svg class="symbols" aria-hidden="true"><symbol id="i-{}" viewBox="0 0 24 24">{}'
    return Markup(hidden + "</symbol></svg>").format(name, Markup(inner))  # noqa: S704


#: Marks in the drawn top bar that stand for what differs every time; nobody can type them.
_CSRF, _SEARCH, _COUNT = "\x01", "\x02", "\x03"


class Frame:
    """What the frame shows to whoever asks; worked out only as far as a page uses it."""

    def __init__(self) -> None:
        self.product = current_app.config["PRODUCT_NAME"]
        self.home_url, self.search_url, self.inbox_url = "/", "/search/", "/inbox/"
        self.theme_url, self.end_viewing_url = "/look", "/view-as/end/"
        self.theme = requests.theme()
        self.language = requests.language().replace("_", "-")
        self.search = request.args.get("query", "") if request.path == "/search/" else ""
        self.signed_in = requests.is_signed_in()
        choose = "/language/" if self.signed_in else "/sign-in?language="
        self.languages = [
            {
                "code": code.replace("_", "-"),
                "label": label,
                "active": code == requests.language(),
                "url": f"{choose}{code}",
            }
            for code, label in i18n.LANGUAGES.items()
        ]

    @property
    def impersonation(self) -> str:
        """As whom one looks at the application, if as somebody else."""
        if not requests.views_as():
            return ""
        said = _("You see what %(person)s sees. Nothing can be changed.", person=requests.actor())
        return str(said)

    @property
    def user(self) -> dict[str, str] | None:
        """Who is signed in, as the frame names them."""
        if not self.signed_in:
            return None
        actor = requests.actor()
        return {
            "name": actor.name,
            "detail": actor.department.name if actor.department else "",
            "initial": actor.name[:1].upper(),
            "profile_url": "/profile/",
            "sign_out_url": "/sign-out",
        }

    @property
    def unread(self) -> int:
        """How many messages wait in the inbox."""
        return int(g.get("unread", 0))  # asked for together with the session

    @property
    def banner(self) -> str:
        """What administrators must know at once."""
        if not self.signed_in or current_app.config["TESTING"]:
            return ""
        return g.get("banner", "") or _scheduler_banner()

    @property
    def side(self) -> Markup:
        """The side bar with the places this person may go to."""
        if not self.signed_in:
            return Markup()
        here = _place(request.path)
        facts = {"home_url": self.home_url, "product": self.product}
        return drawn.once("side.html", here, lambda: {"menu": self._menu(), **facts})

    @property
    def top(self) -> Markup:
        """The top bar: the search, what can be added, the bell, and the person's own menus."""
        if not self.signed_in:
            return Markup()
        actor, unread = requests.actor(), self.unread
        key = (actor.id, actor.version, self.theme, bool(unread))
        bar = drawn.once("top.html", key, lambda: self._top(unread))
        filled = str(bar).replace(_CSRF, generate_csrf()).replace(_SEARCH, escape(self.search))
        count = str(unread) if unread < 100 else "99+"
        return Markup(filled.replace(_COUNT, count))  # noqa: S704  (each mark's value is escaped)

    def _top(self, unread: int) -> dict[str, Any]:
        """Return what the top bar is drawn from; the marks stand for what differs every time."""
        return {
            "csrf": _CSRF,
            "search": _SEARCH,
            "count": _COUNT,
            "unread": unread,
            "user": self.user,
            "create": self.create,
            "search_url": self.search_url,
            "inbox_url": self.inbox_url,
            "theme_url": self.theme_url,
            "theme": self.theme,
            "languages": self.languages,
        }

    @property
    def dialogs(self) -> Markup:
        """The questions that scripts ask, and their words."""
        return drawn.once("dialogs.html", "", dict) if self.signed_in else Markup()

    def _menu(self) -> list[dict[str, Any]]:
        """Return the menu's groups; those without a place for this person are left out."""
        actor, here = requests.actor(), _place(request.path)
        groups: list[dict[str, Any]] = []
        for group in GROUPS:
            items = [
                {
                    "label": _(entry.label),
                    "url": entry.path,
                    "icon": entry.icon,
                    "active": here == entry.path,
                    "badge": "",
                }
                for entry in ENTRIES
                if entry.group == group and entry.allowed(actor)
            ]
            if items:
                label = _(group) if group else ""
                inside = any(item["active"] for item in items)
                folds = group in SELDOM and not inside
                groups.append({"label": label, "items": items, "folds": folds})
        is_long = sum(len(group["items"]) for group in groups) > LONG
        return [group | {"folds": group["folds"] and is_long} for group in groups]

    @property
    def create(self) -> list[dict[str, str]]:
        """The records this person may add, for the menu "New"."""
        if not self.signed_in:
            return []
        actor = requests.actor()
        return [
            {"label": _(entry.label), "url": entry.new_path, "icon": entry.icon}
            for entry in ENTRIES
            if entry.new_path and entry.may_create and entry.may_create(actor)
        ]


def _place(path: str) -> str:
    """Return the place of the menu that a page belongs to, the nearest above it; "" for none."""
    places = [e.path for e in ENTRIES if path.startswith(e.path) and (e.path != "/" or path == "/")]
    return max(places, key=len, default="")


def _scheduler_banner() -> str:
    """Return a warning for administrators while no scheduler runs the jobs."""
    from crm_admin.models.job_runs import JobRun
    from crm_admin.services import access

    if access.allows(requests.actor(), "run", JobRun) and _is_silent(int(time.monotonic() // 10)):
        return str(_("The scheduler is not running: no reminders go out and nothing is checked."))
    return ""


@lru_cache(maxsize=1)
def _is_silent(_tens_of_seconds: int) -> bool:
    """Return whether the scheduler is silent, asked once in ten seconds by each process."""
    return job_runs.is_silent()


def add(entry: Entry) -> None:
    """Put a place into the menu; places of one group stand in their order, then by label."""
    ENTRIES.append(entry)
    ENTRIES.sort(key=lambda e: (e.order, e.label))


def init_app(app: Flask) -> None:
    """Give every template the frame, its pictures and the page's nonce."""
    marks = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()[:12]
        for file in Path(app.static_folder or "").iterdir()
        if file.is_file()
    }
    app.jinja_env.globals |= {
        "icon": icon,
        "symbol": symbol,
        "facts": facts,
        "linked_rows": linked_rows,
        # Browsers keep our files for long; another version of one has another address.
        "static_url": lambda name: f"{app.static_url_path}/{name}?v={marks[name]}",
    }
    ENTRIES.clear()  # the screens add themselves after this

    @app.context_processor
    def _frame() -> dict[str, Any]:
        return {"frame": Frame(), "csp_nonce": g.get("csp_nonce", "")}
