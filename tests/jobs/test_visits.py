"""The job of visits due: once for each customer and day, however often it runs."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from crm_admin.jobs import JOBS, run
from crm_admin.models.cadences import Cadence
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.services import notifications
from tests.make import make

DAY = date(2026, 3, 31)


def test_who_looks_after_a_customer_is_told_once_of_a_visit_that_is_due(people):
    make(Cadence, name="A", grade="A", every_days=30)
    customer = make(Customer, name="Acme", grade="A", account_manager_id=people.ana.id)
    at = datetime(2026, 3, 1, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
    make(Interaction, customer=customer, author_id=people.ana.id, kind="visit", happened_at=at)
    counts = [
        run(JOBS["tell_of_visits"], DAY + timedelta(days=days)).count for days in (-1, 0, 0, 1)
    ]
    assert counts == [0, 1, 0, 0]
    [told] = notifications.told(people.ana, notifications.inbox(people.ana))
    assert told.leads
    assert told.values == {"customer": "Acme", "day": "2026-03-31"}
