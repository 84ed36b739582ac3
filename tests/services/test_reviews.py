"""Reviews: who may give them, what they do, and taking them back."""

from datetime import timedelta

import pytest

from crm_admin.database import db
from crm_admin.errors import Conflict, Denied, Invalid
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.models.notifications import Notification
from crm_admin.models.reviews import Verdict
from crm_admin.models.sharing import Deputy
from crm_admin.services import access, notifications, records, reviews, zones
from tests.make import make
from tests.services.test_access import give as give_rights
from tests.services.test_records import together


def visit(author, **values):
    customer = make(Customer, name="Acme", account_manager_id=author.id)
    return make(Interaction, customer=customer, author=author, content="Talked", **values)


def give(record, actor, verdict=Verdict.PASSED, **said):
    said = {"version": record.version, "seen": seen(record)} | said
    with records.transaction("tests"):
        return reviews.give(type(record), record.id, verdict, actor, **said)


def stand_in(deputy, person):
    day = zones.today()
    make(Deputy, person_id=person.id, deputy_id=deputy.id, occasion="Leave",
         from_on=day - timedelta(days=1), until_on=day + timedelta(days=1))  # fmt: skip


def seen(record):
    found = reviews.standing(record.__tablename__, record.id)
    return found.id if found else 0


def fail(record, actor, **said):
    return give(record, actor, Verdict.FAILED, **({"reason": "too_thin"} | said))


def change(record, actor, **values):
    with records.transaction("tests"):
        records.change(record, values, actor)


def inbox(user):
    return [one.message % one.values for one in notifications.inbox(user)]


def test_a_supervisor_passes_and_fails_what_their_people_wrote(people):
    talk = visit(people.ana)
    assert give(talk, people.ben).verdict is Verdict.PASSED
    failed = fail(talk, people.ben, note="What came of it?")
    assert (failed.person_id, failed.by_id, failed.version) == (people.ana.id, people.ben.id, 1)
    said = reviews.of(talk)
    assert [(one.verdict, one.by, one.superseded) for one in said] == [
        ("failed", "Ben", False),
        ("passed", "Ben", True),
    ]
    assert inbox(people.ana) == ["Ben failed “Talked”: Says too little · What came of it?"]
    assert reviews.failed_of(people.ana).total == 1
    assert reviews.failed_of(people.ana).few[0][:3] == ("interactions", talk.id, "Talked")


@pytest.mark.parametrize("model", [Customer, Contact, Interaction])
def test_nobody_reviews_their_own(people, model):
    customer = make(Customer, account_manager_id=people.ben.id)
    record = customer
    if model is not Customer:
        record = make(model, customer=customer)
    if model is Interaction:
        record = make(Interaction, customer=customer, author=people.ben)
    with pytest.raises(Denied):
        give(record, people.ben)
    assert give(record, people.dev).person_id == people.ben.id


def test_a_record_out_of_reach_is_not_there_to_review(people):
    theirs = visit(people.cho)
    with pytest.raises(Conflict, match="no longer there"):
        give(theirs, people.ben)
    mine = visit(people.ana)
    with pytest.raises(Conflict, match="no longer there"):
        give(mine, people.eve)  # sees all, but has not the right
    assert give(theirs, people.dev)


def test_a_role_may_see_records_and_yet_not_review_them(people):
    talk = visit(people.ana)
    give_rights(people.ben, {"*": {"view": "below"}})
    assert access.find(Interaction, talk.id, people.ben)
    assert not reviews.may_review(people.ben)
    give_rights(
        people.ben, {"*": {"view": "below"}, "interactions": {"view": "below", "review": "below"}}
    )
    assert reviews.may_review(people.ben)
    assert give(talk, people.ben)


@pytest.mark.parametrize(
    ("reason", "note", "field"),
    [(None, " ", "reason"), ("no such", "", "reason"), ("late", "x" * 501, "note")],
)
def test_a_record_fails_for_a_reason(people, reason, note, field):
    talk = visit(people.ana)
    with pytest.raises(Invalid) as refused:
        fail(talk, people.ben, reason=reason, note=note)
    assert [problem.field for problem in refused.value.problems] == [field]
    assert fail(talk, people.ben, reason=None, note="In my own words").note == "In my own words"


def test_what_changed_since_it_was_read_is_not_judged(people):
    talk = visit(people.ana)
    change(talk, people.ana, effect="They will buy")
    with pytest.raises(Conflict, match="changed since"):
        give(talk, people.ben, version=1)
    assert give(talk, people.ben)


def test_what_failed_is_fixed_by_a_change_and_passes_later(people):
    talk = visit(people.ana)
    failed = fail(talk, people.ben)
    assert failed.fixed_at is None
    change(talk, people.ana, effect="They will buy")
    db.session.expire_all()
    assert failed.fixed_at is not None
    assert reviews.failed_of(people.ana).total == 0
    give(talk, people.ben)
    assert reviews.standing("interactions", talk.id).verdict == Verdict.PASSED
    assert [one.fixed_at is not None for one in reviews.of(talk)] == [False, True]


def test_the_last_verdict_is_taken_back_and_the_one_before_stands_again(people):
    talk = visit(people.ana)
    passed = give(talk, people.ben)
    fail(talk, people.ben)
    with records.transaction("tests"):
        assert reviews.undo(people.ben).verdict == Verdict.FAILED
    assert reviews.standing("interactions", talk.id).id == passed.id
    assert inbox(people.ana) == [], "what was not read yet is unsaid"
    with records.transaction("tests"):
        assert reviews.undo(people.ben).id == passed.id
        assert reviews.undo(people.ben) is None
    assert reviews.of(talk) == []


def test_what_somebody_else_has_judged_since_is_not_taken_back(people):
    talk = visit(people.ana)
    give(talk, people.ben)
    give(talk, people.dev)
    with records.transaction("tests"):
        assert reviews.undo(people.ben) is None


def test_who_stands_in_for_somebody_does_not_judge_their_work(people):
    own, of_ana = visit(people.ben), visit(people.ana)
    stand_in(people.eve, people.ben)
    assert set(reviews.people(people.eve)) == {people.ana.id}
    with pytest.raises(Denied):
        give(own, people.eve)
    assert not reviews.may_judge(own, people.eve)
    assert give(of_ana, people.eve)
    stand_in(people.ben, people.dev)  # whose own right reaches further than Ben's
    with pytest.raises(Denied):
        give(own, people.ben)
    assert give(own, people.dev)


def test_taking_back_waits_for_who_judges_at_the_same_time(people, app, monkeypatch):
    talk = visit(people.ana)
    give(talk, people.ben)
    mine = reviews.last_of(people.ben)
    give(talk, people.dev)
    monkeypatch.setattr(reviews, "last_of", lambda actor: mine)  # as it was read before
    with records.transaction("tests"):
        assert reviews.undo(people.ben) is None
    assert reviews.standing("interactions", talk.id).by_id == people.dev.id


def test_of_two_supervisors_at_once_one_is_told_to_look_again(people, app):
    talk = visit(people.ana)
    id, ids = talk.id, (people.ben.id, people.dev.id)

    def judging(user_id):
        from crm_admin.models.users import User

        def work():
            actor = db.session.get(User, user_id)
            with records.transaction("tests"):
                return reviews.give(Interaction, id, Verdict.PASSED, actor, version=1, seen=0).id

        return work

    ends = together(app, *map(judging, ids))
    assert sorted(type(end).__name__ for end in ends) == ["Conflict", "int"]
    assert len(reviews.of(db.session.get(Interaction, id))) == 1


def test_who_may_read_the_verdicts(people):
    talk = visit(people.ana)
    may = {
        n: reviews.may_read(talk, getattr(people, n)) for n in ("ana", "ben", "cho", "dev", "eve")
    }
    assert may == {"ana": True, "ben": True, "cho": False, "dev": True, "eve": False}


def test_an_earlier_notice_that_was_read_stays(people):
    talk = visit(people.ana)
    fail(talk, people.ben)
    with records.transaction("tests"):
        notifications.mark_read(people.ana)
    with records.transaction("tests"):
        reviews.undo(people.ben)
    assert db.session.query(Notification).filter_by(user_id=people.ana.id).count() == 1
