"""Two people with different rights at one list at the same time: nothing leaks between them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from crm_admin.models.customers import Customer
from crm_admin.services import records
from tests.make import make


def hammer(people, client_of, times, threads=8):
    """Let Ana and Cho ask for the same pages from many threads; return what leaked."""
    role = people.ana.roles[0]
    with records.transaction("tests"):
        role.fields = {"customers": {"phone": "hidden"}}
        records.save(role, people.system)
    make(Customer, name="North Ltd", phone="555-0101", account_manager_id=people.ana.id)
    make(Customer, name="South Ltd", phone="555-0202", account_manager_id=people.cho.id)
    clients = [
        (client_of(people.ana), "North", "South"),
        (client_of(people.dev), "South", "Nobody"),
    ]
    pages = ("/customers/", "/customers/?sort=phone", "/customers/export/csv/")

    def ask(number):
        client, mine, theirs = clients[number % 2]
        text = client.get(pages[number % 3]).text
        hidden = number % 2 == 0 and "555-" in text
        shown = number % 2 == 1 and "555-0202" not in text
        return [number] if mine not in text or theirs in text or hidden or shown else []

    with ThreadPoolExecutor(threads) as pool:
        return [number for found in pool.map(ask, range(times)) for number in found]


def test_what_one_may_not_see_never_comes_by_another_persons_request(people, client_of):
    assert hammer(people, client_of, 120) == []


@pytest.mark.attack
def test_nor_in_ten_thousand_requests(people, client_of):
    assert hammer(people, client_of, 10_000) == []
