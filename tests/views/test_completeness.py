"""The supervisor's page: figures, departments and the trend, as far as one sees what is behind."""

from datetime import timedelta

import pytest

from crm_admin import clock
from crm_admin.database import ask
from crm_admin.models.customers import Customer
from crm_admin.models.findings import DailyScore, Finding
from crm_admin.services import organisation, records, zones
from tests.make import make
from tests.pages import words_of

PATH = "/completeness/"


@pytest.fixture
def firms(people):
    """A customer of Ana's and one of Cho's, with four weeks of figures of both."""
    rows = [
        {
            "day": zones.today() - timedelta(days=days),
            "entity": "customers",
            "user_id": user.id,
            "department_id": user.department_id,
            "records": 1,
            "complete": 0,
            "percents": 50 - days,
        }
        for days in range(28)
        for user in (people.ana, people.cho)
    ]
    with records.transaction("tests"):
        ask(DailyScore.__table__.insert().values(rows))
    return (
        make(Customer, name="Mine", account_manager_id=people.ana.id),
        make(Customer, name="Theirs", account_manager_id=people.cho.id),
    )


def test_the_trend_is_drawn_with_its_words_and_leads_to_the_records(firms, people, client_of):
    north = organisation.department("north").id
    page = client_of(people.ben).get(PATH)
    assert "<polyline" in page.text
    assert "North: 23 % on" in page.text
    assert f"department={north}" in page.text
    assert "+27" in words_of(page)
    assert "South" not in words_of(page)


def test_departments_and_people_out_of_reach_are_not_named(firms, people, client_of):
    south = organisation.department("south").id
    client = client_of(people.ben)
    for asked in (f"?department={south}", f"?person={people.cho.id}"):
        page = client.get(PATH + asked)
        assert page.status_code == 200
        assert "Theirs" not in words_of(page)
        assert "South" not in words_of(page)
        assert "Cho" not in words_of(page)
    page = client_of(people.dev).get(f"{PATH}?department={south}")
    assert "Theirs" in words_of(page)
    assert "Mine" not in words_of(page)


def test_a_persons_trend_is_shown_to_who_supervises_them(firms, people, client_of):
    page = client_of(people.ben).get(f"{PATH}?person={people.ana.id}")
    assert "Ana: 23 % on" in page.text
    assert client_of(people.ana).get(f"{PATH}?person={people.ana.id}").status_code == 404


def test_what_reminders_led_to_is_counted(firms, people, client_of):
    table, now = Finding.__table__, clock.now()
    told = {
        "reminded_at": now - timedelta(days=5),
        "reminded_by_id": people.ben.id,
        "fixed_at": now - timedelta(days=2),
    }
    with records.transaction("tests"):
        for firm in firms:
            own = told | {"fixed_by_id": firm.account_manager_id}
            ask(table.update().where(table.c.record_id == firm.id).values(own))
    words = words_of(client_of(people.ben).get(PATH))
    assert "Put right after a reminder 7 100 %" in words
    assert "3 days" in words
    assert "Put right after a reminder 14 100 %" in words_of(client_of(people.dev).get(PATH))


def test_each_row_leads_to_the_small_form_and_back(firms, people, client_of):
    page = client_of(people.ben).get(PATH)
    assert f"/customers/fill/?id={firms[0].id}&amp;url=%2Fcompleteness%2F" in page.text
    assert "/customers/fill/" not in client_of(people.fay).get(PATH).text
