"""The page of visits due, and the screen of cadences."""

from datetime import timedelta

from sqlalchemy import select

from crm_admin import clock
from crm_admin.database import db
from crm_admin.models.cadences import Cadence
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.services import zones
from tests.make import make
from tests.pages import form_of


def visited(owner, name, days):
    customer = make(Customer, name=name, grade="A", account_manager_id=owner.id)
    make(Interaction, customer=customer, author_id=owner.id, kind="visit",
         happened_at=clock.now() - timedelta(days=days))  # fmt: skip
    return customer


def test_the_page_names_whom_to_visit_and_leads_to_writing_and_planning(people, client_of):
    make(Cadence, name="A", grade="A", every_days=30)
    acme = visited(people.ana, "Acme", 40)
    visited(people.ana, "Recent", 3)
    text = client_of(people.ana).get("/visits/").text
    assert "Acme" in text and "10 days overdue" in text and "Recent" not in text
    assert f"/interactions/new/?customer={acme.id}&amp;kind=visit" in text
    planned = f"/events/new/?customer={acme.id}&kind=visit&starts_at={zones.today()}T10:00"
    assert planned.replace("&", "&amp;") in text
    form = form_of(client_of(people.ana).get(planned))
    assert (form["kind"], form["starts_at"]) == ("visit", f"{zones.today()}T10:00")
    assert "Recent" in client_of(people.ana).get("/visits/?ahead=30").text


def test_one_filters_by_person_among_those_one_sees(people, client_of):
    make(Cadence, name="A", grade="A", every_days=30)
    visited(people.ana, "Hers", 40)
    visited(people.cho, "Theirs", 50)
    client = client_of(people.dev)
    text = client.get("/visits/").text
    assert text.index("Theirs") < text.index("Hers"), "the worst first"
    assert "Theirs" not in client.get(f"/visits/?person={people.ana.id}").text
    assert "Theirs" not in client_of(people.ben).get(f"/visits/?person={people.cho.id}").text
    for nonsense in ("?page=99", "?person=x", "?ahead=1000", "?page=x"):
        assert client.get(f"/visits/{nonsense}").status_code == 200


def test_the_page_says_why_it_is_empty(people, client_of):
    assert "No cadence is set" in client_of(people.ana).get("/visits/").text
    make(Cadence, name="A", grade="A", every_days=30)
    assert "No visit is due" in client_of(people.ana).get("/visits/").text


def test_cadences_are_set_by_administrators_and_seen_by_supervisors(people, client_of):
    client = client_of(people.dev)
    form = form_of(client.get("/cadences/new/"))
    form["name"], form["grade"], form["every_days"] = "Key", "A", "14"
    ids = form.getlist("kinds")
    assert ids == []
    from crm_admin.services import cadences

    form.setlist("kinds", [str(item.id) for item in cadences.kinds() if item.code == "visit"])
    assert client.post("/cadences/new/", data=form).status_code == 302
    db.session.rollback()
    kept = db.session.scalar(select(Cadence))
    assert ([item.code for item in kept.kinds], kept.every_days) == (["visit"], 14)
    assert client_of(people.ben).get("/cadences/").status_code == 200
    assert client_of(people.ben).get("/cadences/new/").status_code == 403
    assert client_of(people.ana).get("/cadences/").status_code == 404
