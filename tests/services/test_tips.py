"""Today's tips: what each person's first page says, and to nobody else."""

from datetime import timedelta

import pytest

from crm_admin.models.cadences import Cadence
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.services import records, reminders, zones
from tests.make import make
from tests.pages import words_of
from tests.services.test_reviews import fail

LEFT_OPEN = "interaction of your people was not closed on its day"


@pytest.fixture
def acme(people):
    return make(Customer, name="Acme", account_manager_id=people.ana.id, grade="A")


@pytest.fixture
def talk(people, acme):
    """What Ana wrote down yesterday and did not close."""
    yesterday = zones.today() - timedelta(days=1)
    return make(
        Interaction, customer=acme, author=people.ana, content="Talked", written_on=yesterday
    )


def first_page(client_of, person):
    return words_of(client_of(person).get("/"))


def test_what_is_to_be_closed_is_told_to_its_author_and_who_supervises(talk, people, client_of):
    assert "1 of your interactions is to be closed" in first_page(client_of, people.ana)
    assert f"1 {LEFT_OPEN}" in first_page(client_of, people.ben)
    for other in (people.ana, people.cho, people.fay):
        assert LEFT_OPEN not in first_page(client_of, other)
    assert "to be closed" not in first_page(client_of, people.cho)


def test_what_is_told_of_several_is_in_the_plural(talk, people, acme, client_of):
    make(Interaction, customer=acme, author=people.ana, content="Again", written_on=talk.written_on)
    assert "2 of your interactions are to be closed" in first_page(client_of, people.ana)
    people_s = "2 interactions of your people were not closed on their day"
    assert people_s in first_page(client_of, people.ben)
    assert "您有 2 条交往记录待关闭" in words_of(
        client_of(people.ana).get("/", headers={"Accept-Language": "zh-CN"})
    )


def test_what_did_not_pass_is_told_to_who_wrote_it_until_it_is_put_right(talk, people, client_of):
    fail(talk, people.ben)
    assert "Did not pass: Talked" in first_page(client_of, people.ana)
    assert "Did not pass" not in first_page(client_of, people.ben)
    with records.transaction("tests"):
        records.change(talk, {"effect": "They will buy"}, people.ana)
    assert "Did not pass" not in first_page(client_of, people.ana)


def test_reminders_are_counted_until_they_are_heeded(talk, people, client_of):
    with records.transaction("tests"):
        reminders.remind(reminders.lacking_in(talk), people.ben)
    told = "You were reminded of 2 things"
    assert told in first_page(client_of, people.ana)
    assert "You were reminded" not in first_page(client_of, people.ben)


def test_a_visit_that_is_overdue_is_told_to_who_looks_after_the_customer(acme, people, client_of):
    make(Cadence, name="A", grade="A", every_days=30)
    with records.transaction("tests"):
        acme.created_at -= timedelta(days=90)
        records.save(acme, people.system)
    assert "1 visit is overdue, with Acme" in first_page(client_of, people.ana)
    assert "overdue" not in first_page(client_of, people.cho)
