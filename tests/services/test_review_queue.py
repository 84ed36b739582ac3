"""The queue: what is in it, how it stands, and who sees it."""

from datetime import datetime, time, timedelta

import pytest

from crm_admin.models.contacts import Contact
from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.models.reviews import Verdict
from crm_admin.services import loading, records, review_queue, reviews, zones
from crm_admin.services.review_queue import Asked
from tests.make import make
from tests.services.test_reviews import change, fail, give, visit


def asked(**more):
    today = zones.today()
    return Asked(**({"since": today, "until": today} | more))


def written(customer, author, **values):
    with records.transaction("tests"):
        record = Interaction(customer=customer, author=author, content="Talked", **values)
        records.save(record, author)
    return record


@pytest.fixture
def acme(people):
    with records.transaction("tests"):
        record = Customer(name="Acme", account_manager_id=people.ana.id)
        records.save(record, people.ana)
    return record


def found(actor, **more):
    return review_queue.find(actor, asked(**more), reviews.people(actor))


def keys(actor, **more):
    return [entry.key for entry in found(actor, **more).entries]


def state(actor, record):
    [entry] = [
        e
        for e in found(actor).entries
        if (e.entity, e.id) == (type(record).__tablename__, record.id)
    ]
    standing = reviews.standing(entry.entity, entry.id)
    assert review_queue.look_of(record, standing) == entry.state
    return entry.state


def test_what_ones_people_wrote_and_changed_is_in_it(people, acme):
    with records.transaction("tests"):
        records.save(Contact(name="Li", customer=acme), people.ana)
    talk = written(acme, people.ana)
    theirs = make(Customer, account_manager_id=people.cho.id)
    change(theirs, people.cho, city="Oslo")
    assert {entry.entity for entry in found(people.ben).entries} == {
        "customers", "contacts", "interactions",
    }  # fmt: skip
    assert f"interactions-{talk.id}" in keys(people.dev)
    assert f"customers-{theirs.id}" in keys(people.dev)
    assert keys(people.ana) == [], "nobody's people"
    assert keys(people.eve) == [], "sees all, but may not review"


def test_ones_own_and_what_the_system_did_is_not_in_it(people, acme):
    written(acme, people.ben)
    make(Contract, customer=acme, owner=people.ana)  # by the system
    assert keys(people.ben) == [f"customers-{acme.id}"]
    gone = written(acme, people.ana)
    with records.transaction("tests"):
        records.delete(gone, people.ana)
    assert keys(people.ben) == [f"customers-{acme.id}"]


def test_a_record_stands_as_it_was_judged_and_changed(people, acme):
    talk = written(acme, people.ana)
    assert state(people.ben, talk) == "new"
    give(talk, people.ben)
    assert state(people.ben, talk) == "passed"
    change(talk, people.ana, effect="They will buy")
    assert state(people.ben, talk) == "new", "it has changed since"
    fail(talk, people.ben)
    assert state(people.ben, talk) == "failed"
    change(talk, people.ana, effect="They will buy ten")
    assert state(people.ben, talk) == "fixed"
    give(talk, people.ben)
    assert state(people.ben, talk) == "passed"


def test_what_the_night_did_to_a_record_leaves_it_on_its_day(people, acme):
    talk = written(acme, people.ana)
    with records.transaction("job close"):
        talk.effect = "closed by the night"
        records.save(talk, people.system)
    assert f"interactions-{talk.id}" in keys(people.ben)
    assert state(people.ben, talk) == "new"


def test_another_day_has_other_records(people, acme):
    yesterday = zones.today() - timedelta(days=1)
    assert keys(people.ben, since=yesterday, until=yesterday) == []
    assert keys(people.ben, since=yesterday) == [f"customers-{acme.id}"]


def test_what_was_loaded_is_there_on_the_day_it_was_written(people, acme):
    yesterday = zones.today() - timedelta(days=1)
    begin = datetime.combine(yesterday, time(9), zones.here())
    row = {
        "customer_id": acme.id, "author_id": people.ana.id, "content": "Talked",
        "happened_at": begin, "created_at": begin, "updated_at": begin,
        "updated_by_id": people.ana.id,
    }  # fmt: skip
    with records.transaction("tests"):
        [id] = loading.load(Interaction, [row], people.system)
    assert keys(people.ben, since=yesterday, until=yesterday) == [f"interactions-{id}"]
    assert f"interactions-{id}" not in keys(people.ben)


def test_choices_narrow_it_and_count_what_they_would_leave(people, acme):
    talk = written(acme, people.ana)
    fail(talk, people.ben)
    every = found(people.ben)
    assert (every.total, every.looked_at) == (2, 1)
    assert every.states == {"failed": 1, "new": 1}
    assert every.entities == {"interactions": 1, "customers": 1}
    assert every.people == {people.ana.id: 2}
    failed = found(people.ben, state="failed")
    assert [entry.entity for entry in failed.entries] == ["interactions"]
    assert failed.states == every.states, "beside the other choices as well"
    assert keys(people.ben, entity="customers") == [f"customers-{acme.id}"]
    assert keys(people.ben, person=people.cho.id) == []
    assert keys(people.ben, incomplete=True) == keys(people.ben)
    assert keys(people.ben, late=True) == []
    assert keys(people.ben, department=people.ana.department_id) == keys(people.ben)


def test_late_is_what_was_closed_late_or_should_be_closed_by_now(people, acme):
    today = zones.today()
    open_ones = {n: written(acme, people.ana, written_on=today - timedelta(days=n)) for n in (0, 1)}
    late = written(acme, people.ana, written_on=today, closed_late=True)
    shown = keys(people.ben, late=True)
    assert set(shown) == {f"interactions-{one.id}" for one in (open_ones[1], late)}


def test_what_failed_of_any_day_is_found(people):
    talk = visit(people.ana)
    assert fail(talk, people.ben).verdict is Verdict.FAILED
    never = {"since": None, "until": None}
    assert keys(people.ben, **never) == [f"interactions-{talk.id}"]
    assert keys(people.ben) == []
