"""One's own incomplete records, worked through one after the other."""

import re

import pytest

from crm_admin.database import db
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.findings import Finding
from crm_admin.services import records
from tests.make import make
from tests.pages import form_of, words_of

PATH = "/completeness/mine/"


@pytest.fixture
def firms(people):
    """Two customers of Ana's, the first of which lacks more, and one of Cho's."""
    more = {"fax": "010-62345679", "address": "1 High Street"}
    return [
        make(Customer, name="Empty", account_manager_id=people.ana.id),
        make(Customer, name="Half", account_manager_id=people.ana.id, **more),
        make(Customer, name="Theirs", account_manager_id=people.cho.id),
    ]


def typed(page, values):
    """Return what the page's form sends when this is typed into it."""
    form = form_of(page)
    form |= values
    return form


def listed(page):
    return [int(id) for id in re.findall(r'id="record-(\d+)"', page.text)]


def test_ones_own_are_there_worst_or_easiest_first(firms, people, client_of):
    empty, half, theirs = (firm.id for firm in firms)
    client = client_of(people.ana)
    assert listed(client.get(PATH)) == [empty, half]
    assert listed(client.get(f"{PATH}?order=easiest")) == [half, empty]
    assert listed(client_of(people.cho).get(PATH)) == [theirs]


def test_the_first_is_open_and_saving_leads_to_the_next(firms, people, client_of):
    empty, half, _theirs = firms
    client = client_of(people.ana)
    page = client.get(PATH)
    assert f'action="/customers/fill/?id={empty.id}"' in page.text
    form = typed(page, {"fax": "010-62345678"})
    answer = client.post(f"/customers/fill/?id={empty.id}", data=form)
    assert answer.status_code == 302
    assert f"open={half.id}" in answer.location
    assert empty.fax == "010-62345678"
    page = client.get(answer.location)
    assert f'action="/customers/fill/?id={half.id}"' in page.text
    answer = client.post(f"/customers/fill/?id={half.id}", data=form_of(page))
    assert f"open={empty.id}" in answer.location, "after the last comes the first again"


def test_none_is_open_where_none_is_asked_for(firms, people, client_of):
    page = client_of(people.ana).get(f"{PATH}?open=0")
    assert listed(page) == [firms[0].id, firms[1].id]
    assert "data-record-form" not in page.text


def test_somebody_elses_record_is_not_opened(firms, people, client_of):
    page = client_of(people.ana).get(f"{PATH}?open={firms[2].id}")
    assert f"id={firms[2].id}" not in page.text
    assert f'action="/customers/fill/?id={firms[0].id}"' in page.text


def test_entities_are_chosen_and_the_first_with_something_missing_is_shown(people, client_of):
    acme = make(Customer, account_manager_id=people.cho.id)
    client = client_of(people.ana)
    page = client.get(PATH)
    assert "Nothing is missing" in words_of(page)
    with records.transaction("tests"):
        records.change(acme, {"account_manager": people.ana}, people.dev)
    make(Contact, customer=acme, name="Li")
    page = client.get(f"{PATH}?entity=contacts")
    assert "Li" in words_of(page)
    assert "entity=customers" in page.text


def test_pages_hold_twenty(people, client_of):
    with records.transaction("tests"):
        for number in range(25):
            records.save(
                Customer(name=f"Firm {number}", account_manager_id=people.ana.id), people.system
            )
    client = client_of(people.ana)
    first, second = client.get(PATH), client.get(f"{PATH}?page=2")
    assert (len(listed(first)), len(listed(second))) == (20, 5)
    assert not set(listed(first)) & set(listed(second))
    form = form_of(second)
    assert "page=2" in form["url"]


def test_what_was_shown_to_its_owner_counts_as_seen(firms, people, client_of):
    def seen():
        db.session.rollback()
        return {f.record_id for f in db.session.query(Finding) if f.seen_at}

    client_of(people.ben).get(PATH)
    assert seen() == set()
    client_of(people.ana).get(PATH)
    assert seen() == {firms[0].id, firms[1].id}


def test_who_has_no_records_of_their_own_has_an_empty_page(firms, people, client_of):
    page = client_of(people.fay).get(PATH)
    assert page.status_code == 200
    assert "Nothing is missing" in words_of(page)
