"""A field that a role may not see leaves no trace; one it sees in part shows that part only."""

from decimal import Decimal

import pytest

from crm_admin.models.customers import Customer
from crm_admin.services import masking, organisation, records
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
    "rules": {"entity", "field_key", "parameter", "condition", "message"},
    "departments": {"time_zone"},
    "picklist_items": {"colour"},
    "customers": {"unified_social_credit_code"},
}


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
    return full(stem(view), people, **values), found


def walk(client, view, record, found):
    """Yield (address, text) of the pages and files where the record, or its history, appears."""
    path = f"/{stem(view)}/"
    addresses = [path, f"{path}details/?id={record.id}", f"{path}edit/?id={record.id}"]
    addresses += [f"{path}export/csv/", "/", "/completeness/", f"/search/?query={record}"]
    addresses += [f"{path}?sort={key}&desc=1" for key in found]
    if parent := getattr(record, "customer_id", None):
        addresses.append(f"/customers/details/?id={parent}")
    for address in addresses:
        yield address, client.get(address, follow_redirects=True).get_data(as_text=True)


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
