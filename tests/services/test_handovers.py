"""Handing customers over: who may, to whom, what goes along, and what stays."""

import pytest
from sqlalchemy import func, select

from crm_admin.database import db
from crm_admin.errors import Conflict, Denied, Invalid
from crm_admin.models.contacts import Contact
from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Assignment, Customer, Part
from crm_admin.models.expenses import Expense
from crm_admin.models.handovers import HandedOver, Handover
from crm_admin.models.interactions import Interaction
from crm_admin.models.notifications import Notification
from crm_admin.models.users import User
from crm_admin.services import (
    access,
    customers,
    handover_plans,
    handovers,
    handovers_back,
    history,
    records,
)
from crm_admin.services.handover_plans import Item
from crm_admin.services.listing import Question
from tests.make import make
from tests.services.test_access import give
from tests.services.test_records import together


def over(people, *these, to=None, actor=None, reason="New districts"):
    """Hand customers over; return what was done."""
    items = handover_plans.of_customers(actor or people.ben, [c.id for c in these])
    return handovers.hand_over(items, to or people.cho, reason, actor or people.ben, "tests")


def change(record, actor, **values):
    with records.transaction("tests"):
        records.change(record, values, actor)


def told(person):
    found = select(Notification).where(Notification.user_id == person.id)
    return [n.message % n.values for n in db.session.scalars(found.order_by(Notification.id))]


@pytest.fixture
def acme(people):
    """A customer of Ana's, with a contact, two contracts of hers and one of Ben's."""
    acme = make(Customer, name="Acme", account_manager_id=people.ana.id)
    make(Contact, customer=acme)
    for owner in (people.ana, people.ana, people.ben):
        make(Contract, customer=acme, owner_id=owner.id)
    return acme


def test_a_customer_goes_over_with_what_belongs_to_its_manager(people, acme):
    make(Interaction, customer=acme, author_id=people.ana.id)
    make(Expense, customer=acme, claimant_id=people.ana.id)
    plan = handover_plans.plan(handover_plans.of_customers(people.ben, [acme.id]))
    assert (plan.customers, plan.along) == ([acme.id], {Contract: 2})
    done = over(people, acme)
    assert (done.customers, dict(done.along), done.refused) == (1, {Contract: 2}, [])
    assert acme.account_manager_id == people.cho.id
    owners = db.session.scalars(select(Contract.owner_id).order_by(Contract.id)).all()
    assert owners == [people.cho.id, people.cho.id, people.ben.id]
    assert db.session.scalar(select(Interaction.author_id)) == people.ana.id, "authors stay"
    assert db.session.scalar(select(Expense.claimant_id)) == people.ana.id
    assert access.find(Customer, acme.id, people.ana) is None
    assert access.find(Customer, acme.id, people.cho) is not None
    contact = db.session.scalar(select(Contact))
    assert access.find(Contact, contact.id, people.ana) is None
    assert access.find(Contact, contact.id, people.cho) is not None


def test_who_from_when_by_whom_and_why_is_kept(people, acme):
    done = over(people, acme, reason="  Ana moves to the south  ")
    now, before = customers.assignments(acme)
    assert (now.user_id, now.by, now.reason) == (people.cho.id, "Ben", "Ana moves to the south")
    assert now.handover_id == done.handover_id
    assert (before.user_id, before.until_at, before.reason) == (people.ana.id, now.from_at, None)
    entry = history.of(acme, people.dev)[0]
    assert (entry.by, entry.action) == ("Ben", "handed over")
    assert (":reason", None, "Ana moves to the south") in entry.changes


def test_who_may_not_see_the_manager_does_not_read_the_reason(people, acme):
    over(people, acme, reason="Secret")
    give(
        people.eve,
        {"customers": {"view": "all"}},
        fields={"customers": {"account_manager_id": "hidden"}},
    )
    assert history.of(acme, people.eve)[0].changes == []


def test_both_people_are_told_once_and_nobody_of_their_own_doing(people, acme):
    other = make(Customer, name="Other", account_manager_id=people.ana.id)
    over(people, acme, other, reason="Holiday")
    assert told(people.cho) == ["Ben handed 2 customers over to you. Reason: Holiday"]
    assert told(people.ana) == ["Ben handed 2 of your customers over to Cho. Reason: Holiday"]
    assert told(people.ben) == []
    over(people, acme, to=people.ben, actor=people.dev, reason="Back")
    assert told(people.ben) == ["Dev handed Acme over to you. Reason: Back"]


@pytest.mark.parametrize(
    ("target", "where"),
    [("fay's twin", "to"), ("gone", "to"), ("system", "to"), ("nobody", "to"), ("same", "to")],
)
def test_who_cannot_look_after_customers_is_given_none(people, acme, target, where):
    to = {"system": people.system, "nobody": None, "same": people.ana}.get(target)
    if target == "fay's twin":
        to = make(User, name="Twin")  # no role: they see no customers
    if target == "gone":
        to = people.cho
        change(to, people.dev, is_active=False)
    items = handover_plans.of_customers(people.ben, [acme.id])
    with pytest.raises(Invalid) as refused:
        handovers.hand_over(items, to, "Why not", people.ben, "tests")
    assert [p.field for p in refused.value.problems] == [where]
    assert acme.account_manager_id == people.ana.id


@pytest.mark.parametrize("reason", ["", " \n ", "x" * 501, "a\0b"])
def test_nothing_goes_over_without_a_reason_that_can_be_kept(people, acme, reason):
    with pytest.raises(Invalid) as refused:
        over(people, acme, reason=reason)
    assert [p.field for p in refused.value.problems] == ["reason"]
    assert over(people, acme, reason="x" * 500).customers == 1


def test_one_gives_only_to_whom_one_may_look_up(people, acme):
    give(people.ben, {"customers": {"view": "all", "assign": "all"}})
    with pytest.raises(Invalid):
        over(people, acme)
    give(people.ben, {"customers": {"view": "all", "assign": "all"}, "users": {"lookup": "all"}})
    assert over(people, acme).customers == 1


@pytest.mark.parametrize(
    ("who", "count"), [("ana", 0), ("cho", 0), ("fay", 0), ("ben", 1), ("eve", 2), ("dev", 2)]
)
def test_one_hands_over_what_one_may_assign_and_nothing_else(people, acme, who, count):
    south = make(Customer, account_manager_id=people.cho.id)
    actor = getattr(people, who)
    found = handover_plans.of_customers(actor, [acme.id, south.id])
    assert len(found) == count
    assert len(handover_plans.of_list(actor, Question())) == count
    forged = [Item(c.id, Part.ACCOUNT_MANAGER, c.account_manager_id) for c in (acme, south)]
    done = handovers.hand_over(forged, people.dev, "Try", actor, "tests")
    assert (done.customers, len(done.refused)) == (count, 2 - count)
    assert {r.customer for r in done.refused} <= {""}, "no name is told of what is out of sight"
    if count < 2:
        assert south.account_manager_id == people.cho.id


def test_who_may_not_change_the_field_hands_nothing_over(people, acme):
    grants = {"customers": {"view": "all", "assign": "all"}, "users": {"view": "all"}}
    give(people.ben, grants, fields={"customers": {"account_manager_id": "read"}})
    assert handover_plans.of_customers(people.ben, [acme.id]) == []
    forged = [Item(acme.id, Part.ACCOUNT_MANAGER, people.ana.id)]
    done = handovers.hand_over(forged, people.cho, "Try", people.ben, "tests")
    assert (done.customers, done.handover_id, len(done.refused)) == (0, None, 1)
    assert db.session.scalar(select(func.count()).select_from(Handover)) == 0


def test_what_a_filter_finds_is_handed_over_as_far_as_one_may_assign(people):
    for owner, city in ((people.ana, "Oslo"), (people.ana, "Rome"), (people.cho, "Oslo")):
        make(Customer, name=f"{owner.name} {city}", city=city, account_manager_id=owner.id)
    question = Question(filters=(("city", "is", "Oslo"),))
    found = handover_plans.of_list(people.ben, question)
    assert [db.session.get(Customer, i.customer_id).name for i in found] == ["Ana Oslo"]
    assert len(handover_plans.of_list(people.dev, question)) == 2
    searched = handover_plans.of_list(people.dev, Question(search="Rome"))
    assert len(searched) == 1


def test_what_changed_since_it_was_chosen_stays_and_is_named(people, acme):
    items = handover_plans.of_customers(people.ben, [acme.id])
    items += [Item(9999, Part.ACCOUNT_MANAGER, None)]
    change(acme, people.dev, account_manager=people.ben)
    done = handovers.hand_over(items, people.cho, "Late", people.ben, "tests")
    told = {(r.customer, r.problem.text()) for r in done.refused}
    assert told == {
        ("Acme", "Somebody else changed who looks after it meanwhile."),
        ("", "This record is no longer there."),
    }
    assert (done.customers, acme.account_manager_id) == (0, people.ben.id)


def test_of_two_handovers_at_once_one_wins(app, people, acme):
    items = handover_plans.of_customers(people.dev, [acme.id])
    dev, targets = people.dev.id, [people.ben.id, people.cho.id]

    def hand(to):
        get = db.session.get
        return handovers.hand_over(items, get(User, to), "Mine", get(User, dev), "tests").customers

    ends = together(app, *[lambda t=t: hand(t) for t in targets])
    assert sorted(ends) == [0, 1], ends
    db.session.refresh(acme)
    assert acme.account_manager_id == targets[ends.index(1)]
    open_ones = select(Assignment.user_id).where(
        Assignment.customer_id == acme.id, Assignment.until_at.is_(None)
    )
    assert db.session.scalars(open_ones).all() == [acme.account_manager_id]


def test_all_parts_of_a_leaver_go_over(people, acme):
    tech = make(Customer, technical_manager_id=people.ana.id, account_manager_id=people.ben.id)
    chief = make(Customer, chief_representative_id=people.ana.id)
    make(Contract, customer=tech, owner_id=people.ana.id)
    change(people.ana, people.dev, is_active=False)
    items = handover_plans.of_person(people.dev, people.ana)
    plan = handover_plans.plan(items)
    assert plan.parts == dict.fromkeys(Part, 1)
    assert plan.along == {Contract: 3}
    done = handovers.hand_over(items, people.cho, "Ana has left", people.dev, "tests")
    assert (done.customers, dict(done.along)) == (3, {Contract: 3})
    assert tech.technical_manager_id == chief.chief_representative_id == people.cho.id
    assert tech.account_manager_id == people.ben.id
    assert handover_plans.of_person(people.dev, people.ana) == []


def test_a_supervisor_hands_over_of_a_person_only_what_is_theirs_to_give(people, acme):
    make(Customer, technical_manager_id=people.cho.id, account_manager_id=people.ana.id)
    make(Customer, account_manager_id=people.cho.id)
    found = handover_plans.of_person(people.ben, people.cho)
    assert [item.part for item in found] == [Part.TECHNICAL_MANAGER]


def test_many_go_in_several_transactions_as_one_act(people, monkeypatch):
    monkeypatch.setattr(handover_plans, "CHUNK", 4)
    several = [make(Customer, account_manager_id=people.ana.id) for _ in range(7)]
    make(Contract, customer=several[0], owner_id=people.ana.id)
    chunks = list(handover_plans.chunks(handover_plans.of_person(people.dev, people.ana)))
    assert [len(chunk) for chunk in chunks] == [3, 4]
    done = over(people, *several)
    assert (done.customers, done.along[Contract]) == (7, 1)
    batches = select(Assignment.handover_id).where(Assignment.until_at.is_(None)).distinct()
    assert db.session.scalars(batches).all() == [done.handover_id]
    back = handovers_back.take_back(db.session.get(Handover, done.handover_id), people.ben, "tests")
    assert (back.customers, back.along[Contract]) == (7, 1)
    assert {c.account_manager_id for c in several} == {people.ana.id}


def test_a_chunk_is_done_as_a_whole_or_not_at_all(people, acme, monkeypatch):
    other = make(Customer, account_manager_id=people.ana.id)
    save = records.save

    def failing(record, *rest, **options):
        if record.id == other.id and isinstance(record, Customer):
            raise ZeroDivisionError
        save(record, *rest, **options)

    monkeypatch.setattr(records, "save", failing)
    with pytest.raises(ZeroDivisionError):
        over(people, acme, other)
    db.session.rollback()
    assert acme.account_manager_id == people.ana.id
    assert told(people.cho) == []


def test_a_customer_that_is_refused_keeps_all_that_would_go_along(people, acme, monkeypatch):
    other = make(Customer, name="Other", account_manager_id=people.ana.id)
    save = records.save

    def refusing(record, *rest, **options):
        if isinstance(record, Contract):
            raise Denied("No contract today.")
        save(record, *rest, **options)

    monkeypatch.setattr(records, "save", refusing)
    done = over(people, acme, other)
    assert [(r.customer, r.problem.text()) for r in done.refused] == [
        ("Acme", "No contract today.")
    ]
    assert (acme.account_manager_id, other.account_manager_id) == (people.ana.id, people.cho.id)
    assert set(db.session.scalars(select(HandedOver.customer_id))) == {other.id}


# Taking back.


def test_a_handover_is_taken_back_as_one_act(people, acme):
    pooled = make(Customer, name="Pooled")
    done = over(people, acme, pooled, actor=people.dev)
    back = handovers_back.take_back(db.session.get(Handover, done.handover_id), people.dev, "tests")
    assert (back.customers, dict(back.along), back.refused) == (2, {Contract: 2}, [])
    assert (acme.account_manager_id, pooled.account_manager_id) == (people.ana.id, None)
    owners = db.session.scalars(select(Contract.owner_id).order_by(Contract.id)).all()
    assert owners == [people.ana.id, people.ana.id, people.ben.id]
    assert pooled.pooled_at is not None
    assert "Dev took back a handover to Cho; customers: 1." in told(people.ana)
    with pytest.raises(Invalid):
        handovers_back.take_back(db.session.get(Handover, done.handover_id), people.dev, "tests")


def test_what_somebody_else_changed_since_is_not_taken_back(people, acme):
    other = make(Customer, name="Other", account_manager_id=people.ana.id)
    done = over(people, acme, other)
    change(acme, people.dev, account_manager=people.ben)
    change(acme, people.dev, account_manager=people.cho)  # the same person again, by another act
    back = handovers_back.take_back(db.session.get(Handover, done.handover_id), people.ben, "tests")
    assert (back.customers, [r.problem.text() for r in back.refused]) == (
        1, ["Somebody else changed who looks after it since."],
    )  # fmt: skip
    assert (acme.account_manager_id, other.account_manager_id) == (people.cho.id, people.ana.id)
    contracts = select(Contract.owner_id).where(Contract.customer_id == acme.id)
    assert people.ana.id not in db.session.scalars(contracts).all()


@pytest.mark.parametrize(
    ("who", "may"),
    [("ben", True), ("dev", True), ("eve", True), ("ana", False), ("cho", False), ("fay", False)],
)
def test_who_handed_over_or_may_assign_all_takes_back(people, acme, who, may):
    id, actor = over(people, acme).handover_id, getattr(people, who)
    assert (handovers_back.find(id, actor) is not None) is may
    handover = db.session.get(Handover, id)
    if may:
        assert handovers_back.take_back(handover, actor, "tests").customers == 1
    else:
        with pytest.raises(Denied):
            handovers_back.take_back(handover, actor, "tests")
        assert acme.account_manager_id == people.cho.id


def test_a_handover_of_which_all_has_changed_cannot_be_taken_back_any_more(people, acme):
    done = over(people, acme)
    change(acme, people.dev, account_manager=people.ben)
    handover = db.session.get(Handover, done.handover_id)
    back = handovers_back.take_back(handover, people.dev, "tests")
    assert (back.customers, len(back.refused)) == (0, 1)
    assert handover.undone_at is None


def test_a_handover_that_met_another_transaction_says_so(people, acme, monkeypatch):
    def busy(*_):
        raise Conflict("Someone else has just saved the same; please look again.")

    monkeypatch.setattr(handovers._Act, "do", busy)
    with pytest.raises(Conflict):
        over(people, acme)
