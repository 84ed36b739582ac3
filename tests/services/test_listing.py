"""How many records a list says it has, where rights leave very many."""

import pytest

from crm_admin.models.customers import Customer
from crm_admin.models.roles import Role
from crm_admin.services import listing, records
from crm_admin.services.listing import Question
from tests.make import make


@pytest.fixture
def ben(people, monkeypatch):
    """Ben, who sees all customers but those called Zeta, of which there are many: three."""
    monkeypatch.setattr(listing, "_AT_ONCE", 2)
    role = make(
        Role,
        label_en="Some",
        grants={"customers": {"view": "all"}},
        conditions={"customers": {"view": "name != 'Zeta'"}},
    )
    with records.transaction("tests"):
        people.ben.roles = [role]
        records.save(people.ben, people.system)
    for name in ("A", "B", "C", "Zeta"):
        make(Customer, name=name)
    return people.ben


def test_it_is_counted_within_rights_and_anew_after_a_while(ben, monkeypatch):
    def page(**asked):
        return listing.page(Customer, ben, Question(size=2, **asked), ["name"])

    assert (page().count, [row[1] for row in page().rows]) == (3, ["C", "B"])
    make(Customer, name="D")
    again = page()
    assert (again.count, [row[1] for row in again.rows]) == (3, ["D", "C"]), "rows are always new"
    assert page(search="D").count == 1, "what is asked for is counted every time"
    now = listing.time.monotonic() + listing.COUNTED_EVERY + 1
    monkeypatch.setattr(listing.time, "monotonic", lambda: now)
    assert page().count == 4
