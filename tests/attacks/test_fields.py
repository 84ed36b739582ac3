"""Attacks on what is hidden: by every way in which a field could be told or written after all.

The numbers are those of docs/security.md.
"""

import re

import pytest
from sqlalchemy import inspect

from crm_admin.database import db
from crm_admin.errors import Denied, Invalid
from crm_admin.models.contacts import Contact
from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Customer
from crm_admin.models.users import User
from crm_admin.services import access, organisation, records, rights_cases, sharing
from tests.make import make
from tests.pages import form_of, words_of
from tests.sweeps.cases import VIEWS, full, stem

SECRET = "7771234567"


def some(*quick):
    """Return all screens; those that are not named are for `make attacks`."""
    return [one if stem(one) in quick else pytest.param(one, marks=pytest.mark.attack)
            for one in VIEWS]  # fmt: skip


@pytest.fixture
def limited(people):
    """Limit fields for Dev, an administrator: whatever is told then is told in spite of it."""

    def limit(entity, **fields):
        role = organisation.role("administrator")
        with records.transaction("tests"):
            records.change(role, {"fields": role.fields | {entity: fields}}, people.system)

    return limit


@pytest.fixture
def acme(people):
    return make(Customer, name="Acme", phone=SECRET, account_manager_id=people.cho.id)


def ids(page):
    return re.findall(r"/details/\?id=(\d+)", page.text.partition("<tbody")[2])


@pytest.mark.parametrize("word", ["hidden", "masked"])
def test_no_way_tells_a_value(word, acme, limited, people, client_of):
    """Attacks 17, 18: list, page, form, files, search, lookup, history, bin, by any argument."""
    client = client_of(people.dev)
    ways = [
        "/customers/",
        f"/customers/details/?id={acme.id}",
        f"/customers/edit/?id={acme.id}",
        "/customers/export/csv/",
        "/customers/export/csv/?columns=phone&fields=phone&column_list=phone",
        f"/customers/export/csv/?phone.is={SECRET}",
        "/customers/?columns=phone&sort=phone",
        "/search/?query=Acme",
        "/completeness/?entity=customers",
        f"/customers/sharing/?id={acme.id}",
        f"/explain/?user={people.ana.id}&entity=customers&record={acme.id}",
        f"/contacts/new/?customer={acme.id}&phone=phone",
    ]
    seen = [way for way in ways if SECRET in client.get(way, follow_redirects=True).text]
    assert len(seen) >= 4, "the ways do not pass where it is seen"
    limited("customers", phone=word)
    for way in ways:
        answer = client.get(way, follow_redirects=True)
        assert SECRET not in answer.text.replace(f"phone.is={SECRET}", ""), way


@pytest.mark.parametrize("word", ["hidden", "masked"])
def test_no_filter_order_or_search_is_an_oracle(word, acme, limited, people, client_of):
    """Attacks 19, 20, 21: asked for by a hidden field, the answer is as if it were not there."""
    make(Customer, name="Other", phone="1")
    client, before = client_of(people.dev), {}
    asked = [f"phone.is={SECRET}", "phone.has=777", "phone.empty=1", "phone.filled=1",
             "phone.not=1", "phone.from=1", "phone.to=2", "phone.in=1", "phone.like=7"]  # fmt: skip
    assert ids(client.get(f"/customers/?search={SECRET}")) == [str(acme.id)]
    limited("customers", phone=word)
    before = ids(client.get("/customers/"))
    for one in asked:
        assert ids(client.get(f"/customers/?{one}")) == before, one
        file = client.get(f"/customers/export/csv/?{one}").text
        assert "Acme" in file and "Other" in file, one
    for sort in ("phone", "Phone", "customers.phone", "8", "phone desc"):
        assert ids(client.get(f"/customers/?sort={sort}")) == before, sort
    assert ids(client.get(f"/customers/?search={SECRET}")) == []
    assert "Nothing" in client.get(f"/search/?query={SECRET}").text
    assert client.get(f"/contacts/ajax/lookup/?name=customer&query={SECRET}").json == []


@pytest.mark.parametrize("view", some("customers", "users"), ids=stem)
def test_no_form_writes_what_it_does_not_show(view, people, client_of):
    """Attack 25: all that a row has is posted into its form; only what it shows is taken."""
    model, entity = view.model, stem(view)
    record = full(entity, people)
    if record.append_only:
        pytest.skip("it cannot be changed at all")
    client = client_of(people.dev)
    page = client.get(f"/{entity}/edit/?id={record.id}")
    form = form_of(page)
    # What is not ticked is on the form as well.
    offered = {model.column_key(name) for name in re.findall(r' name="(\w+)"', page.text)}
    mapper = inspect(model)
    keys = [key for key, _column in mapper.columns.items()]
    before = {key: getattr(record, key) for key in keys}
    hostile = {key: "1" for key in keys if key not in offered}
    hostile |= {"is_system": "1", "password_hash": "x", "must_change_password": "", "source": "x"}
    hostile |= {"created_by_id": "1", "deleted_at": "2020-01-01", "custom": "{}", "_method": "PUT"}
    sent = {key: value for key, value in hostile.items() if key not in form}
    sent = {**form.to_dict(flat=False), **sent}
    answer = client.post(f"/{entity}/edit/?id={record.id}", data=sent)
    assert answer.status_code == 302, words_of(answer)[-400:]
    kept = access.find(model, record.id, people.system)
    changed = {key for key in before if getattr(kept, key) != before[key]}
    assert changed - {"version", "updated_at", "updated_by_id"} <= offered, changed - offered
    for key in ("id", "created_at", "created_by_id", "deleted_at"):
        assert getattr(kept, key) == before[key]


def test_a_hidden_or_kept_field_is_not_written_by_any_door(acme, limited, people, client_of):
    """Attack 24: the form, and the one way of writing under it, which imports use too."""
    client = client_of(people.dev)
    for word in ("read", "masked", "hidden"):
        limited("customers", phone=word)
        form = form_of(client.get(f"/customers/edit/?id={acme.id}"))
        assert "phone" not in form
        answer = client.post(f"/customers/edit/?id={acme.id}", data={**form, "phone": "1"})
        assert answer.status_code == 302
        assert access.find(Customer, acme.id, people.system).phone == SECRET
        with pytest.raises(Denied), records.transaction("tests"):
            records.change(access.find(Customer, acme.id, people.dev), {"phone": "1"}, people.dev)
        assert access.find(Customer, acme.id, people.system).phone == SECRET
    limited("customers", phone="")
    form = form_of(client.get(f"/customers/edit/?id={acme.id}"))
    client.post(f"/customers/edit/?id={acme.id}", data={**form, "phone": "1"})
    assert access.find(Customer, acme.id, people.system).phone == "1"


def test_who_comes_second_is_not_told_what_the_first_typed_there(acme, limited, people, client_of):
    """Attack 17: the page of a conflict tells no hidden change."""
    limited("customers", phone="hidden")
    client, other = client_of(people.dev), client_of(people.eve)
    there = f"/customers/edit/?id={acme.id}"
    mine, theirs = form_of(client.get(there)), form_of(other.get(there))
    theirs |= {"phone": "5550199887", "city": "Nowhere"}
    assert other.post(there, data=theirs).status_code == 302
    told = client.post(there, data={**mine, "notes": "x"})
    assert "Nowhere" in told.text
    assert "5550199887" not in told.text


def test_a_hidden_owner_is_told_by_no_page(acme, limited, people, client_of):
    """Attack 17: whose a record is, on the supervisor's page and where rights are explained."""
    client = client_of(people.dev)
    explained = f"/explain/?user={people.ana.id}&entity=customers&record={acme.id}"
    listed = "/completeness/?entity=customers"
    assert "Cho" in words_of(client.get(explained))
    assert "Cho" in words_of(client.get(listed))
    assert "Acme" not in client.get(f"{listed}&person={people.ana.id}").text
    limited("customers", account_manager_id="hidden")
    assert "Cho" not in words_of(client.get(explained))
    assert "Cho" not in words_of(client.get(listed))
    for person in (people.ana, people.cho):  # nor by asking for one after another
        assert "Acme" in client.get(f"{listed}&person={person.id}").text


def test_who_may_not_see_peoples_roles_is_not_told_them_by_explanation(limited, people, client_of):
    """Attack 17."""
    client, there = client_of(people.dev), f"/explain/?user={people.ana.id}"
    assert "Sales" in words_of(client.get(there))
    assert there in client.get(f"/users/details/?id={people.ana.id}").text
    limited("users", roles="hidden")
    assert client.get(there).status_code == 404
    assert client.get("/rights-cases/").status_code == 404
    assert there not in client.get(f"/users/details/?id={people.ana.id}").text


def test_where_somebody_works_is_not_told_by_explanation(acme, limited, people, client_of):
    """Attack 17."""
    client = client_of(people.dev)
    there = f"/explain/?user={people.ana.id}&entity=customers&record={acme.id}"
    assert "Cho · South" in words_of(client.get(there))
    limited("users", department_id="hidden")
    assert "South" not in words_of(client.get(there)).partition("What they may do")[2]
    assert "Cho" in words_of(client.get(there))


def test_a_check_of_rights_names_no_record_out_of_sight(acme, people):
    """Attack 17: what would no longer hold is told to who changes roles, whatever they see."""
    personnel = make_role("personnel", people, people.fay)
    with records.transaction("tests"):
        rights_cases.keep(people.cho, Customer, acme, "view", people.dev)
        records.change(organisation.role("sales"), {"grants": {}}, people.system)
        told = {}
        for actor in (people.dev, people.fay):
            with pytest.raises(Invalid) as refused:
                rights_cases.check(actor)
            [problem] = refused.value.problems
            told[actor.username] = problem.values["record"]
    assert told == {"dev": " · Acme", "fay": f" · #{acme.id}"}
    assert personnel is not None


def make_role(code, people, *held):
    from crm_admin.models.roles import Role

    grants = {"roles": {"view": "all", "edit": "all"}, "users": {"view": "all"}}
    role = make(Role, code=code, label_en=code, grants=grants)
    for user in held:
        with records.transaction("tests"):
            records.change(user, {"roles": [role]}, people.system)
    return role


def test_who_was_given_a_record_to_change_cannot_take_it(people, client_of):
    """Attacks 13, 25: the right to say whose a record is reaches as far as it was given."""
    theirs = make(Customer, name="Theirs", account_manager_id=people.cho.id)
    mine = make(Customer, name="Mine", account_manager_id=people.ana.id)
    with records.transaction("tests"):
        sharing.share(theirs, people.ben.id, people.cho, may_edit=True, until_on=None)
    client = client_of(people.ben)

    def take(record, key):
        there = f"/customers/edit/?id={record.id}"
        form = {**form_of(client.get(there)), key: str(people.ben.id)}
        answer = client.post(there, data=form)
        kept = access.find(Customer, record.id, people.system)
        return answer.status_code, getattr(kept, f"{key}_id")

    assert take(theirs, "technical_manager") == (200, None)
    assert take(mine, "technical_manager") == (302, people.ben.id)  # of the north, as Ben
    assert take(theirs, "account_manager") == (302, people.cho.id)  # not asked by the form
    assert take(mine, "account_manager") == (302, people.ana.id)
    with pytest.raises(Denied), records.transaction("tests"):
        records.change(theirs, {"account_manager_id": people.ben.id}, people.ben)
    db.session.expire_all()
    assert access.find(Customer, theirs.id, people.system).account_manager_id == people.cho.id
    there = f"/customers/edit/?id={theirs.id}"
    answer = client.post(there, data={**form_of(client.get(there)), "city": "Nowhere"})
    assert answer.status_code == 302
    assert access.find(Customer, theirs.id, people.system).city == "Nowhere"


def test_a_relation_that_is_hidden_is_no_filter_for_who_it_leads_to(limited, people, client_of):
    """Attacks 19, 21: the lookup of a hidden relation is no longer there."""
    make(Contract, customer=make(Customer, name="Acme"), owner_id=people.ana.id)
    client, there = client_of(people.dev), "/contracts/ajax/lookup/?name=owner&query="
    assert client.get(there).status_code == 200
    limited("contracts", owner_id="hidden")
    assert client.get(there).status_code == 404


def test_a_message_about_what_is_wrong_holds_nothing_of_another_record(people, client_of):
    """Attack 17: that a number is taken is said, not by whom."""
    other = make(User, username="taken", name="Secret Name", phone=SECRET)
    client = client_of(people.dev)
    form = form_of(client.get("/users/new/"))
    form |= {"username": "taken", "name": "New"}
    answer = client.post("/users/new/", data=form)
    assert "Another record has this already." in words_of(answer)
    assert organisation.by_username("taken").name == "Secret Name"
    assert "Secret Name" not in answer.text and SECRET not in answer.text
    assert other is not None


def test_what_a_list_shows_of_contacts_is_limited_wherever_they_are_shown(
    acme, limited, people, client_of
):
    """Attack 17: the tab on the customer's page, the search and the export of another kind."""
    make(Contact, name="Zoe", mobile="5559990001", email="zoe@secret.example", customer=acme)
    client = client_of(people.dev)
    ways = (f"/customers/details/?id={acme.id}", "/contacts/", "/contacts/export/csv/")
    assert any("5559990001" in client.get(way).text for way in ways)
    limited("contacts", mobile="hidden", email="masked")
    for way in (*ways, "/search/?query=Zoe", "/search/?query=5559990001"):
        text = client.get(way, follow_redirects=True).text
        assert "zoe@secret.example" not in text, way
        assert "5559990001" not in text.partition("<main")[2].replace("“5559990001”", ""), way
