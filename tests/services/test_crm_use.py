"""CRM use: what counts, how the score is made, and whose one sees."""

from datetime import timedelta

import pytest

from crm_admin import clock
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.models.roles import Role
from crm_admin.services import crm_use, records, reminders, reviews, team_figures, zones
from crm_admin.services.crm_use import Use
from tests.make import make
from tests.services.test_access import give
from tests.services.test_reviews import change, fail
from tests.services.test_reviews import give as judge


def use_of(actor, person):
    [found] = [
        u for u in crm_use.of(crm_use.people(actor), zones.today()) if u.person_id == person.id
    ]
    return found


@pytest.fixture
def acme(people):
    return make(Customer, name="Acme", account_manager_id=people.ana.id)


def talk(acme, author, **values):
    return make(Interaction, customer=acme, author=author, content="Talked", **values)


def test_a_month_counts_what_was_written_closed_judged_and_put_right(people, acme):
    today, now = zones.today(), clock.now()
    before_closing = talk(acme, people.ana)
    with records.transaction("tests"):
        before_closing.written_on = None
        records.save(before_closing, people.system)
    same_day = talk(acme, people.ana, written_on=today, closed_at=now)
    late = talk(acme, people.ana, written_on=today, closed_at=now, closed_late=True)
    waiting = talk(acme, people.ana, written_on=today)
    judge(same_day, people.ben)
    fail(late, people.ben)
    fail(waiting, people.ben)
    change(waiting, people.ana, effect="They will buy")
    with records.transaction("tests"):
        reminders.remind([*reminders.lacking_in(acme), *reminders.lacking_in(late)], people.ben)
    use = use_of(people.ben, people.ana)
    assert (use.written, use.closed, use.closed_late, use.still_open) == (4, 1, 1, 1)
    assert (use.passed, use.failed, use.fixed) == (1, 2, 1)
    assert use.hours_to_fix == 0.0
    assert (use.reminders, use.repaired) == (3, 0)
    assert use.completeness == acme.completeness
    assert use.score is not None


def test_another_month_has_its_own_figures(people, acme):
    talk(acme, people.ana)
    before = zones.today().replace(day=1) - timedelta(days=1)
    [use] = crm_use.of({people.ana.id: ("Ana", None)}, before)
    assert (use.written, use.completeness, use.score) == (0, None, None)


@pytest.mark.parametrize(
    ("figures", "score"),
    [
        ({}, None),
        ({"closed": 3, "still_open": 1}, 75),
        ({"passed": 1, "failed": 1, "completeness": 100}, 75),
        ({"closed": 1, "passed": 0, "failed": 1}, 50),
        ({"reminders": 2, "repaired": 2}, 100),
    ],
)
def test_the_score_is_the_weighted_mean_of_what_has_figures(figures, score):
    weights = {"closed": 30, "passed": 30, "complete": 30, "repaired": 10}
    use = Use(1, "Ana", None, zones.today(), **figures)
    assert crm_use.score_of(use, weights) == score


def test_weights_are_the_companys(app, monkeypatch):
    assert crm_use.weights() == {"closed": 30, "passed": 30, "complete": 30, "repaired": 10}
    monkeypatch.setitem(app.config, "USE_WEIGHTS", "0, 100")
    assert crm_use.weights() == {"closed": 0, "passed": 100, "complete": 0, "repaired": 0}


def test_one_sees_ones_own_and_ones_peoples_and_by_right_everybodys(people):
    def names(actor):
        return {name for name, _department in crm_use.people(actor).values()}

    assert names(people.ana) == {"Ana"}
    assert names(people.ben) == {"Ana", "Ben"}
    assert {"Ana", "Cho", "Dev"} <= names(people.dev)
    assert names(people.eve) == {"Eve"}
    give(people.eve, {"users": {"view": "all", "appraise": "all"}})
    assert {"Ana", "Cho", "Dev"} <= names(people.eve)


def test_a_team_is_told_in_few_figures(people, acme):
    fail(talk(acme, people.ana), people.ben)
    team = crm_use.team(people.ben)
    assert (team.people, team.failed) == (1, 1)
    assert crm_use.team(people.ana) is None


def test_figures_tell_nothing_of_records_that_are_out_of_sight(people, acme):
    talk(acme, people.ana, written_on=zones.today() - timedelta(days=1))
    staff = reviews.people(people.ben)
    [whole] = team_figures.of(people.ben, staff)
    assert (whole.still_open, whole.failed, whole.reminders) == (1, 0, 0)
    both = {"view": "below", "review": "below"}
    rights = {"customers": both, "interactions": both}
    only = {"interactions": {"view": "kind = 'call'"}}
    role = make(Role, label_en="Given", grants=rights, conditions=only)
    with records.transaction("tests"):
        people.ben.roles = [role]
        records.save(people.ben, people.system)
    assert reviews.people(people.ben).keys() == {people.ana.id}
    assert set(crm_use.people(people.ben)) == {people.ben.id}
    assert crm_use.team(people.ben) is None
    [part] = team_figures.of(people.ben, reviews.people(people.ben))
    assert (part.still_open, part.late, part.today, part.failed) == (None,) * 4
    assert part.percent == acme.completeness
