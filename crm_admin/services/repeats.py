"""When a task that repeats is due next."""

from datetime import date, timedelta

from crm_admin.models.tasks import Repeat, last_or

_WEEKEND = 5  # Saturday, counted from Monday as 0


def following(day: date, repeat: Repeat, every: int, keeps: int) -> date | None:
    """Return the day after this one on which a series is due; None where it does not go on.

    A month that is too short for the day has it on its last one, and the next month that is long
    enough on the day itself: 31 January, 28 February, 31 March. So has 29 February. Source: C4

    Args:
        every: of so many days, weeks, months or years one counts; at least 1.
        keeps: the day of the month that the series keeps.
    """
    try:
        if repeat == Repeat.DAILY:
            return day + timedelta(days=every)
        if repeat == Repeat.WORKING_DAYS:
            return _working_day(day, every)
        if repeat == Repeat.WEEKLY:
            return day + timedelta(weeks=every)
        if repeat in (Repeat.MONTHLY, Repeat.YEARLY):
            return _month_later(day, every * (12 if repeat == Repeat.YEARLY else 1), keeps)
    except (OverflowError, ValueError):  # beyond the year 9999
        return None
    return None


def _working_day(day: date, count: int) -> date:
    """Return the day so many working days later; weeks have five, holidays are not known."""
    weeks, days = divmod(count, 5)
    if day.weekday() >= _WEEKEND:  # the days count from the Friday before
        day -= timedelta(days=day.weekday() - _WEEKEND + 1)
    day += timedelta(weeks=weeks)
    for _ in range(days):
        day += timedelta(days=1 if day.weekday() < _WEEKEND - 1 else 3)
    return day


def _month_later(day: date, months: int, keeps: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return last_or(date(year, month + 1, 1), keeps)
