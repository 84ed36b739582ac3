"""Visit cadences: who is due by when, which visits count, and who is told once."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event as happening
from sqlalchemy import select

from crm_admin.database import db
from crm_admin.models.cadences import Cadence
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.models.notifications import Notification
from crm_admin.models.picklists import PicklistItem
from crm_admin.services import cadences, organisation, records
from tests.make import make

SHANGHAI = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 3, 31)


def kinds(*codes):
    return list(db.session.scalars(select(PicklistItem).where(PicklistItem.code.in_(codes))))


@pytest.fixture
def monthly(app):
    return make(Cadence, name="A", grade="A", every_days=30, kinds=kinds("visit", "meeting"))


def customer(owner, *, visited=None, kind="visit", grade="A", hour=12, **values):
    """Make a customer who was visited so many days ago."""
    made = make(Customer, account_manager_id=owner.id, grade=grade, **values)
    if visited is not None:
        meet(made, owner, visited, kind, hour)
    return made


def meet(customer, owner, days, kind="visit", hour=12):
    day = TODAY - timedelta(days=days)
    at = datetime(day.year, day.month, day.day, hour, tzinfo=SHANGHAI)
    make(Interaction, customer=customer, author_id=owner.id, kind=kind, happened_at=at)


def late(actor, **asked):
    return {one.name: one.late(TODAY) for one in cadences.page(actor, TODAY, **asked)[0]}


@pytest.mark.parametrize(
    ("visited", "found"),
    [(29, {}), (30, {"Acme": 0}), (31, {"Acme": 1}), (90, {"Acme": 60})],
    ids=["a day to go", "due today", "overdue by a day", "long overdue"],
)
@pytest.mark.parametrize("hour", [0, 23])
def test_a_visit_is_due_when_the_days_of_its_cadence_have_passed(
    people, monthly, visited, found, hour
):
    customer(people.ana, visited=visited, name="Acme", hour=hour)
    assert late(people.ana) == found


def test_only_what_the_cadence_names_counts_and_only_the_last_of_it(people, monthly):
    acme = customer(people.ana, visited=40, name="Acme")
    meet(acme, people.ana, 1, "call")
    assert late(people.ana) == {"Acme": 10}
    meet(acme, people.ben, 2, "meeting")
    assert late(people.ana) == {}
    make(Cadence, name="All", every_days=1)
    assert late(people.ana) == {"Acme": 0}, "where nothing is named, everything counts"


def test_of_several_cadences_the_most_frequent_counts(people, monthly):
    make(Cadence, name="Key", segment="key", every_days=7, kinds=kinds("visit"))
    make(Cadence, name="B", grade="B", every_days=60, kinds=kinds("visit"))
    customer(people.ana, visited=10, name="Key A", segment="key")
    customer(people.ana, visited=10, name="A")
    customer(people.ana, visited=61, name="B", grade="B")
    customer(people.ana, visited=500, name="C", grade="C")
    assert late(people.ana) == {"Key A": 3, "B": 1}


def test_who_was_never_visited_is_due_from_the_day_it_was_added(people, monthly):
    acme = customer(people.ana, name="Acme")
    added = acme.created_at.astimezone(SHANGHAI).date()
    for days, found in ((29, []), (30, [None])):
        rows, _count = cadences.page(people.ana, added + timedelta(days=days))
        assert [one.last_at for one in rows] == found


def test_the_most_overdue_come_first_page_by_page(people, monthly):
    for days in (40, 35, 50, 31):
        customer(people.ana, visited=days, name=f"{days}")
    rows, count = cadences.page(people.ana, TODAY, limit=3)
    assert ([one.name for one in rows], count) == (["50", "40", "35"], 4)
    rows, count = cadences.page(people.ana, TODAY, offset=3, limit=3)
    assert ([one.name for one in rows], count) == (["31"], 4)
    assert late(people.ana, ahead=7) == {"50": 20, "40": 10, "35": 5, "31": 1}


def test_one_sees_the_due_customers_that_one_sees(people, monthly):
    customer(people.ana, visited=40, name="Ana's")
    customer(people.cho, visited=40, name="Cho's")
    assert late(people.ana) == {"Ana's": 10}
    assert late(people.ben) == {"Ana's": 10}
    assert late(people.dev) == {"Ana's": 10, "Cho's": 10}
    assert late(people.dev, person=people.cho.id) == {"Cho's": 10}
    assert late(people.ana, person=people.cho.id) == {}
    assert [name for _id, name in cadences.people(people.dev)] == ["Ana", "Cho"]
    assert [name for _id, name in cadences.people(people.ana)] == ["Ana"]


def test_who_does_not_see_grades_or_times_is_told_neither(people, monthly):
    customer(people.ana, visited=40, name="Acme")
    role = organisation.role("sales")
    assert cadences.page(people.ana, TODAY)[0][0].last_at is not None
    with records.transaction("tests"):
        role.fields = {"interactions": {"happened_at": "hidden"}}
        records.save(role, people.system)
    assert cadences.page(people.ana, TODAY)[0][0].last_at is None
    with records.transaction("tests"):
        role.fields = {"customers": {"grade": "hidden"}}
        records.save(role, people.system)
    assert cadences.page(people.ana, TODAY) == ([], 0)


def test_the_first_page_asks_once_for_ones_own_that_are_overdue(people, monthly):
    for days in (30, 31, 45):
        customer(people.ana, visited=days, name=f"{days}")
    customer(people.cho, visited=99)
    asked = []

    def note(connection, cursor, statement, *_):
        asked.append(statement)

    cadences.overdue(people.ana, TODAY)
    happening.listen(db.engine, "before_cursor_execute", note)
    count, worst = cadences.overdue(people.ana, TODAY)
    happening.remove(db.engine, "before_cursor_execute", note)
    assert (count, [one.name for one in worst]) == (2, ["45", "31"])
    assert len([one for one in asked if "configuration" not in one]) == 1
    assert cadences.overdue(people.ben, TODAY) == (0, [])


def test_without_a_cadence_nothing_is_due(people):
    customer(people.ana, visited=900)
    assert cadences.page(people.dev, TODAY) == ([], 0)
    assert cadences.due_after(TODAY, 0) == []


def test_of_a_customer_in_the_bin_or_an_interaction_there_nothing_is_said(people, monthly):
    acme = customer(people.ana, visited=40, name="Acme")
    meet(acme, people.ana, 1)
    last = db.session.scalar(select(Interaction).order_by(Interaction.id.desc()))
    assert late(people.ana) == {}
    with records.transaction("tests"):
        records.delete(last, people.dev)
    assert late(people.ana) == {"Acme": 10}


def told():
    db.session.rollback()
    kept = select(Notification).where(Notification.kind == "visit").order_by(Notification.id)
    return [(one.user_id, one.values["customer"]) for one in db.session.scalars(kept)]


def tell(day=TODAY):
    with records.transaction("tests"):
        return cadences.tell(cadences.due_after(day, 0))


def test_each_visit_that_is_due_is_told_once_to_whom_it_concerns(people, monthly):
    acme = customer(people.ana, visited=31, name="Acme", chief_representative_id=people.ben.id)
    customer(people.ana, visited=29, name="Not yet")
    customer(people.ana, visited=30 + cadences.LATE + 1, name="Long ago")
    assert tell() == 1
    assert told() == [(people.ana.id, "Acme")]
    assert tell() == tell(TODAY + timedelta(days=0)) == 0
    meet(acme, people.ana, 0)
    assert tell(TODAY + timedelta(days=30)) >= 1, "another due day is another message"


def test_of_top_grades_the_chief_representative_is_told_too(people):
    make(Cadence, name="A", grade="A", every_days=30, tells_chief=True)
    customer(people.ana, visited=31, name="Acme", chief_representative_id=people.ben.id)
    customer(people.ana, visited=31, name="Own", chief_representative_id=people.ana.id)
    assert tell() == 3
    assert sorted(told()) == sorted(
        [(people.ana.id, "Acme"), (people.ben.id, "Acme"), (people.ana.id, "Own")]
    )


def test_a_cadence_is_of_some_days(people):
    from crm_admin.errors import Invalid

    for days in (0, -1, 4000):
        with pytest.raises(Invalid), records.transaction("tests"):
            records.save(Cadence(name="x", every_days=days), people.system)
