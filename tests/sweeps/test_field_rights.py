"""A field that a role may not see leaves no trace; one it sees in part shows that part only."""

from decimal import Decimal

import pytest

from crm_admin.errors import Invalid
from crm_admin.models.customers import Customer
from crm_admin.services import expressions, masking, organisation, records
from crm_admin.views import columns
from tests.make import make
from tests.sweeps.cases import VIEWS, full, stem

#: One value a field that stands nowhere else, by the kind of field.
PLANTED = {
    "text": lambda n: f"Zebra{n:02}quux",
    "lines": lambda n: f"Zebra{n:02}quux\nand more",
    "email": lambda n: f"zebra{n:02}quux@example.com",
    "phone": lambda n: f"+86 10 7000-{n:04}",
    "url": lambda n: f"https://zebra{n:02}.example/",
    "money": lambda n: Decimal(f"76543{n:02}.09"),
}
#: What must be as it is for the record to be kept at all, or names it.
FIXED = {
    "users": {"username"},
    "roles": {"grants", "fields", "conditions", "field_conditions"},
    "rules": {"entity", "field_key", "parameter", "condition", "message_en"},
    "departments": {"time_zone"},
    "picklist_items": {"colour"},
    "customers": {"unified_social_credit_code"},
}


#: What makes other records, which have rights of their own: the task of a next step.
MAKES = {"interactions": {"next_step_on": None}}


def planted(view, people):
    """Make a record with values of its own; return it and {field: (kind, value, its text)}."""
    model, found, values = view.model, {}, {}
    kept = {*model.name_keys(), "code", "number", "currency", *FIXED.get(stem(view), ())}
    for number, column in enumerate(columns.labelled(model)):
        key, make_value = column.column_key, PLANTED.get(column.kind)
        if make_value and key not in kept and not column.given and not column.picklist:
            value = values[key] = make_value(number)
            text = f"{value:,.2f}" if column.kind == "money" else str(value).partition("\n")[0]
            found[key] = (column.kind, value, text)
    values |= MAKES.get(stem(view), {})
    return full(stem(view), people, **values), found


def walk(client, view, record, found):
    """Yield (address, text) of the pages and files where the record, or its history, appears."""
    path = f"/{stem(view)}/"
    addresses = [path, f"{path}details/?id={record.id}", f"{path}edit/?id={record.id}"]
    addresses += [f"{path}export/csv/", "/", "/completeness/", f"/search/?query={record}"]
    addresses += [f"{path}?sort={key}&desc=1" for key in found]
    if parent := getattr(record, "customer_id", None):
        addresses.append(f"/customers/details/?id={parent}")
    addresses += elsewhere(view, record)
    for address in addresses:
        yield address, client.get(address, follow_redirects=True).get_data(as_text=True)


def elsewhere(view, record):
    """Return the pages that are about something else and could still tell of the record."""
    entity, id = stem(view), record.id
    mine = f"user={record.created_by_id}&entity={entity}&record={id}"
    found = [f"/{entity}/sharing/?id={id}", f"/explain/?{mine}", f"/explain/?{mine}&query={record}"]
    found += ["/rights-cases/", "/inbox/", "/deputies/", "/recycle-bin/", "/jobs/", "/profile/"]
    found += [f"/completeness/?entity={entity}", f"/{entity}/?bin=1", f"/{entity}/new/"]
    for other in VIEWS:  # choices, and the tabs of what it belongs to
        for column in columns.labelled(other.model):
            if column.target is view.model:
                found.append(f"/{stem(other)}/ajax/lookup/?name={column.key}&query=&limit=50")
    for column in columns.labelled(view.model):
        target = column.target and getattr(record, column.column_key)
        if target:
            found.append(f"/{column.target.__tablename__}/details/?id={target}")
    return found


def limit(view, found, word, people):
    role = organisation.role("administrator")
    with records.transaction("tests"):
        role.fields = {stem(view): dict.fromkeys(found, word)} if word else {}
        records.save(role, people.system)


@pytest.mark.parametrize("view", VIEWS, ids=stem)
def test_what_a_role_may_not_see_is_nowhere_and_what_it_may_is_somewhere(view, people, client_of):
    record, found = planted(view, people)
    client = client_of(people.dev)
    seen = "".join(text for _, text in walk(client, view, record, found))
    missing = [key for key, (_, _, text) in found.items() if text not in seen]
    assert not missing, "the walk does not pass where these are seen"
    for word in ("hidden", "masked"):
        limit(view, found, word, people)
        for address, text in walk(client, view, record, found):
            leaks = [key for key, (_, value, shown) in found.items()
                     if shown in text or str(value) in text]  # fmt: skip
            assert not leaks, (word, address)
        for key, (kind, value, _) in found.items():
            for asked in (f"search={value}", f"{key}.has={value}", f"{key}.is={value}"):
                page = client.get(f"/{stem(view)}/?{asked}").text
                everything = client.get(f"/{stem(view)}/").text
                told = page.count("details/?id=") - everything.count("details/?id=")
                assert told == 0 if "." in asked.partition("=")[0] else told <= 0, (word, asked)
            whole = client.get(f"/{stem(view)}/details/?id={record.id}").text
            part = masking.mask(kind, value)
            assert word == "hidden" or part.replace("&", "&amp;") in whole, (key, part)


def conditional():
    """Return whether limits can have conditions yet."""
    try:
        expressions.compiled(Customer, "city = 'X'")
    except Invalid:
        return False
    return True


@pytest.mark.parametrize("word", ["hidden", "masked"])
def test_a_limit_with_a_condition_holds_for_the_records_that_fit_it(word, people, client_of):
    """Where a limit holds for some records, those leak nothing and the others are as they were."""
    if not conditional():
        pytest.skip("no expressions yet")
    fits = make(Customer, name="Fits", city="X", phone="+86 10 7000-0001")
    other = make(Customer, name="Other", city="Y", phone="+86 10 7000-0002")
    role = organisation.role("administrator")
    with records.transaction("tests"):
        role.fields = {"customers": {"phone": word}}
        role.field_conditions = {"customers": {"phone": "city = 'X'"}}
        records.save(role, people.system)
    client = client_of(people.dev)
    view = next(view for view in VIEWS if view.model is Customer)
    found = {"phone": ("phone", "", "")}
    for address, text in walk(client, view, fits, found):
        assert "7000-0001" not in text, address
    for address in ("/customers/", f"/customers/details/?id={other.id}", "/customers/export/csv/"):
        assert "7000-0002" in client.get(address).get_data(as_text=True), address
    everything = client.get("/customers/").text.count("details/?id=")
    for asked in ("phone.has=7000", "phone.is=%2B86 10 7000-0002", "phone.filled=1"):
        assert client.get(f"/customers/?{asked}").text.count("details/?id=") == everything, asked
    assert "Other" not in client.get("/customers/?search=7000-0002").text.partition("<tbody")[2]


def test_a_masked_number_tells_neither_its_length_nor_its_middle(people, client_of):
    acme = make(Customer, name="Acme", phone="13812341234", email="zoe@example.com")
    role = organisation.role("administrator")
    with records.transaction("tests"):
        role.fields = {"customers": {"phone": "masked", "email": "masked"}}
        records.save(role, people.system)
    client = client_of(people.dev)
    for address in ("/customers/", f"/customers/details/?id={acme.id}", "/customers/export/csv/"):
        text = client.get(address).get_data(as_text=True)
        assert ("138****1234" in text, "13812341234" in text) == (True, False), address
    assert "z****@example.com" in client.get(f"/customers/details/?id={acme.id}").text
    assert "phone" not in client.get(f"/customers/edit/?id={acme.id}").text.partition("<main")[2]
