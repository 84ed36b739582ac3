"""Every route of the application, one line each, and what each actor must be answered there.

A new route needs a line here: the right it asks for, and an address with `{id}` where the record is
named. What must be answered is worked out anew from config/roles.toml, not asked of the program.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from tests.conftest import CAST
from tests.sweeps.cases import FIXED, IMPLIED, OWNED, ROLES, VIEWS, stem

#: Rights that are no verb of an entity.
PUBLIC, ANYONE = "public", "anyone"


class Line(NamedTuple):
    """One method of one route.

    `right` is a verb of the screen's entity, PUBLIC, ANYONE or one of RULES. `done` is the answer
    to who may; `data` what a POST sends. `writes` says whether a request that is let through may
    change rows; where it is False, not even that may.
    """

    right: str
    address: str
    done: int = 200
    data: Mapping[str, str] | None = None
    writes: bool = True

    @property
    def names_a_record(self) -> bool:
        return "{id}" in f"{self.address}{self.data}"


#: The routes of every entity. The form of an edit is put in by the test.
OF_EVERY_ENTITY = {
    ("index_view", "GET"): Line("view", "/"),
    ("export", "GET"): Line("export", "/export/csv/"),
    ("details_view", "GET"): Line("view", "/details/?id={id}"),
    ("create_view", "GET"): Line("create", "/new/"),
    ("create_view", "POST"): Line("create", "/new/", 200, {}),  # an empty form is shown again
    ("edit_view", "GET"): Line("edit", "/edit/?id={id}"),
    ("edit_view", "POST"): Line("edit", "/edit/?id={id}", 302, {}),
    ("fill_view", "GET"): Line("edit", "/fill/?id={id}"),
    # A form without a version is told that it is not what was read: nothing is written.
    ("fill_view", "POST"): Line("edit", "/fill/?id={id}", 200, {}, writes=False),
    ("ajax_lookup", "GET"): Line("lookups", "/ajax/lookup/?name=nothing&query={id}"),
    ("ajax_update", "POST"): Line("undeclared", "/ajax/update/", 0, {"list_form_pk": "{id}"}),
    ("delete_view", "POST"): Line("delete", "/delete/", 302, {"id": "{id}"}),
    ("action_view", "POST"): Line("delete", "/action/", 302, {"action": "delete", "rowid": "{id}"}),
    ("restore", "POST"): Line("restore", "/restore/", 302, {"id": "{id}"}),
    ("sharing", "GET"): Line("share", "/sharing/?id={id}"),
    ("share", "POST"): Line("share", "/share/?id={id}", 302, {"user": "{fay}"}),
    ("unshare", "POST"): Line("share", "/unshare/", 302, {"id": "{id}", "share": "0"}),
}
#: Those that one entity has beside them.
OF_ONE_ENTITY = {
    ("expenses.step", "POST"): Line(
        "view", "/step/", 302, {"id": "{id}", "version": "1", "step": "approve"}, writes=False
    ),
    ("tasks.done", "POST"): Line("edit", "/done/", 302, {"task": "{id}:1"}),
    ("tasks.drop", "POST"): Line("edit", "/drop/", 302, {"task": "{id}:1"}),
    ("tasks.reopen", "POST"): Line("edit", "/reopen/", 302, {"task": "{id}:1"}),
    ("tasks.quick", "POST"): Line("create", "/quick/", 302, {"subject": "Call"}),
    ("interactions.close", "POST"): Line("edit", "/close/", 302, {"id": "{id}", "version": "1"}),
    ("interactions.correct", "POST"): Line("view", "/correct/", 302, {"id": "{id}", "text": ""}),
    ("interactions.ask_reopening", "POST"): Line(
        "edit", "/ask_reopening/", 302, {"id": "{id}", "reason": "It was wrong"}, writes=False
    ),
    ("interactions.answer_reopening", "POST"): Line(
        "reopen", "/answer_reopening/", 302, {"id": "{id}", "agreed": "1"}, writes=False
    ),
    ("events.answer", "POST"): Line(
        "view", "/answer/", 302, {"id": "{id}", "answer": "yes"}, writes=False
    ),
    ("events.cancel", "POST"): Line("edit", "/cancel/", 302, {"id": "{id}", "version": "1"}),
    ("users.set_password", "POST"): Line("edit", "/set_password/", 302, {"id": "{id}"}),
    ("roles.matrix", "GET"): Line("view", "/matrix/?id={id}"),
    ("roles.save_matrix", "POST"): Line(
        "edit", "/matrix/save/?id={id}", 302, {"departments.lookup": "all"}
    ),
    ("roles.fields_page", "GET"): Line("view", "/fields/?id={id}"),
    ("roles.save_fields", "POST"): Line("edit", "/fields/save/?id={id}", 302, {"fax": "read"}),
    ("roles.compare", "GET"): Line("view", "/compare/?id={id}"),
    ("rules.preview", "GET"): Line(
        "view", "/preview/?entity=customers&kind=required&field_key=fax"
    ),
    ("rules.breaking", "GET"): Line("view", "/breaking/?id={id}"),
    ("rules.switch", "POST"): Line("edit", "/switch/", 302, {"id": "{id}", "version": "1"}),
    ("rules.copy", "POST"): Line("create", "/copy/", 302, {"id": "{id}"}),
    ("roles.copy", "POST"): Line("create", "/copy/", 302, {"id": "{id}"}),
    ("customers.hand_over", "GET"): Line("assign", "/hand_over/?id={id}"),
}
#: Pages that belong to no entity; where they name a record it is a customer, or a file of one.
PAGES = {
    ("static", "GET"): Line(PUBLIC, "/static/crm.css"),
    ("health.healthz", "GET"): Line(PUBLIC, "/healthz"),
    ("looks.language", "POST"): Line(PUBLIC, "/language/en", 302, {}),
    ("looks.look", "POST"): Line(PUBLIC, "/look", 302, {"theme": "dark"}),
    ("home.index", "GET"): Line(ANYONE, "/"),
    ("search.index", "GET"): Line(ANYONE, "/search/?query=zzz{id}"),
    ("profile.index", "GET"): Line(ANYONE, "/profile/"),
    ("profile.preferences", "POST"): Line(ANYONE, "/profile/preferences/", 302, {}, writes=False),
    ("profile.password", "GET"): Line(ANYONE, "/profile/password/", 302),
    ("profile.password", "POST"): Line(ANYONE, "/profile/password/", 200, {}, writes=False),
    ("profile.end_session", "POST"): Line(
        ANYONE, "/profile/sessions/end/?id=0", 302, {}, writes=False
    ),
    ("inbox.index", "GET"): Line(ANYONE, "/inbox/"),
    ("inbox.open", "GET"): Line(ANYONE, "/inbox/open/?id={id}", 302),
    ("inbox.read", "POST"): Line(ANYONE, "/inbox/read/", 302, {"id": "{id}"}, writes=False),
    ("calendar.index", "GET"): Line(ANYONE, "/calendar/?person={id}&on={id}"),
    ("calendar.make_feed", "POST"): Line(ANYONE, "/calendar/feed/make/", 302, {}),
    ("calendar.end_feed", "POST"): Line(ANYONE, "/calendar/feed/end/", 302, {}),
    ("calendar_feed.read", "GET"): Line(PUBLIC, "/calendar/feed/{id}.ics", 404),
    ("visits.index", "GET"): Line("sees customers", "/visits/"),
    ("recycle_bin.index", "GET"): Line("restores", "/recycle-bin/"),
    ("completeness.index", "GET"): Line("supervises", "/completeness/"),
    ("completeness_mine.index", "GET"): Line("has own", "/completeness/mine/"),
    ("cockpit.index", "GET"): Line("reviews", "/cockpit/"),
    ("team.index", "GET"): Line("reviews", "/team/"),
    ("team.remind", "GET"): Line("reviews", "/team/remind/"),
    ("team.send", "POST"): Line("reviews", "/team/remind/send/", 302, {}),
    ("cockpit.undo", "POST"): Line("reviews", "/cockpit/undo/", 302, {}, writes=False),
    ("crm_use.index", "GET"): Line(ANYONE, "/crm-use/"),
    ("crm_use.export", "GET"): Line(ANYONE, "/crm-use/export/csv/"),
    ("reminders.index", "GET"): Line(ANYONE, "/reminders/"),
    ("jobs.index", "GET"): Line("runs", "/jobs/"),
    ("jobs.run", "POST"): Line("runs", "/jobs/run/?name=clean_up", 302, {}),
    ("jobs.mail", "POST"): Line("runs", "/jobs/mail/", 302, {"id": "0"}),
    ("second_factor.index", "GET"): Line(ANYONE, "/second-factor/"),
    ("explain.index", "GET"): Line("explains", "/explain/?user={dev}&entity=customers&record={id}"),
    ("rights_cases.index", "GET"): Line("explains", "/rights-cases/"),
    ("rights_cases.keep", "POST"): Line(
        "changes roles",
        "/rights-cases/keep/?user={dev}&entity=customers&record={id}",
        302,
        {"what": "view"},
    ),
    ("rights_cases.drop", "POST"): Line("changes roles", "/rights-cases/drop/", 302, {"id": "0"}),
    ("attachments.export", "GET"): Line("nobody's", "/exports/{id}"),
    ("attachments.download", "GET"): Line("file", "/attachments/{file}"),
    ("attachments.delete", "POST"): Line("file delete", "/attachments/{file}/delete", 302, {}),
    ("attachments.upload", "POST"): Line("file add", "/attachments/customers/{id}", 302, {}),
}
#: Tried elsewhere, with the reason.
ELSEWHERE = {
    ("signing_in.sign_in", "GET"): "tests/attacks/test_accounts.py",
    ("signing_in.sign_in", "POST"): "counted for each address: tests/attacks/test_accounts.py",
    ("signing_in.sign_out", "POST"): "ends the actor's session: tests/attacks/test_accounts.py",
}
#: By everybody, on records of everybody's: tests/sweeps/test_access.py.
ELSEWHERE |= {
    (
        f"{stem(view)}.{function}",
        method,
    ): "tests/sweeps/test_access.py, and views/test_bulk_edits.py"
    for view in VIEWS
    for function, method in (
        ("bulk_edit", "GET"),
        ("bulk_edit", "POST"),
        ("undo_bulk_edit", "POST"),
    )
}
_ACCOUNTS, _FACTOR = "tests/views/test_accounts.py", "tests/views/test_second_factor.py"
_LINKS, _HANDOVERS = "tests/views/test_account_links.py", "tests/views/test_handovers.py"
_COCKPIT = "tests/views/test_cockpit.py"
_POOL, _VIEW_AS = "tests/views/test_pool.py", "tests/views/test_view_as.py"
ELSEWHERE |= {
    ("interactions.last_ones", "GET"): "asks for a customer: tests/views/test_interactions.py",
    ("second_step.code", "GET"): _FACTOR,
    ("second_step.code", "POST"): _FACTOR,
    ("account_links.forgot", "GET"): _LINKS,
    ("account_links.forgot", "POST"): _LINKS,
    ("account_links.reset", "GET"): _LINKS,
    ("account_links.reset", "POST"): _LINKS,
    ("account_links.invitation", "GET"): _LINKS,
    ("account_links.invitation", "POST"): _LINKS,
    ("accounts.index", "GET"): _ACCOUNTS,
    ("accounts.invite", "GET"): _ACCOUNTS,
    ("accounts.invite", "POST"): _ACCOUNTS,
    ("accounts.withdraw", "POST"): _ACCOUNTS,
    ("accounts.take_away", "POST"): _ACCOUNTS,
    ("accounts.end_session", "POST"): _ACCOUNTS,
    ("accounts.end_sessions", "POST"): _ACCOUNTS,
    ("profile.end_sessions", "POST"): _ACCOUNTS,
    ("second_factor.begin", "GET"): _FACTOR,
    ("second_factor.begin", "POST"): _FACTOR,
    ("second_factor.confirm", "GET"): _FACTOR,
    ("second_factor.confirm", "POST"): _FACTOR,
    ("second_factor.codes", "GET"): _FACTOR,
    ("second_factor.codes", "POST"): _FACTOR,
    ("second_factor.off", "GET"): _FACTOR,
    ("second_factor.off", "POST"): _FACTOR,
    ("customers.hand_over", "POST"): _HANDOVERS,
    ("customers.handover", "GET"): _HANDOVERS,
    ("customers.take_back", "POST"): _HANDOVERS,
    ("customers.pool", "GET"): _POOL,  # shows by right what nobody looks after
    ("customers.take", "POST"): _POOL,
    ("customers.release", "GET"): _POOL,
    ("customers.release", "POST"): _POOL,
    ("cockpit.entry", "GET"): _COCKPIT,  # each names a record by the right to review it
    ("cockpit.verdict", "POST"): _COCKPIT,
    ("cockpit.remind", "POST"): _COCKPIT,
    ("view_as.index", "POST"): _VIEW_AS,
    ("view_as.end", "POST"): _VIEW_AS,
}
#: Methods that follow from others: a GET's headers alone, and what is allowed.
FOLLOWING = {"HEAD", "OPTIONS"}

#: Who attacks: (department, role). Beside the cast: one without a role, one whose role hides
#: fields, a deputy whose days are over, one with whom a record is shared; then those who are out.
ACTORS: dict[str, tuple[str, str | None]] = CAST | {
    "gus": ("north", None),
    "hal": ("hq", "limited"),
    "ivy": ("south", "sales"),
    "joe": ("south", "sales"),
}
OUT = ("nobody", "dan")
VERBS = (
    "view", "lookup", "create", "edit", "delete", "restore", "export", "import", "assign", "share",
    "bulk_edit", "claim", "approve", "pay", "run", "review",
)  # fmt: skip
#: What the role of the one with hidden fields gives: everything.
LIMITED = {"*": dict.fromkeys(VERBS, "all")}

#: Who has the right, but is refused, with the reason on the page: Hal sees less of some fields than
#: those whose deputies these are, and gives nobody more than he has.
OUTRANKED = {("deputies", "edit_view", "POST", "hal")}

#: Ids that name nothing.
HOSTILE = (
    "1 or 1=1", "../", str(10**30), "\0", "", "-1", "0", "1e3", "%27", "' OR '1'='1", "[1]", "NaN",
    "1;DROP TABLE users", "1/../2", "\u0661\u200f",
)  # fmt: skip
ABSENT = "999999"


def granted(who: str, verb: str, entity: str) -> str | None:
    """Return the scope of somebody's right, from config/roles.toml alone."""
    role = ACTORS[who][1]
    if role is None:
        return None
    grants = LIMITED if role == "limited" else ROLES[role]["grants"]
    row = grants.get(entity, grants.get("*", {}))
    return row.get(verb) or row.get(IMPLIED.get(verb, ""))


def may(who: str, verb: str, entity: str, whose: str) -> bool:
    """Return whether somebody may do this to a record of Ana's, Cho's, nobody's or everybody's.

    `shared` is one of Ana's that is shared with Joe.
    """
    if whose == "shared":
        given = who == "joe" and verb in ("view", "lookup", "export")
        return (given and bool(granted(who, verb, entity))) or may(who, verb, entity, "ana")
    scope = granted(who, verb, entity)
    if scope is None or whose == "all" or scope == "all":
        return scope is not None
    if scope == "own" or whose == "pool":
        return who == whose
    return ACTORS[who][0] == ACTORS[whose][0]


def _of_any(verb: str) -> Callable[[str], bool]:
    return lambda who: any(granted(who, verb, stem(view)) for view in VIEWS)


def _explains(who: str) -> bool:
    return bool(granted(who, "view", "users") and granted(who, "view", "roles"))


#: Who may open the pages that ask for no single verb.
RULES: dict[str, Callable[[str], bool]] = {
    ANYONE: lambda who: True,
    "restores": _of_any("restore"),
    "supervises": lambda who: granted(who, "view", "customers") not in (None, "own"),
    "has own": _of_any("view"),
    "sees customers": lambda who: bool(granted(who, "view", "customers")),
    "reviews": lambda who: bool(granted(who, "review", "customers")),
    "runs": lambda who: bool(granted(who, "run", "job_runs")),
    "explains": _explains,
    "changes roles": lambda who: _explains(who) and bool(granted(who, "edit", "roles")),
    "nobody's": lambda who: False,
}


def lines() -> dict[tuple[str, str], Line]:
    """Return {(endpoint, method): its line} of the whole table."""
    found = dict(PAGES)
    for view in VIEWS:
        entity = stem(view)
        for (function, method), line in OF_EVERY_ENTITY.items():
            found[f"{entity}.{function}", method] = line._replace(
                address=f"/{entity}{line.address}"
            )
    for (endpoint, method), line in OF_ONE_ENTITY.items():
        entity = endpoint.partition(".")[0]
        found[endpoint, method] = line._replace(address=f"/{entity}{line.address}")
    return found


def answer(endpoint: str, method: str, line: Line, who: str, whose: str) -> int:
    """Return the status that an actor must get for a record of this kind.

    `whose` is a kind of `may`, or "bin" (one of Ana's), "absent" or "hostile"; where a line names
    no record it does not matter.
    """
    if line.right == PUBLIC:
        return line.done
    if who in OUT:
        return 302 if method == "GET" else 401
    screen, _, function = endpoint.partition(".")
    if line.right in RULES:
        if not RULES[line.right](who):
            return 404
        if line.right in (ANYONE, "nobody's") or not line.names_a_record:
            return line.done
        return line.done if _there(whose) and may(who, "view", "customers", whose) else 404
    if line.right.startswith("file"):
        return _of_file(line, who, whose)
    return _of_entity(screen, function, method, line, who, whose)


def _there(whose: str) -> bool:
    return whose not in ("bin", "absent", "hostile")


def _of_file(line: Line, who: str, whose: str) -> int:
    if not _there(whose) or not may(who, "view", "customers", whose):
        return 404
    if line.right == "file":
        return line.done
    deletes = line.right != "file delete" or granted(who, "delete", "attachments")
    return line.done if may(who, "edit", "customers", whose) and deletes else 403


def _of_entity(entity: str, function: str, method: str, line: Line, who: str, whose: str) -> int:
    view = next(one for one in VIEWS if stem(one) == entity)
    views = granted(who, "view", entity)
    if function == "ajax_lookup":
        return 404  # there is no field of that name; tests/sweeps tries those there are
    if function == "action_view" and not view.actions:
        return 403
    if line.right == "undeclared":
        return 403 if views and not granted(who, "edit", entity) else 404
    if not views:
        return 404
    if not granted(who, line.right, entity):
        return 403
    if not line.names_a_record:
        return line.done
    return _of_record(entity, function, method, line, who, whose)


def _of_record(entity: str, function: str, method: str, line: Line, who: str, whose: str) -> int:
    if function == "restore" or not _there(whose):
        restores = may(who, "restore", entity, "ana" if owned(entity) else "all")
        if whose != "bin" or not restores:
            return 404
        # What is typed into a record of the bin is shown again, to be copied; nothing is written.
        kept = function in ("edit_view", "fill_view") and method == "POST"
        return line.done if function == "restore" else 200 if kept else 404
    if not may(who, "view", entity, whose):
        return 404
    if not may(who, line.right, entity, whose):
        return 403
    return 200 if (entity, function, method, who) in OUTRANKED else _done(entity, function, line)


def _done(entity: str, function: str, line: Line) -> int:
    if function == "edit_view" and entity in FIXED:
        return 200
    if function == "share" and not shared(entity) and entity not in FIXED:
        return 200  # there is nothing to share: the page says so
    return line.done


def owned(entity: str) -> bool:
    return entity in OWNED or entity == "deputies"


def shared(entity: str) -> bool:
    """Return whether records are shared with somebody: not who stands in for whom."""
    return entity in OWNED
