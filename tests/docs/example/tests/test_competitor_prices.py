"""What is particular to competitor prices; the sweeps try what all entities do."""

from datetime import date

import pytest

from crm_admin.errors import Invalid
from crm_admin.models.competitor_prices import CompetitorPrice
from crm_admin.models.customers import Customer
from tests.make import make


@pytest.mark.parametrize(
    ("ends", "fits"),
    [(date(2026, 5, 1), True), (date(2026, 4, 30), False), (None, True)],
    ids=["ends that day", "ended the day before", "no special offer"],
)
def test_an_offer_is_seen_before_it_ends(app, ends, fits):
    values = {"seen_on": date(2026, 5, 1), "offer_ends_on": ends}
    if fits:
        assert make(CompetitorPrice, **values).number == "CP-000001"
        return
    with pytest.raises(Invalid, match="cannot have ended"):
        make(CompetitorPrice, **values)


def test_a_salesperson_reports_a_price_in_their_own_name(people, client_of):
    customer = make(Customer, name="Lotus Pharmacy", account_manager_id=people.ana.id)
    ana = client_of(people.ana)
    typed = {"product": "Vitamin C", "competitor": "Rival", "price": "12.50"}
    typed |= {"customer": customer.id, "currency": "CNY", "seen_on": "2026-05-01"}
    typed |= {"availability": "sold_out"}
    page = ana.post("/competitor_prices/new/", data=typed, follow_redirects=True)
    assert all(shown in page.text for shown in ("CP-000001", "Sold out", "12.50 CNY", "Ana"))


def test_who_looks_after_the_customer_reads_what_others_saw_there(people, client_of):
    customer = make(Customer, name="Lotus Pharmacy", account_manager_id=people.ana.id)
    make(CompetitorPrice, product="Vitamin C", customer=customer, reporter_id=people.cho.id)
    id = make(CompetitorPrice, product="Elsewhere", reporter_id=people.cho.id).id
    ana = client_of(people.ana)
    assert "Vitamin C" in ana.get("/competitor_prices/").text
    assert ana.get(f"/competitor_prices/details/?id={id}").status_code == 404
