"""Lists: what their filters say and find, and what several records at once are told."""

from datetime import UTC, datetime

from crm_admin.database import db
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.promotion_materials import PromotionMaterial
from crm_admin.models.rules import Rule
from crm_admin.services import listing, records
from crm_admin.services.listing import Question
from tests.make import make


def test_a_filter_for_what_is_empty_names_no_value(people, client_of):
    make(Customer, name="First")
    page = client_of(people.dev).get("/customers/?account_manager.empty=1&grade.filled=1").text
    assert "Account manager is empty<" in page
    assert "Grade is filled in<" in page


def test_a_day_that_it_is_not_leaves_out_that_day_only(people):
    for day in (1, 2, 3):
        make(Customer, name=str(day), created_at=datetime(2026, 1, day, 12, tzinfo=UTC))

    def found(operation):
        asked = Question(filters=(("created_at", operation, "2026-01-02"),))
        return {row[1] for row in listing.page(Customer, people.dev, asked, ["name"]).rows}

    assert found("not") == {"1", "3"}
    assert found("is") == {"2"}
    assert found("to") == {"1", "2"}
    assert found("from") == {"2", "3"}


def test_me_is_a_person_and_no_customer(people):
    customers = [make(Customer) for _ in range(people.dev.id + 1)]
    for customer in customers:
        make(Contact, customer=customer)
    asked = Question(filters=(("customer", "is", "me"),))
    assert listing.page(Contact, people.dev, asked, ["name"]).count == 0


def test_of_several_records_the_one_that_must_stay_is_named(people, client_of):
    free, used = make(Customer, name="Free"), make(Customer, name="Used & Co")
    make(Contact, customer=used)
    sent = {"action": "delete", "rowid": [free.id, used.id, free.id]}
    page = client_of(people.dev).post("/customers/action/", data=sent, follow_redirects=True)
    assert "Used &amp; Co: It is still used by 1 records: Contacts." in page.text
    db.session.rollback()
    assert free.deleted_at is None
    with records.transaction("tests"):
        records.delete(used.id and db.session.query(Contact).one(), people.dev)
    client_of(people.dev).post("/customers/action/", data=sent)
    db.session.rollback()
    assert free.deleted_at is not None
    assert used.deleted_at is not None


def test_what_is_missing_is_added_to_the_record_that_misses_it(people, client_of):
    material = make(PromotionMaterial)
    entity = {"entity": "promotion_materials", "parameter": "material_movements"}
    make(Rule, field_key="material_movements", kind="related", **entity)
    page = client_of(people.dev).get(f"/promotion_materials/details/?id={material.id}").text
    assert f"/material_movements/new/?material={material.id}" in page


def test_people_are_searched_and_what_cannot_be_searched_offers_no_search(people, client_of):
    dev = client_of(people.dev)
    for path, words, hit in (
        ("users", "cho", "Cho"),
        ("departments", "sou", "South"),
        ("roles", "审计", "Read-only auditor"),
        ("picklists", "industr", "Industries"),
    ):
        page = dev.get(f"/{path}/?search={words}").text
        assert "1 record<" in page, path
        assert hit in page, path
    assert 'role="search"' not in dev.get("/rules/").text.partition("data-toolbar")[2]


def test_a_page_beyond_the_end_is_the_last(people, client_of):
    for number in range(21):
        make(Customer, name=f"Number {number:02}")
    page = client_of(people.dev).get("/customers/?page=99&size=20&sort=name").text
    assert "Number 20" in page
    assert "Number 19" not in page


def test_who_cannot_delete_a_record_stays_on_it_and_hears_why(people, client_of):
    acme = make(Customer, name="Acme")
    make(Contact, customer=acme)
    sent = {"id": acme.id, "url": "/customers/"}
    answer = client_of(people.dev).post("/customers/delete/", data=sent, follow_redirects=True)
    assert answer.request.path == "/customers/details/"
    assert "Acme: It is still used by 1 records: Contacts." in answer.text
