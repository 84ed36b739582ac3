"""Writing down what passed with a customer."""

from datetime import timedelta

import pytest

from crm_admin import clock
from crm_admin.database import db
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.models.notifications import Notification
from crm_admin.services import closing, records
from tests.make import make
from tests.pages import form_of
from tests.services.test_closing import close, closed, written


@pytest.mark.parametrize("who", ["ana", "ben", "dev", "eve"])
def test_whoever_writes_an_interaction_down_is_its_author(who, people, client_of):
    customer = make(Customer, account_manager_id=people.ana.id)
    writer = getattr(people, who)
    client, address = client_of(writer), f"/interactions/new/?customer={customer.id}"
    offered = 'name="author"' in client.get(address).text
    typed = {"customer": customer.id, "happened_at": "2026-03-01T10:00", "content": "Called"}
    typed |= {"author": writer.id} if offered else {}
    assert client.post(address, data=typed).status_code == 302
    kept = db.session.query(Interaction).one()
    assert (kept.author_id, kept.customer_id, kept.content) == (writer.id, customer.id, "Called")


@pytest.mark.parametrize("who", ["ana", "ben", "eve"])
def test_whoever_claims_an_expense_by_its_form_is_its_claimant(who, people, client_of):
    claimant = getattr(people, who)
    typed = {"amount": "12.50", "currency": "CNY", "spent_on": "2026-03-01", "purpose": "Taxi"}
    client = client_of(claimant)
    if 'name="claimant"' in client.get("/expenses/new/").text:
        typed["claimant"] = claimant.id
    answer = client.post("/expenses/new/", data=typed)
    assert answer.status_code == 302


# Closing, correcting and opening again, on the pages.


def fresh(record):
    db.session.rollback()
    db.session.refresh(record)
    return record


def new_form(client, customer, quick="&quick=1"):
    return form_of(client.get(f"/interactions/new/?customer={customer.id}{quick}"))


WHOLE = {
    "kind": "visit",
    "place": "There",
    "content": "Showed it",
    "effect": "Liked it",
    "next_step": "None",
}


@pytest.fixture
def acme(people):
    customer = make(Customer, name="Acme", city="Wuhan", account_manager_id=people.ana.id)
    make(Contact, customer=customer, name="Second")
    make(Contact, customer=customer, name="First", is_primary=True)
    return customer


def test_a_short_form_begins_with_what_most_likely_holds(acme, people, client_of):
    ana = client_of(people.ana)
    form = new_form(ana, acme)
    assert form["place"] == "Wuhan"
    assert db.session.get(Contact, int(form["contact"])).name == "First"
    sent = form | {}
    sent |= WHOLE | {"_close": "1"}
    answer = ana.post(f"/interactions/new/?customer={acme.id}&quick=1&url=/customers/", data=sent)
    assert (answer.status_code, answer.location) == (302, "/customers/")
    kept = db.session.query(Interaction).one()
    assert (kept.closed_by_id, kept.author_id) == (people.ana.id, people.ana.id)
    again = new_form(ana, acme)
    assert (again["kind"], again["place"]) == ("visit", "There")


def test_what_is_missing_is_said_and_what_was_typed_stays(acme, people, client_of):
    ana = client_of(people.ana)
    form = new_form(ana, acme)
    form |= WHOLE | {"effect": "", "_close": "1"}
    answer = ana.post(f"/interactions/new/?customer={acme.id}&quick=1", data=form)
    assert answer.status_code == 200
    assert "This must be filled in before it is closed." in answer.text
    assert "Showed it" in answer.text
    assert db.session.query(Interaction).count() == 0
    form |= {"effect": "Liked it"}
    assert ana.post("/interactions/new/", data=form).status_code == 302
    assert db.session.query(Interaction).one().closed_at is not None


def test_saving_alone_leaves_it_open(acme, people, client_of):
    ana = client_of(people.ana)
    form = new_form(ana, acme, "")
    form |= {"content": "Called"}
    assert ana.post("/interactions/new/", data=form).status_code == 302
    kept = db.session.query(Interaction).one()
    assert kept.status == "open"
    page = ana.get(f"/interactions/details/?id={kept.id}").text
    assert "/interactions/close/" in page
    assert (
        "/interactions/close/"
        not in client_of(people.ben).get(f"/interactions/details/?id={kept.id}").text
    )


def test_the_last_ones_by_anyone_seen_stand_beside_the_form(acme, people, client_of):
    make(Interaction, customer=acme, author_id=people.ben.id, content="Ben was there")
    ana, cho = client_of(people.ana), client_of(people.cho)
    assert "Ben was there" in ana.get(f"/interactions/new/?customer={acme.id}").text
    part = f"/interactions/ajax/last_ones/?customer={acme.id}"
    assert "Ben was there" in ana.get(part).text
    assert "<html" not in ana.get(part).text
    assert "Ben was there" not in cho.get(part).text
    nobodys = cho.get("/interactions/ajax/last_ones/?customer=99999")
    assert (nobodys.status_code, nobodys.text) == (200, cho.get(part).text)
    assert "Ben was there" not in ana.get("/interactions/new/").text


def test_the_page_closes_it_or_leads_to_what_is_missing(people, client_of):
    lacks, whole = make(Interaction, author_id=people.ana.id), written(people)
    ana = client_of(people.ana)
    sent = {"id": lacks.id, "version": lacks.version}
    answer = ana.post("/interactions/close/", data=sent, follow_redirects=True)
    assert answer.text.count("This must be filled in before it is closed.") >= 5
    assert fresh(lacks).closed_at is None
    sent = {"id": whole.id, "version": whole.version}
    page = ana.post("/interactions/close/", data=sent, follow_redirects=True).text
    assert fresh(whole).closed_at is not None
    assert "What is wrong in it, a correction says." in page
    assert f"/interactions/edit/?id={whole.id}" not in page


def test_several_are_closed_at_once_and_the_others_named(people, client_of):
    mine, lacks = written(people), make(Interaction, author_id=people.ana.id, content="Bare")
    bens = written(people, author=people.ben, content="Not hers", customer=mine.customer)
    data = {"action": "close", "rowid": [mine.id, lacks.id, bens.id]}
    page = client_of(people.ana).post("/interactions/action/", data=data, follow_redirects=True)
    assert "1 interaction closed." in page.text
    assert "Bare: Still missing: Contact, Kind, Place" in page.text
    assert "Not hers: Who wrote it closes it" in page.text
    assert [bool(fresh(one).closed_at) for one in (mine, lacks, bens)] == [True, False, False]


def test_a_closed_one_is_not_changed_by_its_form(people, client_of):
    record, ana = written(people), client_of(people.ana)
    form = form_of(ana.get(f"/interactions/edit/?id={record.id}"))
    close(record, people.ana)
    form |= {"content": "Other words"}
    answer = ana.post(f"/interactions/edit/?id={record.id}", data=form)
    assert "It was closed" in answer.text
    assert fresh(record).content == "Showed the catalogue"
    opened = ana.get(f"/interactions/edit/?id={record.id}")
    assert opened.location.startswith("/interactions/details/")
    gone = ana.post("/interactions/delete/", data={"id": record.id}, follow_redirects=True)
    assert "It was closed" in gone.text
    assert fresh(record).deleted_at is None


def test_a_correction_stands_on_the_page(people, client_of):
    record, ana = closed(people), client_of(people.ana)
    data = {"id": record.id, "text": "It was <b>Tuesday</b>."}
    page = ana.post("/interactions/correct/", data=data, follow_redirects=True).text
    assert "It was &lt;b&gt;Tuesday&lt;/b&gt;." in page
    assert (
        "/interactions/correct/"
        not in client_of(people.fay).get(f"/interactions/details/?id={record.id}").text
    )
    timeline = ana.get(f"/customers/details/?id={record.customer_id}").text
    assert "It was &lt;b&gt;Tuesday&lt;/b&gt;." in timeline


def test_the_pages_open_it_again_by_two(people, client_of, app):
    record, ana, ben = closed(people), client_of(people.ana), client_of(people.ben)
    here = f"/interactions/details/?id={record.id}"
    assert "ask_reopening" not in ana.get(here).text
    app.config["REOPENING"] = True
    try:
        assert "ask_reopening" in ana.get(here).text
        ana.post("/interactions/ask_reopening/", data={"id": record.id, "reason": "Wrong day"})
        assert "answer_reopening" not in ana.get(here).text
        assert "Wrong day" in ben.get(here).text
        sent = {"id": record.id, "agreed": "1"}
        assert ana.post("/interactions/answer_reopening/", data=sent).status_code == 403
        ben.post("/interactions/answer_reopening/", data=sent)
    finally:
        app.config["REOPENING"] = False
    assert fresh(record).closed_at is None


def test_the_message_of_the_morning_leads_to_the_list(people, client_of):
    written(people)
    with records.transaction("tests"):
        closing.list_to_supervisors(clock.latest_day() + timedelta(days=2))
    ben = client_of(people.ben)
    assert "1 interactions of your people" in ben.get("/inbox/").text or "1 interaction" in (
        ben.get("/inbox/").text
    )
    message = db.session.query(Notification).filter_by(user_id=people.ben.id).one()
    answer = ben.get(f"/inbox/open/?id={message.id}")
    assert answer.location.startswith("/interactions/?status.is=open&written_on.to=")
    assert "Showed the catalogue" in ben.get(answer.location).text
