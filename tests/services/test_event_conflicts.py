"""Conflicts: who has something else, told without what it is to whom it is no business of."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_admin.models.events import Answer, Event
from crm_admin.services import event_conflicts, events, records
from tests.make import make

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def busy(owner, starts, ends, **values):
    return make(Event, owner_id=owner.id, starts_at=starts, ends_at=ends, **values)


def said(people, starts, ends, actor, **more):
    found = event_conflicts.of([one.id for one in people], starts, ends, actor, **more)
    return [(clash.person, clash.subject) for clash in found]


@pytest.mark.parametrize(
    ("starts", "ends", "clashes"),
    [(-1, 0, False), (1, 2, False), (-1, 0.5, True), (0.5, 2, True), (0.25, 0.5, True),
     (-1, 2, True), (0, 1, True)],
    ids=["right before", "right after", "into its start", "into its end", "within it", "around it",
         "the very same"],
)  # fmt: skip
def test_back_to_back_is_no_conflict(people, starts, ends, clashes):
    busy(people.ana, NOON, NOON + HOUR, subject="Lunch")
    found = said([people.ana], NOON + starts * HOUR, NOON + ends * HOUR, people.ana)
    assert found == ([("Ana", "Lunch")] if clashes else [])


minutes = st.integers(0, 600)
times = st.tuples(minutes, minutes).filter(lambda pair: pair[0] < pair[1])


@given(one=times, other=times)
def test_two_times_overlap_one_as_the_other_and_only_with_a_minute_in_common(one, other):
    def at(minute):
        return NOON + timedelta(minutes=minute)

    both = set(range(*one)) & set(range(*other))
    assert event_conflicts.overlap(*map(at, one), *map(at, other)) is bool(both)
    assert event_conflicts.overlap(*map(at, other), *map(at, one)) is bool(both)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(kept=st.lists(times, min_size=1, max_size=4), asked=times)
def test_the_database_finds_what_the_rule_says_both_ways(people, kept, asked):
    def at(minute):
        return NOON + timedelta(minutes=minute)

    made = [busy(people.ana, at(a), at(b)) for a, b in kept]
    found = event_conflicts.of([people.ana.id], at(asked[0]), at(asked[1]), people.ana)
    expected = {
        (e.starts_at, e.ends_at)
        for e in made
        if event_conflicts.overlap(e.starts_at, e.ends_at, at(asked[0]), at(asked[1]))
    }
    assert {(c.starts_at, c.ends_at) for c in found} == expected
    for event in made:  # and the other way round: what is asked for, seen from what is kept
        here = event_conflicts.overlap(at(asked[0]), at(asked[1]), event.starts_at, event.ends_at)
        assert here is ((event.starts_at, event.ends_at) in expected)
    with records.transaction("tests"):
        for event in made:
            records.delete(event, people.system)


def test_what_it_is_is_told_only_to_who_may_see_it(people):
    busy(people.cho, NOON, NOON + HOUR, subject="Interview")
    assert said([people.cho], NOON, NOON + HOUR, people.ana) == [("Cho", "")]
    assert said([people.cho], NOON, NOON + HOUR, people.dev) == [("Cho", "Interview")]
    busy(people.ben, NOON, NOON + HOUR, subject="Doctor", is_private=True)
    assert said([people.ben], NOON, NOON + HOUR, people.dev) == [("Ben", "")]
    assert said([people.ben], NOON, NOON + HOUR, people.ben) == [("Ben", "Doctor")]


def test_who_is_invited_has_it_too_until_they_decline_or_it_is_cancelled(people):
    event = busy(people.ben, NOON, NOON + HOUR, subject="Review", guests=[people.ana])
    both = [people.ana, people.ben]
    assert said(both, NOON, NOON + HOUR, people.ana) == [("Ben", "Review"), ("Ana", "Review")]
    assert said(both, NOON, NOON + HOUR, people.ana, but=event.id) == []
    with records.transaction("tests"):
        events.answer(event, people.ana, Answer.NO)
    assert said(both, NOON, NOON + HOUR, people.ben) == [("Ben", "Review")]
    with records.transaction("tests"):
        events.cancel(event, people.ben, version=event.version)
    assert said(both, NOON, NOON + HOUR, people.ben) == []


def test_leave_of_whole_days_is_in_the_way_by_its_own_clock(people):
    berlin = ZoneInfo("Europe/Berlin")
    day = datetime(2026, 3, 29, 12, tzinfo=berlin)
    with records.transaction("tests"):
        people.ana.time_zone = "Europe/Berlin"
        leave = Event(owner_id=people.ana.id, subject="Leave", kind="leave", is_all_day=True)
        leave.starts_at = leave.ends_at = day
        records.save(leave, people.ana)
    shanghai = ZoneInfo("Asia/Shanghai")
    early = datetime(2026, 3, 29, 6, tzinfo=shanghai)  # still the 28th in Berlin
    assert said([people.ana], early, early + HOUR, people.ana) == []
    late = datetime(2026, 3, 30, 5, tzinfo=shanghai)  # an hour before that short day ends
    assert said([people.ana], late, late + HOUR, people.ana) == [("Ana", "Leave")]
    assert said([people.ana], late + HOUR, late + 2 * HOUR, people.ana) == []


def test_somebody_else_has_nothing_to_do_with_it(people):
    busy(people.cho, NOON, NOON + HOUR)
    assert said([people.ana], NOON, NOON + HOUR, people.dev) == []
    assert said([], NOON, NOON + HOUR, people.dev) == []
