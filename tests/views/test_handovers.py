"""Handing customers over, as people do it on the pages."""

import io

import pytest
from sqlalchemy import select

from crm_admin.database import db
from crm_admin.models.contacts import Contact
from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Customer
from crm_admin.models.handovers import Handover
from crm_admin.models.users import User
from crm_admin.services import attachments, handover_plans, records
from tests.make import make
from tests.pages import form_of, words_of
from tests.services.test_access import give

PATH = "/customers/hand_over/"


@pytest.fixture
def acme(people):
    return make(Customer, name="Acme", account_manager_id=people.ana.id)


def items_of(page):
    return page.text.split('name="items" value="')[1].split('"')[0]


def hand(client, items, to, reason="New districts", **more):
    sent = {"items": items, "to": to and to.id, "reason": reason, **more}
    return client.post(PATH, data={k: v for k, v in sent.items() if v is not None})


def now(record):
    db.session.expire_all()
    return record


def test_one_is_handed_over_from_its_page_after_a_question(people, client_of, acme):
    make(Contract, customer=acme, owner_id=people.ana.id)
    ben = client_of(people.ben)
    assert f'href="{PATH}?id={acme.id}"' in ben.get(f"/customers/details/?id={acme.id}").text
    page = ben.get(f"{PATH}?id={acme.id}")
    assert "Customers 1 Contracts 1 Acme" in words_of(page)
    items = items_of(page)
    page = hand(ben, items, people.cho)
    assert "Please confirm" in words_of(page)
    assert now(acme).account_manager_id == people.ana.id, "not before it is confirmed"
    answer = hand(ben, items, people.cho, confirmed="1")
    assert answer.status_code == 302
    assert now(acme).account_manager_id == people.cho.id
    page = ben.get(answer.location)
    assert "1 customer handed over. Contracts: 1" in words_of(page)
    assert "Handed over by Ben To whom Cho" in words_of(page)
    assert "New districts" in words_of(page)


def test_the_customers_page_tells_of_each_handover(people, client_of, acme):
    hand(client_of(people.dev), items_of(client_of(people.dev).get(f"{PATH}?id={acme.id}")),
         people.cho, "Ana is ill", confirmed="1")  # fmt: skip
    id = db.session.scalar(select(Handover.id))
    page = client_of(people.cho).get(f"/customers/details/?id={acme.id}")
    assert "Dev Ana is ill" in words_of(page)
    assert f"/customers/handover/?id={id}" not in page.text
    page = client_of(people.dev).get(f"/customers/details/?id={acme.id}")
    assert f"/customers/handover/?id={id}" in page.text
    hidden = {"customers": {"account_manager_id": "hidden"}}
    give(people.eve, {"customers": {"view": "all"}}, fields=hidden)
    assert "Ana is ill" not in client_of(people.eve).get(f"/customers/details/?id={acme.id}").text


def test_what_is_wrong_stands_beside_its_field(people, client_of, acme):
    ben = client_of(people.ben)
    items = items_of(ben.get(f"{PATH}?id={acme.id}"))
    twin = make(User, name="Twin")
    gone = make(User, name="Gone", is_active=False)
    for to, reason, told in (
        (None, "Because", "Please choose somebody."),
        (people.cho, " ", "Say why: the history keeps it."),
        (twin, "Because", "Twin may not see customers."),
        (gone, "Because", "Gone may not sign in."),
        (people.ana, "Because", "Ana looks after them already."),
        (people.system, "Because", "System may not sign in."),
    ):
        page = hand(ben, items, to, reason, confirmed="1")
        assert page.status_code == 200
        assert told in words_of(page), told
    page = ben.post(PATH, data={"items": items, "to": "99999", "reason": "x", "confirmed": "1"})
    assert "Not a valid choice." in words_of(page)
    assert now(acme).account_manager_id == people.ana.id
    assert hand(ben, items, people.cho, confirmed="1").status_code == 302


def test_a_warning_tells_of_more_customers_than_one_should_have(people, client_of, acme):
    with records.transaction("tests"):
        records.change(people.cho, {"customer_limit": 1}, people.dev)
    make(Customer, account_manager_id=people.cho.id)
    ben = client_of(people.ben)
    items = items_of(ben.get(f"{PATH}?id={acme.id}"))
    warned = "Cho would look after 2 customers; 1 should be the most."
    assert warned in words_of(hand(ben, items, people.cho))
    assert warned not in words_of(hand(ben, items, people.ben))
    assert hand(ben, items, people.cho, confirmed="1").status_code == 302, "it is a warning only"


@pytest.mark.parametrize(
    ("who", "status"), [("ana", 403), ("cho", 404), ("fay", 403), ("ben", 200), ("dev", 200)]
)
def test_who_may_not_assign_it_cannot_hand_it_over(people, client_of, acme, who, status):
    client = client_of(getattr(people, who))
    status_of_page = 403 if who == "cho" else status  # who may assign none, is told so at the door
    assert client.get(f"{PATH}?id={acme.id}").status_code == status_of_page
    forged = f"{acme.id}.0.{people.ana.id}"
    answer = hand(client, forged, people.cho, confirmed="1")
    assert answer.status_code == (302 if status == 200 else 403)
    expected = people.cho.id if status == 200 else people.ana.id
    assert now(acme).account_manager_id == expected
    button = f'href="{PATH}?id={acme.id}"'
    page = client.get(f"/customers/details/?id={acme.id}")
    assert (button in page.text) is (who == "dev")  # Ben has just lost sight of it


def test_a_foreign_customer_or_a_wrong_number_is_not_there(people, client_of, acme):
    south = make(Customer, name="South", account_manager_id=people.cho.id)
    ben = client_of(people.ben)
    for id in (south.id, 9999, "x", "", 2**40):
        assert ben.get(f"{PATH}?id={id}").status_code == 404
        assert ben.get(f"{PATH}?from={id}").status_code in (302, 404)
    assert ben.get("/customers/handover/?id=9999").status_code == 404
    page = hand(ben, f"{south.id}.0.{people.cho.id} 9999.0.0 7.9.1 x", people.ben, confirmed="1")
    assert page.status_code == 302
    assert "There is nothing here that you may hand over." in ben.get("/customers/").text
    assert now(south).account_manager_id == people.cho.id
    assert hand(ben, "", people.ben, confirmed="1").status_code == 302


def test_the_chosen_rows_of_a_list_are_handed_over(people, client_of, acme):
    other, south = (
        make(Customer, account_manager_id=people.ana.id),
        make(Customer, account_manager_id=people.cho.id),
    )
    ben = client_of(people.ben)
    chosen = {"action": "hand_over", "rowid": [acme.id, other.id]}
    page = ben.post("/customers/action/", data=chosen)
    assert "Hand over 2 customers" in words_of(page)
    assert hand(ben, items_of(page), people.cho, confirmed="1").status_code == 302
    assert now(acme).account_manager_id == now(other).account_manager_id == people.cho.id
    chosen["rowid"] = [south.id]
    assert ben.post("/customers/action/", data=chosen).status_code == 404
    for who, status in (("ana", 403), ("fay", 403)):
        answer = client_of(getattr(people, who)).post("/customers/action/", data=chosen)
        assert answer.status_code == status


def test_all_that_a_filter_finds_is_handed_over_as_it_was_shown(people, client_of, acme):
    make(Customer, name="Far", city="Oslo", account_manager_id=people.cho.id)
    near = make(Customer, name="Near", city="Oslo", account_manager_id=people.ana.id)
    late = make(Customer, name="Late", city="Oslo", account_manager_id=people.ana.id)
    ben = client_of(people.ben)
    found = ben.get("/customers/?city.is=Oslo")
    assert f"{PATH}?city.is=Oslo&amp;all=1" in found.text
    page = ben.get(f"{PATH}?city.is=Oslo&all=1")
    assert "Hand over 2 customers" in words_of(page)
    assert "Far" not in page.text
    with records.transaction("tests"):
        records.change(late, {"account_manager": people.ben}, people.dev)
    newer = make(Customer, name="Newer", city="Oslo", account_manager_id=people.ana.id)
    page = hand(ben, items_of(page), people.cho, confirmed="1")
    assert "Not done 1" in words_of(page)
    assert "Late Somebody else changed who looks after it meanwhile." in words_of(page)
    managers = {c.name: now(c).account_manager_id for c in (near, late, newer, acme)}
    ana, ben_id = people.ana.id, people.ben.id
    assert managers == {"Near": people.cho.id, "Late": ben_id, "Newer": ana, "Acme": ana}


def test_too_many_at_once_are_refused(people, client_of, acme, monkeypatch):
    from crm_admin.views import handovers as pages

    make(Customer, account_manager_id=people.ana.id)
    monkeypatch.setattr(pages, "MOST", 1)
    monkeypatch.setattr(handover_plans, "MOST", 1)
    answer = client_of(people.dev).get(f"{PATH}?all=1", follow_redirects=True)
    assert "These are more than 1 customers" in words_of(answer)


def test_everything_of_a_leaver_is_handed_over_from_their_page(people, client_of, acme):
    tech = make(Customer, name="Tech", technical_manager_id=people.ana.id)
    dev = client_of(people.dev)
    assert (
        f'href="{PATH}?from={people.ana.id}"' in dev.get(f"/users/details/?id={people.ana.id}").text
    )
    page = dev.get(f"{PATH}?from={people.ana.id}")
    words = words_of(page)
    assert "Hand over everything of Ana" in words
    assert "Customers 2 Account manager 1 Technical manager 1" in words
    answer = hand(dev, items_of(page), people.cho, confirmed="1", **{"from": people.ana.id})
    assert answer.status_code == 302
    assert now(acme).account_manager_id == now(tech).technical_manager_id == people.cho.id
    page = dev.get(f"{PATH}?from={people.ana.id}", follow_redirects=True)
    assert "There is nothing here that you may hand over." in words_of(page)
    page = client_of(people.fay).get(f"/users/details/?id={people.ana.id}")
    assert "Hand over everything" not in page.text


def test_a_handover_is_taken_back_from_its_page(people, client_of, acme):
    ben = client_of(people.ben)
    items = items_of(ben.get(f"{PATH}?id={acme.id}"))
    hand(ben, items, people.cho, confirmed="1")
    id = db.session.scalar(select(Handover.id))
    for who in ("ana", "cho", "fay"):
        assert (
            client_of(getattr(people, who)).get(f"/customers/handover/?id={id}").status_code == 403
        )
        answer = client_of(getattr(people, who)).post("/customers/take_back/", data={"id": id})
        assert answer.status_code == 403
    assert "Take back" in ben.get(f"/customers/handover/?id={id}").text
    assert ben.post("/customers/take_back/", data={"id": 9999}).status_code == 404
    page = ben.post("/customers/take_back/", data={"id": id})
    assert "1 customer went back." in words_of(page)
    assert now(acme).account_manager_id == people.ana.id
    page = ben.post("/customers/take_back/", data={"id": id})
    assert "This was taken back before." in words_of(page)
    assert 'action="/customers/take_back/"' not in ben.get(f"/customers/handover/?id={id}").text


def test_another_supervisor_does_not_see_a_handover_that_is_not_theirs(people, client_of, acme):
    ben = client_of(people.ben)
    hand(ben, items_of(ben.get(f"{PATH}?id={acme.id}")), people.cho, confirmed="1")
    id = db.session.scalar(select(Handover.id))
    give(people.fay, {"customers": {"view": "all", "assign": "below"}})
    with records.transaction("tests"):
        records.change(people.fay, {"department": people.cho.department}, people.dev)
    fay = client_of(people.fay)
    assert fay.get(f"/customers/handover/?id={id}").status_code == 404
    assert fay.post("/customers/take_back/", data={"id": id}).status_code == 404


def test_every_address_the_old_owner_kept_leads_nowhere(app, people, client_of, acme):
    contact = make(Contact, name="Quokka", customer=acme)
    contract = make(Contract, title_text="Quokka deal", customer=acme, owner_id=people.ana.id)
    files = [
        attachments.store(
            record, "kept.txt", io.BytesIO(b"kept"), people.system,
            instance=attachments.Path(app.config["INSTANCE"]), limit=1000,
        ).id
        for record in (acme, contract)
    ]  # fmt: skip
    gone = [f"/attachments/{id}" for id in files]
    for stem, record in (("customers", acme), ("contacts", contact), ("contracts", contract)):
        gone += [f"/{stem}/{page}/?id={record.id}" for page in ("details", "edit")]
    empty = [
        "/customers/", "/customers/?search=acme", "/customers/?account_manager.is=me",
        "/customers/export/csv/", "/contacts/", f"/contacts/?customer.is={acme.id}",
        "/contacts/export/csv/", "/contracts/", f"/contracts/?customer.is={acme.id}",
        "/contracts/export/csv/", "/search/?query=acme", "/search/?query=quokka",
        "/contacts/ajax/lookup/?name=customer&query=acme",
        "/contracts/ajax/lookup/?name=customer&query=acme",
    ]  # fmt: skip
    ana, shown = client_of(people.ana), f"?id={acme.id}"
    assert {ana.get(address).status_code for address in gone} == {200}
    assert any("Acme" in ana.get(address).text for address in empty)
    ben = client_of(people.ben)
    hand(ben, items_of(ben.get(f"{PATH}{shown}")), people.cho, confirmed="1")
    assert {ana.get(address).status_code for address in gone} == {404}
    for address in empty:
        text = ana.get(address).text
        assert "Acme" not in text, address
        assert "Quokka" not in text, address
    for address in (
        f"/customers/edit/{shown}",
        "/customers/delete/",
        f"/customers/release/{shown}",
    ):
        assert ana.post(address, data={"id": acme.id, "name": "Mine"}).status_code == 404
    cho = client_of(people.cho)
    assert {cho.get(address).status_code for address in gone} == {200}


def test_the_inbox_leads_the_new_owner_to_the_customer(people, client_of, acme):
    ben, cho = client_of(people.ben), client_of(people.cho)
    other = make(Customer, account_manager_id=people.ana.id)
    hand(ben, items_of(ben.get(f"{PATH}?id={acme.id}")), people.cho, "Why", confirmed="1")
    page = cho.get("/inbox/")
    assert f'href="/customers/details/?id={acme.id}"' in page.text
    assert "Ben handed Acme over to you. Reason: Why" in words_of(page)
    again = make(Customer, account_manager_id=people.ana.id)
    chosen = {"action": "hand_over", "rowid": [other.id, again.id]}
    items = items_of(ben.post("/customers/action/", data=chosen))
    hand(ben, items, people.cho, confirmed="1")
    assert 'href="/customers/"' in cho.get("/inbox/").text
    page = client_of(people.ana).get("/inbox/")
    assert "Ben handed Acme over from you to Cho. Reason: Why" in words_of(page)
    assert f"?id={acme.id}" not in page.text


def test_who_looks_after_a_customer_changes_by_a_handover_with_its_reason_only(
    people, client_of, acme
):
    """Source: A6"""
    ben = client_of(people.ben)
    free = make(Customer, name="Free", technical_manager_id=people.ana.id)
    assert "account_manager" not in form_of(ben.get(f"/customers/edit/?id={acme.id}"))
    form = form_of(ben.get(f"/customers/edit/?id={acme.id}"))
    ben.post(f"/customers/edit/?id={acme.id}", data={**form, "account_manager": people.ben.id})
    assert now(acme).account_manager_id == people.ana.id
    assert "account_manager" in form_of(ben.get(f"/customers/edit/?id={free.id}"))
    page = ben.post("/customers/bulk_edit/", data={"ids": f"{acme.id} {free.id}"})
    assert 'value="technical_manager"' in page.text
    assert 'value="account_manager"' not in page.text
