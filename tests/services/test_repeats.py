"""When a series is due next: it skips nothing, and knows short months and leap days."""

import itertools
from calendar import monthrange
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_admin.models.tasks import Repeat
from crm_admin.services.repeats import following

days = st.dates(date(1990, 1, 1), date(2090, 12, 31))
some = st.integers(1, 30)


def series(first, repeat, every, count):
    """Return the first days of a series, the day it begins with among them."""
    found = [first]
    for _ in range(count):
        found.append(following(found[-1], repeat, every, first.day))
    return found


def words(first, repeat, every, count):
    return [day.isoformat() for day in series(date.fromisoformat(first), repeat, every, count)]


@pytest.mark.parametrize(
    ("first", "repeat", "every", "then"),
    [
        ("2026-12-31", Repeat.DAILY, 1, ["2027-01-01", "2027-01-02"]),
        ("2026-11-20", Repeat.WORKING_DAYS, 1, ["2026-11-23", "2026-11-24"]),
        ("2026-11-19", Repeat.WORKING_DAYS, 2, ["2026-11-23", "2026-11-25"]),
        ("2026-11-21", Repeat.WORKING_DAYS, 1, ["2026-11-23", "2026-11-24"]),
        ("2026-11-22", Repeat.WORKING_DAYS, 1, ["2026-11-23", "2026-11-24"]),
        ("2026-11-24", Repeat.WEEKLY, 2, ["2026-12-08", "2026-12-22"]),
        ("2026-01-31", Repeat.MONTHLY, 1, ["2026-02-28", "2026-03-31", "2026-04-30"]),
        ("2028-01-30", Repeat.MONTHLY, 1, ["2028-02-29", "2028-03-30"]),
        ("2026-11-30", Repeat.MONTHLY, 3, ["2027-02-28", "2027-05-30"]),
        (
            "2028-02-29",
            Repeat.YEARLY,
            1,
            ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"],
        ),
        ("2096-02-29", Repeat.YEARLY, 4, ["2100-02-28", "2104-02-29"]),
    ],
)
def test_the_days_of_a_series(first, repeat, every, then):
    assert words(first, repeat, every, len(then))[1:] == then


def test_what_does_not_repeat_has_no_next_day():
    assert following(date(2026, 1, 1), Repeat.NEVER, 1, 1) is None


@pytest.mark.parametrize("repeat", [r for r in Repeat if r is not Repeat.NEVER])
def test_a_series_ends_with_the_calendar(repeat):
    assert following(date(9999, 12, 31), repeat, 999, 31) is None


@given(days, some)
def test_days_and_weeks_are_so_many_days_apart(first, every):
    for repeat, length in ((Repeat.DAILY, 1), (Repeat.WEEKLY, 7)):
        found = series(first, repeat, every, 5)
        assert {b - a for a, b in itertools.pairwise(found)} == {timedelta(days=every * length)}


@given(days, some)
def test_no_working_day_is_skipped_and_no_weekend_is_worked(first, every):
    found = series(first, Repeat.WORKING_DAYS, every, 8)
    for before, after in itertools.pairwise(found):
        assert after.weekday() < 5
        between = (before + timedelta(days=n) for n in range(1, (after - before).days + 1))
        assert sum(day.weekday() < 5 for day in between) == every


@given(days, some, st.sampled_from((Repeat.MONTHLY, Repeat.YEARLY)))
def test_no_month_is_skipped_and_each_keeps_its_day_or_has_its_last(first, every, repeat):
    months = every * (12 if repeat is Repeat.YEARLY else 1)
    found = series(first, repeat, every, 12 if repeat is Repeat.MONTHLY else 5)
    for place, day in enumerate(found):
        assert day.year * 12 + day.month == first.year * 12 + first.month + place * months
        assert day.day == min(first.day, monthrange(day.year, day.month)[1])
