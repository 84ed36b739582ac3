"""The pool: taking customers nobody looks after, how many, and putting them back."""

import random

import pytest
from sqlalchemy import func, select

from crm_admin.database import db
from crm_admin.errors import Conflict, Denied, Invalid
from crm_admin.models.customers import Assignment, Customer, Part
from crm_admin.models.notifications import Notification
from crm_admin.models.users import User
from crm_admin.services import access, customers, history, pool, records
from tests.make import make
from tests.services.test_access import give
from tests.services.test_records import together


def take(actor, *these, most=0, names=True):
    ids = [getattr(one, "id", one) for one in these]
    with records.transaction("tests"):
        return pool.take(ids, actor, most=most, names_manager=names)


def release(customer, actor, reason="Too far away", manager_id=None):
    with records.transaction("tests"):
        pool.release(customer, reason, actor, manager_id=manager_id or customer.account_manager_id)


def open_managers(customer):
    found = select(Assignment.user_id).where(
        Assignment.customer_id == customer.id,
        Assignment.part == Part.ACCOUNT_MANAGER,
        Assignment.until_at.is_(None),
    )
    return db.session.scalars(found).all()


def test_who_takes_a_customer_looks_after_it(people):
    acme = make(Customer, name="Acme")
    assert access.find(Customer, acme.id, people.ana) is None
    taken = take(people.ana, acme)
    assert (taken.ids, taken.names, taken.lost) == ([acme.id], ["Acme"], [])
    assert (acme.account_manager_id, acme.pooled_at) == (people.ana.id, None)
    assert open_managers(acme) == [people.ana.id]
    assert access.find(Customer, acme.id, people.ana) is not None
    assert history.of(acme, people.ana)[0].action == "claimed"


def test_who_is_too_late_is_told_who_was_quicker_and_nothing_else(people):
    acme = make(Customer, name="Acme", account_manager_id=people.cho.id)
    taken = take(people.ana, acme)
    assert (taken.ids, taken.names, taken.lost, taken.missing) == ([], [], ["Cho"], 0)
    taken = take(people.ana, acme, names=False)
    assert (taken.lost, taken.missing) == ([], 1)
    assert open_managers(acme) == [people.cho.id]


def test_who_may_not_see_who_looks_after_customers_is_not_told(people):
    acme = make(Customer, account_manager_id=people.cho.id)
    give(
        people.ana,
        {"customers": {"view": "own", "claim": "all"}},
        fields={"customers": {"account_manager_id": "masked"}},
    )
    assert take(people.ana, acme).lost == []


def test_what_is_not_there_cannot_be_taken(people):
    acme = make(Customer)
    with records.transaction("tests"):
        records.delete(acme, people.system)
    taken = take(people.ana, acme, 9999)
    assert (taken.ids, taken.lost, taken.missing) == ([], [], 2)


@pytest.mark.parametrize(
    ("who", "may"),
    [("ana", True), ("ben", True), ("cho", True), ("dev", True), ("eve", False), ("fay", False)],
)
def test_who_takes_customers_is_said_by_their_role(people, who, may):
    acme, actor = make(Customer), getattr(people, who)
    assert pool.may_take(acme, actor) is may
    if may:
        assert take(actor, acme).ids == [acme.id]
    else:
        with pytest.raises(Denied):
            take(actor, acme)
        assert open_managers(acme) == []


# How many.


def test_nobody_takes_more_than_they_may_have(people):
    several = [make(Customer) for _ in range(4)]
    make(Customer, account_manager_id=people.ana.id)
    taken = take(people.ana, *several, most=3)
    assert (len(taken.ids), taken.beyond, taken.most) == (2, 2, 3)
    assert take(people.ana, several[3], most=3).beyond == 1
    assert pool.held_by(people.ana.id) == 3
    assert take(people.cho, several[3], most=3).ids == [several[3].id]


def test_a_persons_own_number_goes_before_the_companys(people):
    several = [make(Customer) for _ in range(3)]
    with records.transaction("tests"):
        records.change(people.ana, {"customer_limit": 1}, people.dev)
    assert len(take(people.ana, *several, most=300).ids) == 1
    with records.transaction("tests"):
        records.change(people.ana, {"customer_limit": 0}, people.dev)
    assert len(take(people.ana, *several, most=1).ids) == 2


def test_what_lies_in_the_bin_does_not_count(people):
    acme, other = make(Customer, account_manager_id=people.ana.id), make(Customer)
    with records.transaction("tests"):
        records.delete(acme, people.system)
    assert take(people.ana, other, most=1).ids == [other.id]


@pytest.mark.parametrize("number", [-1, 1_000_001])
def test_a_persons_number_is_one_that_can_be(people, number):
    with pytest.raises(Invalid), records.transaction("tests"):
        records.change(people.ana, {"customer_limit": number}, people.dev)


def test_the_number_holds_however_many_are_taken_at_once(app, people):
    several, ana = [make(Customer).id for _ in range(6)], people.ana.id

    def one(id):
        return take(db.session.get(User, ana), id, most=2).ids

    ends = together(app, *[lambda id=id: one(id) for id in several])
    assert sum(map(len, ends)) == 2, ends
    assert pool.held_by(ana) == 2


# Putting back.


def test_who_looks_after_a_customer_puts_it_back(people):
    acme = make(Customer, name="Acme", account_manager_id=people.ana.id)
    release(acme, people.ana)
    assert (acme.account_manager_id, open_managers(acme)) == (None, [])
    assert acme.pooled_at is not None
    [last] = customers.assignments(acme)
    assert (last.user_id, last.end_reason) == (people.ana.id, "Too far away")
    entry = history.of(acme, people.dev)[0]
    assert (entry.action, entry.changes[-1]) == ("released", (":reason", None, "Too far away"))
    assert db.session.scalar(select(func.count()).select_from(Notification)) == 0
    assert take(people.cho, acme).ids == [acme.id]


def test_who_assigns_puts_back_and_the_manager_is_told(people):
    acme = make(Customer, name="Acme", account_manager_id=people.ana.id)
    release(acme, people.ben)
    note = db.session.scalars(select(Notification)).one()
    assert note.user_id == people.ana.id
    assert note.message % note.values == ("Ben put Acme back into the pool. Reason: Too far away")


@pytest.mark.parametrize("who", ["ana", "ben", "fay"])
def test_others_do_not(people, who):
    acme, actor = make(Customer, account_manager_id=people.cho.id), getattr(people, who)
    assert not pool.may_release(acme, actor)
    with pytest.raises((Denied, Conflict)):
        release(acme, actor)
    assert open_managers(acme) == [people.cho.id]


def test_a_reason_is_asked_for_and_what_changed_meanwhile_stays(people):
    acme = make(Customer, account_manager_id=people.ana.id)
    for reason in ("", "  ", "x" * 501):
        with pytest.raises(Invalid):
            release(acme, people.ben, reason)
    with pytest.raises(Conflict):
        release(acme, people.ben, manager_id=people.cho.id)
    assert open_managers(acme) == [people.ana.id]


# Many at once; tests/attacks/test_grabbing.py does it with more.


def grab(app, users, ids, most=0):
    """Let all these people take all these customers at once; return what each of them got."""

    def one(user):
        order = random.Random(user).sample(ids, len(ids))
        got, lost = [], []
        for id in order:
            taken = take(db.session.get(User, user), id, most=most)
            got += taken.ids
            lost += taken.lost
            assert taken.ids or taken.lost or taken.beyond, "nobody is left without an answer"
        return got, lost

    return together(app, *[lambda user=user: one(user) for user in users])


def test_of_many_who_want_the_same_customers_one_gets_each(app, people):
    ids = [make(Customer).id for _ in range(8)]
    users = [getattr(people, who).id for who in ("ana", "ben", "cho", "dev")]
    ends = grab(app, users, ids, most=3)
    assert sorted(id for got, _lost in ends for id in got) == ids
    assert all(len(got) <= 3 for got, _lost in ends)
    for id in ids:
        customer = db.session.get(Customer, id)
        assert open_managers(customer) == [customer.account_manager_id]
