"""Every entity keeps the promises that all of them make."""

from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, inspect, select
from werkzeug.datastructures import MultiDict

from crm_admin.database import db
from crm_admin.models.audit import AuditEntry
from crm_admin.services import access, filters, listing
from crm_admin.services.listing import Question
from crm_admin.views import columns
from tests.conftest import CAST
from tests.pages import form_of
from tests.sweeps.cases import FIXED, VIEWS, cases, full, granted, stem

#: Tables people see that have no screen of their own, and why.
SCREENLESS = {"attachments": "shown on the page of the record they belong to"}
every_entity = pytest.mark.parametrize("view", VIEWS, ids=stem)

#: What only one record may have, and what the next takes from the last.
UNIQUE = ("code", "username", "is_primary")
#: What a field of each kind cannot hold, or just about can.
EDGES = {
    "text": ("x" * 120_000, "\0", "   "),
    "number": ("99999999999", "1e400", "1.5"),
    "money": ("1e400", "NaN", "99999999999999999999", "0.001"),
    "date": ("0001-01-01", "9999-12-31", "2026-02-30"),
    "moment": ("0001-01-01T00:00", "9999-12-31T23:59"),
    "record": ("abc", "99999999999"),
}
BAD = ("", "abc", "-1", "99999999999999999999", "1e400", "NaN", "2026-02-30", "0001-01-01",
       "9999-12-31", "%", "_", "'; --", "\0", "１２", "x" * 5000)  # fmt: skip


def test_every_table_that_people_see_has_a_screen_or_a_reason():
    assert set(access.entities()) == {stem(view) for view in VIEWS} | set(SCREENLESS)


@every_entity
def test_every_field_on_a_screen_has_a_name(view):
    keys = {*view.column_list, *view.filters, *view.badges, *view.subtitle}
    keys |= {key for _, section in view.sections for key in section}
    unnamed = [(stem(view), key) for key in keys if not _named(view.model, key)]
    for entity, column_key, shown in view.related:
        model = access.model_of(entity)
        unnamed += [(entity, key) for key in (column_key, *shown) if not _named(model, key)]
    assert unnamed in ([], [("users", "password")])  # the first password is no field of a user


def _named(model, key):
    mapper = inspect(model)
    if key in mapper.relationships and mapper.relationships[key].secondary is not None:
        return bool(mapper.relationships[key].info.get("label"))
    try:
        return bool(columns.column(model, key).label)
    except KeyError:
        return False


@every_entity
@pytest.mark.parametrize("who", list(CAST))
def test_the_empty_form_opens_for_who_may_add(view, who, people, client_of):
    answer = client_of(getattr(people, who)).get(f"/{stem(view)}/new/")
    sees, adds = granted(who, "view", stem(view)), granted(who, "create", stem(view))
    assert answer.status_code == (200 if sees and adds else 403 if sees else 404)


@every_entity
def test_a_form_sent_back_as_it_came_changes_nothing(view, people, client_of):
    record, client = full(stem(view), people), client_of(people.dev)
    id, version = record.id, record.version
    if stem(view) in FIXED:
        return
    for language in ("en", "zh-Hans-CN", "zh-Hant-TW"):
        client.post(f"/language/{language}")
        page = client.get(f"/{stem(view)}/edit/?id={id}")
        answer = client.post(f"/{stem(view)}/edit/?id={id}", data=form_of(page))
        assert answer.status_code == 302, answer.text
    entries = select(func.count()).where(
        AuditEntry.entity == stem(view), AuditEntry.record_id == id
    )
    assert db.session.scalar(entries) == version
    assert access.find(view.model, id, people.system).version == version


@every_entity
def test_a_form_makes_the_record_it_describes(view, people, client_of):
    record, client = full(stem(view), people), client_of(people.dev)
    form = form_of(client.get(f"/{stem(view)}/edit/?id={record.id}"))
    for key in ("version", "form_key"):
        form.pop(key, None)
    for unique in UNIQUE:
        if unique in form:
            form[unique] = f"{form[unique]}2"
    answer = client.post(f"/{stem(view)}/new/", data=form)
    assert answer.status_code == 302, answer.text
    made = db.session.scalar(select(view.model).order_by(view.model.id.desc()).limit(1))
    assert made.id > record.id
    for key, column in inspect(view.model).columns.items():
        if key in _asked(view) and not column.info.get("given") and key not in UNIQUE:
            kept, copied = getattr(record, key), getattr(made, key)
            assert copied == kept or _to_the_minute(kept) == copied, key


def _asked(view):
    """Return the keys that the form of an old record asks: not those with a page of their own."""
    keys = {key for _, section in view.sections for key in section} - set(view.handed_over)
    return {view.model.column_key(key) for key in keys}


def _to_the_minute(value):
    return value.replace(second=0, microsecond=0) if hasattr(value, "hour") else value


@every_entity
def test_a_list_is_sorted_by_every_column(view, people, client_of):
    cases(stem(view), people)
    client = client_of(people.dev)
    for column in columns.labelled(view.model):
        for turned in ("", "&desc=1"):
            answer = client.get(f"/{stem(view)}/?sort={column.key}{turned}")
            assert answer.status_code == 200, column.key
    for nonsense in ("nonsense", "password_hash", "search_text", "custom", "id;drop", "%00"):
        assert client.get(f"/{stem(view)}/?sort={nonsense}").status_code == 200, nonsense


@every_entity
def test_every_filter_answers_whatever_is_asked(view, people, client_of):
    cases(stem(view), people)
    client, zone = client_of(people.dev), ZoneInfo("Asia/Shanghai")
    keys = [key for key in view.filters if key in inspect(view.model).columns]
    for value in ("1", "2026-02-28", *BAD):
        for key in view.filters:
            for operation in filters.OPERATIONS:
                asked = Question(filters=((key, operation, value),), zone=zone)
                listing.page(view.model, people.dev, asked, keys)
        together = [(f"{key}.is", value) for key in view.filters]
        answer = client.get(f"/{stem(view)}/", query_string=MultiDict(together))
        assert answer.status_code == 200, value[:30]


@every_entity
def test_an_id_that_is_none_is_not_found(view, people, client_of):
    client = client_of(people.dev)
    for id in ("abc", "-1", "0", "99999999999999", "1%00", "1e3", "", "1 OR 1=1"):
        for page in ("details", "edit"):
            assert client.get(f"/{stem(view)}/{page}/?id={id}").status_code == 404, (page, id)
        answer = client.post(f"/{stem(view)}/delete/", data={"id": id})
        assert answer.status_code == 404, id


@every_entity
def test_a_list_answers_whatever_its_address_says(view, people, client_of):
    cases(stem(view), people)
    client = client_of(people.dev)
    asked = [
        {"page": "1e20"}, {"page": "-1"}, {"page": "99999999"}, {"page": "²"}, {"size": "1000000"},
        {"size": "-1"}, {"sort": "nonsense"}, {"search": "\0"}, {"search": "%"}, {"search": "_"},
        {"search": "'\""}, {"search": "\\"}, {"search": "x" * 5000}, {"bin": "1"}, {"bin": "2"},
        {"nonsense.is": "1"}, {".is": "1"}, {"name.": "1"}, {"endpoint": "x"}, {"self": "1"},
        {"url": "//evil"}, {"_method": "POST"}, {"search": "%00%27"}, {"search": "a&search"},
    ]  # fmt: skip
    for arguments in asked:
        answer = client.get(f"/{stem(view)}/", query_string=arguments)
        assert answer.status_code == 200, arguments


@pytest.mark.parametrize("term", ["%", "_", "'"])
def test_a_character_of_the_database_is_searched_for_as_itself(term, people, client_of):
    from crm_admin.models.customers import Customer
    from tests.make import make

    make(Customer, name="Plain")
    make(Customer, name=f"Odd {term} one")
    page = client_of(people.dev).get("/customers/", query_string={"search": term})
    assert "Odd" in page.text
    assert "Plain" not in page.text


@every_entity
def test_a_new_form_keeps_calm_whatever_its_address_says(view, people, client_of):
    client = client_of(people.dev)
    for column in columns.labelled(view.model):
        for value in ("1", "abc", "99999999999", "\0", "x" * 1000):
            address = f"/{stem(view)}/new/"
            answer = client.get(address, query_string={column.key: value})
            assert answer.status_code == 200, (column.key, value[:20])


@every_entity
def test_what_cannot_be_kept_is_said_beside_its_field(view, people, client_of):
    record, client = full(stem(view), people), client_of(people.dev)
    if stem(view) in FIXED:
        record = None
    address = f"/{stem(view)}/edit/?id={record.id}" if record else f"/{stem(view)}/new/"
    form = form_of(client.get(address))
    for key, values in _too_much(view, form):
        for value in values:
            answer = client.post(address, data={**form.to_dict(), key: value})
            assert answer.status_code in (200, 302), (key, value[:20])
            if answer.status_code == 302 and record:
                form = form_of(client.get(address))


def _too_much(view, form):
    """Yield one field of each kind, with what it cannot hold."""
    tried = set()
    for column in columns.labelled(view.model):
        kind = column.kind
        if column.key in form and kind not in tried:
            tried.add(kind)
            yield column.key, EDGES.get(kind, EDGES["text"])
