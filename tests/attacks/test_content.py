"""Attacks by what is written: into addresses, fields, files and their names.

The numbers are those of docs/security.md. tests/views/test_content.py looks at pages as text; here
they are read as a browser reads them.
"""

import io
import json
import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask import current_app
from sqlalchemy import select

from crm_admin.database import db
from crm_admin.errors import CrmError
from crm_admin.models.attachments import Attachment
from crm_admin.models.customers import Customer
from crm_admin.services import records
from crm_admin.services.table_files import open_table
from crm_admin.views import columns
from crm_admin.views.exports import harmless
from tests.attacks.cast import dump
from tests.attacks.test_fields import some
from tests.make import make
from tests.pages import form_of
from tests.sweeps.cases import VIEWS, full, stem

HOSTILE = [
    "' OR 1=1--", "1) ASC,(SELECT 1)", "(SELECT CASE WHEN 1=1 THEN name END)", "%27", "\0",
    "\ud800", "name;DROP TABLE users", "sleep(1)", "pg_sleep(1)", "1e400", "-1", "9" * 400,
    "../../etc/passwd", "{{7*7}}", "${7*7}", "%s%n", "\r\nSet-Cookie: x=1", "*" * 5000, "\\",
    "NaN", "０１", "1,2", "[]", "2026-13-45", "0000-00-00", "+275760-09-13", "true", "null",
    "__class__", "id", "search_text",
]  # fmt: skip
OPERATIONS = ("is", "not", "has", "from", "to", "empty", "filled", "between", "in", "like", "",
              "is.is", "__gt")  # fmt: skip
#: What a fault of the program or of the database would show.
FAULTS = re.compile(r"Traceback|sqlalchemy|sqlite3|psycopg|SELECT .* FROM|\[SQL|OperationalError")


def ask(client, way, query):
    """Ask as an attacker does, also with what is no text."""
    return client.get(f"{way}?{urlencode(query, errors='surrogatepass')}")


def test_a_list_takes_what_stands_in_its_address_as_text(people, client_of):
    """Attack 48, in part."""
    assert list_attacked("customers", HOSTILE[::8], people, client_of) > 50


@pytest.mark.attack
@pytest.mark.parametrize("entity", ["customers", "contracts", "expenses", "users"])
def test_no_address_of_a_list_reaches_the_database_as_words(entity, people, client_of):
    """Attack 48: order, page, size, search and every operator of every filter."""
    assert list_attacked(entity, HOSTILE, people, client_of) > 500


def list_attacked(entity, texts, people, client_of):
    view = next(one for one in VIEWS if stem(one) == entity)
    client, before, n = client_of(people.dev), dump(), 0
    keys = [*view.filters, "id", "password_hash", "nothing"]
    for place, text in enumerate(texts):
        asked = [
            {name: text} for name in ("sort", "page", "size", "search", "bin", "desc", "unread")
        ]
        key, operation = keys[place % len(keys)], OPERATIONS[place % len(OPERATIONS)]
        asked += [{f"{key}.{one}": text} for one in OPERATIONS[:7]]
        asked += [{f"{one}.{operation}": text} for one in keys]
        for query in asked:
            answer = ask(client, f"/{entity}/", query)
            assert answer.status_code in (200, 400), query
            assert not FAULTS.search(answer.text), query
            assert "Set-Cookie: x=1" not in str(answer.headers)
            n += 1
        for way in (f"/{entity}/export/csv/", f"/{entity}/details/", "/search/", "/attachments/1"):
            query = dict.fromkeys(("id", "query", "sort", "search", "format"), text)
            assert ask(client, way, query).status_code < 500, (way, text)
    assert dump() == before
    return n


OTHERS = [
    "/customers/ajax/lookup/", "/completeness/", "/jobs/", "/explain/", "/inbox/open/",
    "/roles/compare/", "/customers/new/", "/profile/",
]  # fmt: skip


@pytest.mark.attack
@pytest.mark.parametrize("way", OTHERS)
def test_no_other_address_does(way, people, client_of):
    """Attack 48."""
    client = client_of(people.dev)
    for text in HOSTILE:
        for name in ("name", "query", "within", "offset", "limit", "id", "with", "entity", "person",
                     "user", "record", "parent", "url", "first", "language"):  # fmt: skip
            answer = ask(client, way, {"name": "parent", name: text})
            assert answer.status_code < 500, (way, name, text)
            assert not FAULTS.search(answer.text)


@pytest.mark.attack
def test_no_text_in_a_form_breaks_the_program(people, client_of):
    """Attacks 48, 65: too long, too large, of another kind; told in words, or taken as text."""
    client = client_of(people.dev)
    acme = make(Customer, name="Acme")
    form = form_of(client.get(f"/customers/edit/?id={acme.id}"))
    for text in (one for one in HOSTILE if one != "\ud800"):
        for field in form:
            if field == "csrf_token":
                continue
            sent = {**form, field: text}
            answer = client.post(f"/customers/edit/?id={acme.id}", data=sent)
            assert answer.status_code in (200, 302, 400), (field, text)
            assert not FAULTS.search(answer.text), (field, text)
            if answer.status_code == 302:
                db.session.rollback()
                form["version"] = str(db.session.get(Customer, acme.id).version)


# Markup.

BAIT = "\"><svg/onload=alert(1)>'onmouseover=alert(2) {{7*7}}</script><b id=bait>"


class Reader(HTMLParser):
    """Reads a page as a browser does, and notes what came of what somebody wrote."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.found, self.texts, self.inside = [], [], ""

    def handle_starttag(self, tag, attributes):
        self.inside = tag
        for name, value in attributes:
            if name.startswith("on") or (name == "id" and value == "bait"):
                self.found.append((tag, name))
            leads = name in ("href", "src", "action", "formaction")
            if leads and re.match(r"\s*(javascript|data:text|vbscript)", value or "", re.I):
                self.found.append((tag, value))
            if name == "style":
                self.found.append((tag, name))
        if tag == "svg" and dict(attributes).get("onload"):
            self.found.append((tag, "onload"))

    handle_startendtag = handle_starttag

    def handle_data(self, data):
        if "49</script" in data or ("alert" in data and self.inside == "script"):
            self.found.append((self.inside, data))
        self.texts.append(data)


def read(answer):
    reader = Reader()
    reader.feed(answer.text)
    return reader


def writable(view):
    kept = {"entity", "field_key", "code", "time_zone", "parameter", "condition", "number", "kind"}
    return [
        c.column_key
        for c in columns.labelled(view.model)
        if c.kind in ("text", "lines", "url", "phone", "email")
        and c.column_key not in kept and not c.given and not c.picklist
    ]  # fmt: skip


@pytest.mark.parametrize("view", some("customers", "roles"), ids=stem)
def test_markup_in_every_field_is_text_on_every_page(view, people, client_of):
    """Attacks 50, 51, 56: no element, attribute or script comes of it; no braces are reckoned."""
    record, entity = full(stem(view), people), stem(view)
    keys = writable(view)
    table = record.__table__
    with records.transaction("tests"):  # past all checks, as an older version might have left it
        values = dict.fromkeys(keys, BAIT)
        db.session.execute(table.update().where(table.c.id == record.id).values(**values))
    if entity == "users":
        values.pop("username", None)
    client, id = client_of(people.dev), record.id
    pages = [f"/{entity}/", f"/{entity}/details/?id={id}", f"/{entity}/edit/?id={id}",
             f"/{entity}/sharing/?id={id}", "/", "/completeness/", "/search/?query=svg",
             f"/explain/?user={people.ana.id}&entity={entity}&record={id}", "/recycle-bin/",
             "/inbox/", "/jobs/", "/rights-cases/", f"/{entity}/?search=%22%3E%3Csvg"]  # fmt: skip
    seen = 0
    for page in pages:
        reader = read(client.get(page, follow_redirects=True))
        assert reader.found == [], page
        seen += any("svg/onload" in text for text in reader.texts)
    assert seen >= 1 or not keys


def test_markup_in_a_lookup_is_data(people, client_of):
    """Attack 50: the drop-down is made of JSON, and says that it is."""
    make(Customer, name=BAIT)
    answer = client_of(people.dev).get("/contacts/ajax/lookup/?name=customer&query=svg")
    assert answer.mimetype == "application/json"
    assert json.loads(answer.text)[0][1].startswith(BAIT)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_companys_own_name_is_text_too(people, client_of, site, monkeypatch):
    """Attack 51: what is set for the whole site breaks out of no page, nor out of the policy."""
    for key in [
        key for key in site.config if key.endswith("NAME") and isinstance(site.config[key], str)
    ]:
        monkeypatch.setitem(site.config, key, "x'; script-src *; \"><svg onload=alert(1)>")
    answer = client_of(people.dev).get("/")
    assert read(answer).found == []
    assert "script-src *" not in answer.headers["Content-Security-Policy"]


# Files.

NAMES = [
    "x.php", "x.jpg.html", "../../a.txt", "C:\\a.txt", ".htaccess", "a\0b.txt", "é" * 300 + ".txt",
    "\u202etxt.exe", "con", 'a"; filename="b.html', "..", "/etc/passwd",
    "<svg onload=alert(1)>.txt", "a;b.txt",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_files_name_decides_nothing(name, people, client_of):
    """Attacks 53, 54, 58: it lies under a random name, and no header is broken by it."""
    acme, client = make(Customer, name="Acme"), client_of(people.dev)
    client.post(f"/attachments/customers/{acme.id}", data={"file": (io.BytesIO(b"hello"), name)})
    row = db.session.scalar(select(Attachment).order_by(Attachment.id.desc()))
    assert row is not None
    instance = Path(current_app.config["INSTANCE"]).resolve()
    place = (instance / "attachments" / row.stored_as).resolve()
    assert place.is_relative_to(instance / "attachments")
    assert re.fullmatch(r"[0-9a-f]{2}/[0-9a-f]{30}", row.stored_as)
    assert place.stat().st_mode & 0o777 == 0o600
    answer = client.get(f"/attachments/{row.id}")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''")
    assert "X-Evil" not in answer.headers and "\n" not in answer.headers["Content-Disposition"]
    page = client.get(f"/customers/details/?id={acme.id}")
    assert read(page).found == []
    assert len(row.name) <= 150 and "/" not in row.name and "\\" not in row.name


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
     ("a.html", b"<script>alert(1)</script>"), ("a.xml", b"<?xml version='1.0'?><x/>"),
     ("a.mht", b"MIME-Version: 1.0"), ("a.pdf", b"%PDF-1.4 /JS (app.alert(1))")],
)  # fmt: skip
def test_what_somebody_uploads_runs_in_no_page_of_ours(name, content, people, client_of):
    """Attack 52."""
    acme, client = make(Customer, name="Acme"), client_of(people.dev)
    client.post(f"/attachments/customers/{acme.id}", data={"file": (io.BytesIO(content), name)})
    row = db.session.scalar(select(Attachment).order_by(Attachment.id.desc()))
    answer = client.get(f"/attachments/{row.id}")
    assert answer.data == content
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.png", b"<script>alert(1)</script>"), ("a.pdf", b"MZ\x00\x00"), ("a.txt", b""),
     ("a.bin", b"MZ\x90\x00\x03"), ("a.jpg", b"GIF89a"), ("a.docx", b"not a zip")],
)  # fmt: skip
def test_a_file_of_another_kind_than_it_says_is_refused(name, content, people, client_of):
    """Attack 53: with words, and nothing of it is kept."""
    acme, client = make(Customer, name="Acme"), client_of(people.dev)
    sent = {"file": (io.BytesIO(content), name)}
    answer = client.post(f"/attachments/customers/{acme.id}", data=sent, follow_redirects=True)
    assert answer.status_code == 200
    assert db.session.scalar(select(Attachment)) is None
    good = {"file": (io.BytesIO(b"%PDF-1.4"), "a.pdf")}
    client.post(f"/attachments/customers/{acme.id}", data=good)
    assert db.session.scalar(select(Attachment.name)) == "a.pdf"


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1+cmd", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1+1", "\r=1", "＝1+1", "＠x",
     '=HYPERLINK("http://evil.example")', "－1+1|x"],
)  # fmt: skip
def test_a_formula_leaves_as_text(text, people, client_of):
    """Attack 55."""
    assert harmless(text) == f"'{text}"
    make(Customer, name="Acme", city=text.strip() or "x", phone="+86 10 1234")
    file = client_of(people.dev).get("/customers/export/csv/").get_data(as_text=True)
    cells = [cell.strip('"') for line in file.splitlines() for cell in line.split(",")]
    assert not [cell for cell in cells if cell[:1] in "=@＝＠" and len(cell) > 1]
    assert "+86 10 1234" in file


def hostile_files(folder):
    """Write the files that stop other programs; yield each."""
    sheet = (
        "<worksheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'>"
        "<dimension ref='A1:XFD1048576'/><sheetData><row r='1048576'>"
        "<c r='XFD1048576' t='inlineStr'><is><t>x</t></is></c></row></sheetData></worksheet>"
    )
    entity = "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x>&a;</x>"
    for name, parts in (
        ("huge.xlsx", {"xl/worksheets/sheet1.xml": sheet}),
        ("entity.xlsx", {"xl/worksheets/sheet1.xml": entity, "xl/workbook.xml": entity}),
        ("bomb.xlsx", {"xl/worksheets/sheet1.xml": " " * 50_000_000}),
        ("many.xlsx", {f"xl/worksheets/sheet{n}.xml": "x" for n in range(3_000)}),
    ):
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as book:
            book.writestr("[Content_Types].xml", "<Types/>")
            for part, text in parts.items():
                book.writestr(part, text)
        yield folder / name
    for name, data in (
        ("nul.csv", b"name\nA\0B\n"), ("open.csv", b'name\n"never closed\n' + b"x" * 100_000),
        ("short.xlsx", b"PK\x03\x04"), ("long.csv", b"name\n" + b"x" * 5_000_000),
        ("half.csv", "name\n北京".encode()[:-1]),
    ):  # fmt: skip
        (folder / name).write_bytes(data)
        yield folder / name


def test_a_hostile_file_is_refused_in_words_and_the_next_is_read(tmp_path):
    """Attacks 61, 62: the program that reads it lives on."""
    refused = 0
    for file in hostile_files(tmp_path):
        try:
            with open_table(file) as table:
                for _ in table:
                    pass
        except CrmError as error:
            refused += bool(str(error))
    assert refused >= 6
    good = tmp_path / "good.csv"
    good.write_text("name\nAcme\n")
    with open_table(good) as table:
        assert table.columns
