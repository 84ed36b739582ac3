"""Every route and method, by every actor, on every kind of record: refused, or as the roles say.

A refusal leaves the database as it was and tells nothing of what it refuses. `table.py` has a line
for each route; a route without one fails here.
"""

import re
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import pytest

from crm_admin.database import db
from crm_admin.services import records
from tests.attacks import cast, table
from tests.attacks.table import ABSENT, ACTORS, FOLLOWING, HOSTILE, OUT, Line
from tests.pages import form_of, lasting
from tests.sweeps.cases import FIXED, POOLED, VIEWS, stem
from tests.sweeps.routes import addresses
from tests.sweeps.test_access import TEXTS

BY_NAME = {stem(view): view for view in VIEWS}
#: What `make test` tries: the rest is for `make attacks`.
QUICK = ("customers",)
QUICK_ACTORS = ("nobody", "ana", "ben", "hal", "joe")


def test_every_route_and_method_has_a_line(site):
    there = {
        (rule.endpoint, method)
        for rule in site.url_map.iter_rules()
        for method in rule.methods - FOLLOWING
    }
    said = set(table.lines()) | set(table.ELSEWHERE)
    assert there - said == set(), "say in tests/attacks/table.py who may use this route"
    assert said - there == set(), "these routes are no more"


class Attack:
    """One entity's records under attack: what is asked, what must come back, what must not."""

    def __init__(self, people, browsers, found, hostile):
        self.people, self.browsers, self.found = people, browsers, found
        self.hostile, self.tried, self.faults = hostile, 0, []
        self.absent, self.forms = {}, {}

    def goals(self, line, who):
        """Yield (whose, id, record) of what the line's address may name."""
        if not line.names_a_record and "{file}" not in line.address:
            yield "none", "", None
            return
        for one in self.found:
            yield one.whose, str(one.file if "{file}" in line.address else one.id), one
        yield "absent", ABSENT, None
        path = f"{line.address.partition('?')[0]}"
        in_path = "{id}" in path or "{file}" in path
        for id in HOSTILE[: self.hostile(who)]:
            if not in_path or id not in ("", "../", "1/../2"):  # these are other addresses
                yield "hostile", id, None

    def filled(self, text, id, *, encode):
        for mark in ("{id}", "{file}"):
            text = text.replace(mark, quote(id, safe="") if encode else id)
        for name in ("dev", "fay"):
            text = text.replace(f"{{{name}}}", str(getattr(self.people, name).id))
        return text

    def send(self, browser, method, line, id, form):
        address = self.filled(line.address, id, encode=True)
        if method == "GET":
            return browser.get(address)
        data = {key: self.filled(value, id, encode=False) for key, value in line.data.items()}
        if line.right == "file add":
            data["file"] = (BytesIO(b"new"), "new.txt")
        return browser.post(address, data=form if form is not None else data)

    def form(self, endpoint, method, one):
        """Return a form that would be taken, as an administrator finds it."""
        entity, _, function = endpoint.partition(".")
        if (function, method) != ("edit_view", "POST"):
            return None
        one = one or self.found[0]
        if one.whose == "bin":
            one = self.found[0]
        if one.id not in self.forms:
            page = self.browsers["dev"].get(f"/{entity}/edit/?id={one.id}")
            self.forms[one.id] = form_of(page)
        form = self.forms[one.id].copy()
        field = next(key for key in TEXTS if key in form)
        form[field] = f"{one.title} {self.tried}"
        db.session.rollback()
        db.session.refresh(one.record)
        form["version"] = str(one.record.version)
        return form

    def run(self, endpoint, method, line, who, before):
        """Try one line by one actor on all there is; return the prints of the database after it."""
        browser, entity = self.browsers[who], endpoint.partition(".")[0]
        secret = self.secrets(who, entity)
        for whose, id, one in self.goals(line, who):
            expected = table.answer(endpoint, method, line, who, whose)
            said = self.send(browser, method, line, id, self.form(endpoint, method, one))
            self.tried += 1
            place = (endpoint, method, who, whose, id[:20])
            if said.status_code != expected:
                self.faults.append((*place, f"{said.status_code}, not {expected}"))
            for what, text in secret:
                if text in said.text and not (endpoint == "search.index" and text == id):
                    self.faults.append((*place, f"shows {what}"))
            before = self.changes(place, line, said.status_code, expected, before)
            if said.status_code == 404 and method == "GET":
                self.same(place, whose, said)
            if said.status_code == 302 and who not in OUT:
                browser.get("/inbox/")  # shows, and so forgets, what is still to be said
            if self.mend(one, line, said.status_code):
                before = cast.prints()
        return before

    def secrets(self, who, entity):
        return list(cast.unseen(who, entity if entity in BY_NAME else "customers", self.found))

    def changes(self, place, line, status, expected, before):
        """Hold that nothing was written unless it was to be; return what is there now."""
        method = place[1]
        after = cast.prints()
        if after == before:
            return before
        let_in = status == expected == line.done and method == "POST" and line.writes
        if not let_in:
            self.faults.append((*place, "the database changed"))
        return after

    def same(self, place, whose, said):
        """Hold that what is out of sight is answered as what is not there, word for word."""
        key = place[:3]
        if whose == "absent" or key not in self.absent:
            self.absent[key] = lasting(said)
        elif self.absent[key] != lasting(said):
            self.faults.append((*place, "the answer tells that there is such a record"))

    def mend(self, one, line, status):
        """Put a record back in its place that an allowed attempt has moved; return whether so."""
        if one is None or one.record.append_only or line.data is None or status != line.done:
            return False
        if line.right == "file delete":
            cast.keep_file(one, self.people)
            return True
        db.session.rollback()
        db.session.refresh(one.record)
        gone = one.record.deleted_at is not None
        if gone is not (one.whose == "bin"):
            with records.transaction("tests"):
                act = records.restore if gone else records.delete
                act(one.record, self.people.system)
            return True
        return False


def attack(people, client_of, entity, actors, hostile, lines):
    """Try the lines; return what was wrong, after saying how much was tried."""
    view = BY_NAME[entity]
    browsers = cast.hire(people, client_of, VIEWS)
    found = cast.targets(view, people)
    if any("{file}" in line.address for line in lines.values()):
        cast.files(found, people)
    one = Attack(people, browsers, found, hostile)
    for (endpoint, method), line in lines.items():
        before = cast.prints()
        for who in actors:
            before = one.run(endpoint, method, line, who, before)
    print(f"\n{entity}: {one.tried} attempts", *one.faults, sep="\n")
    assert one.tried > len(actors) * len(lines)
    return one.faults


def of(entity):
    return {key: line for key, line in table.lines().items() if key[0].startswith(f"{entity}.")}


def pages():
    return {key: line for key, line in table.PAGES.items() if isinstance(line, Line)}


def as_many(who):
    """Return how many hostile ids somebody tries: all of them those who get far with the others."""
    return len(HOSTILE) if who in ("ana", "dev") else 1


EVERYBODY = ("nobody", "dan", *ACTORS)


@pytest.mark.parametrize("entity", QUICK)
def test_nobody_gets_further_than_their_rights(entity, people, client_of):
    faults = attack(people, client_of, entity, QUICK_ACTORS, lambda who: 2, of(entity))
    assert faults == []


def test_nobody_gets_further_than_their_rights_on_other_pages(people, client_of):
    assert (
        attack(people, client_of, "customers", ("nobody", "ana", "fay"), lambda who: 1, pages())
        == []
    )


@pytest.mark.attack
@pytest.mark.parametrize("entity", BY_NAME)
def test_nor_does_anybody_anywhere(entity, people, client_of):
    assert attack(people, client_of, entity, EVERYBODY, as_many, of(entity)) == []


@pytest.mark.attack
def test_nor_on_any_other_page(people, client_of):
    assert attack(people, client_of, "customers", EVERYBODY, as_many, pages()) == []


def counted():
    """Return how many attempts the whole matrix makes."""
    total = 0
    for (endpoint, _method), line in table.lines().items():
        entity = endpoint.partition(".")[0]
        entity = entity if entity in BY_NAME else "customers"
        if not line.names_a_record and "{file}" not in line.address:
            total += len(EVERYBODY)
            continue
        kinds = 2 + table.owned(entity) + table.shared(entity)
        kinds += (entity in POOLED) - (entity in FIXED)
        path = line.address.partition("?")[0]
        others = HOSTILE
        if "{id}" in path or "{file}" in path:
            others = [id for id in HOSTILE if id not in ("", "../", "1/../2")]
        hostile = sum(len([id for id in HOSTILE[: as_many(w)] if id in others]) for w in EVERYBODY)
        total += len(EVERYBODY) * (kinds + 1) + hostile
    return total


def test_the_page_on_security_says_how_much_is_tried():
    page = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
    said = re.search(r"([\d,]+) requests by (\d+) kinds of people", page)
    assert int(said[2]) == len(EVERYBODY)
    assert int(said[1].replace(",", "")) <= counted(), "say how many there are now"


# Other methods, forms without their token, and looking.

OTHERS = ("PUT", "PATCH", "DELETE", "TRACE", "HEAD", "OPTIONS", "GET", "POST")


def refused_methods(site, browsers, screens):
    """Send every route what it has no method for; return (tried, what was answered otherwise)."""
    told, tried = [], 0
    there = {(rule.endpoint, m) for rule in site.url_map.iter_rules() for m in rule.methods}
    each = dict(addresses(site, "GET")) | dict(addresses(site, "POST"))
    for endpoint, address in each.items():
        if screens and endpoint.partition(".")[0] not in screens:
            continue
        for method in OTHERS:
            if (endpoint, method) in there - {(endpoint, "HEAD"), (endpoint, "OPTIONS")}:
                continue
            if endpoint == "attachments.upload" and method == "GET":
                continue  # the address is that of no other route
            if endpoint == "static" and method == "OPTIONS":
                continue  # Flask's own; files that anyone may read
            for who, browser in browsers.items():
                said = browser.open(address, method=method, data={"id": "1", "rowid": "1"})
                tried += 1
                refused = said.status_code in ((302, 401, 404, 405) if who in OUT else (404, 405))
                follows = method == "HEAD" and (endpoint, "GET") in there
                empty = not said.get_data()
                if not refused and not (follows and empty):
                    told.append((endpoint, method, who, said.status_code))
    return tried, told


@pytest.mark.parametrize(
    "screens", [("customers", "profile"), pytest.param((), marks=pytest.mark.attack)]
)
def test_no_route_answers_a_method_it_was_not_made_for(screens, site, people, client_of):
    browsers = {"nobody": site.test_client(), "ana": client_of(people.ana)}
    browsers["dev"] = client_of(people.dev)
    before = cast.dump()
    tried, told = refused_methods(site, browsers, screens)
    assert told == []
    assert cast.dump() == before
    print(f"\n{tried} attempts")


def token_of(browser):
    return form_of(browser.get("/customers/new/"))["csrf_token"]


@pytest.mark.attack
def test_no_form_is_taken_without_the_token_of_who_sends_it(site, people, client_of, monkeypatch):
    """Attack 45: without a token, with another's, with a made-up one, as plain text, by GET."""
    monkeypatch.setitem(site.config, "WTF_CSRF_ENABLED", True)
    browser, other = client_of(people.dev), client_of(people.ana)
    theirs, taken = token_of(other), []
    before = cast.dump()
    for endpoint, address in addresses(site, "POST"):
        sent = {"id": "1", "rowid": "1", "action": "delete", "name": "clean_up", "theme": "dark"}
        for data in (sent, sent | {"csrf_token": theirs}, sent | {"csrf_token": "x" * 91}):
            said = browser.post(address, data=data)
            if said.status_code != 400:
                taken.append((endpoint, said.status_code, data))
        for header in ("X-CSRFToken", "X-CSRF-Token"):
            if browser.post(address, data=sent, headers={header: theirs}).status_code != 400:
                taken.append((endpoint, header))
        if browser.post(address, data="id=1", content_type="text/plain").status_code != 400:
            taken.append((endpoint, "text/plain"))
        override = {"X-HTTP-Method-Override": "POST"}
        browser.get(f"{address}?id=1&rowid=1&action=delete&_method=POST", headers=override)
    assert taken == []
    assert cast.dump() == before
    form = {"name": "Acme", "csrf_token": token_of(browser)}
    assert browser.post("/customers/new/", data=form).status_code == 302  # with their own it is


@pytest.mark.attack
def test_looking_at_every_page_leaves_every_row_as_it_was(site, people, client_of):
    """Attack 45: GET never changes anything, whatever it is given."""
    cast.hire(people, client_of, VIEWS)
    found = {stem(view): cast.targets(view, people)[0].id for view in VIEWS}
    browser, before, broken = client_of(people.dev), cast.dump(), []
    for endpoint, address in addresses(site, "GET"):
        entity = endpoint.partition(".")[0]
        asked = f"?id={found.get(entity, 1)}&name=customer&query=a&user={people.dev.id}"
        for more in ("", "&action=delete&rowid=1&_method=DELETE", "&csrf_token=1&password=x"):
            if browser.get(f"{address}{asked}{more}").status_code >= 500:
                broken.append((endpoint, more))
    assert broken == []
    assert cast.dump() == before
