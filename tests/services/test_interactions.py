"""What belongs together belongs to one customer, and what happened lies in the past."""

from datetime import timedelta

import pytest

from crm_admin import clock
from crm_admin.errors import Invalid
from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Customer
from crm_admin.models.expenses import Expense
from crm_admin.models.interactions import Interaction
from crm_admin.services import loading, picklists
from tests.make import make
from tests.services.test_records import change


def test_a_contract_of_another_customer_is_refused(people):
    mine, theirs = make(Contract), make(Contract)
    expense = make(Expense, claimant_id=people.dev.id)
    with pytest.raises(Invalid, match="another customer"):
        change(expense, people.dev, contract=theirs, customer=mine.customer)
    change(expense, people.dev, contract=theirs)  # of no customer yet
    with pytest.raises(Invalid, match="another customer"):
        change(expense, people.dev, customer=mine.customer)
    with pytest.raises(Invalid, match="another customer"):
        change(mine, people.dev, predecessor=theirs)
    change(mine, people.dev, predecessor=make(Contract, customer=mine.customer))


def test_what_is_still_to_come_has_not_happened(people):
    ahead = clock.now() + timedelta(days=2)
    with pytest.raises(Invalid, match="still to come"):
        change(make(Expense, claimant_id=people.dev.id), people.dev, spent_on=ahead.date())
    written = make(Interaction, author_id=people.dev.id)
    with pytest.raises(Invalid, match="still to come"):
        change(written, people.dev, happened_at=ahead)
    change(written, people.dev, happened_at=clock.now() + timedelta(minutes=5))


def test_what_is_loaded_keeps_the_same_rules(people):
    from crm_admin.services import records

    customer, theirs = make(Customer), make(Contract)
    row = {"claimant_id": people.dev.id, "amount": 1, "purpose": "x"}
    row |= {"customer_id": customer.id, "contract_id": theirs.id, "spent_on": clock.now().date()}
    with pytest.raises(loading.Refused) as refused, records.transaction("tests"):
        loading.load(Expense, [row], people.system)
    assert [p.field for p in refused.value.rows[0]] == ["contract_id"]


def test_a_choice_is_known_with_and_without_gaps(people):
    codes = {picklists.code_of("customer_grades", text) for text in ("A 级", "A级", "a級", "A")}
    assert codes == {"A"}


def test_a_file_names_contracts_by_number_so_that_it_can_be_taken_in_again(people, client_of):
    before = make(Contract, title_text="Care")
    make(Contract, title_text="Care", customer=before.customer, predecessor=before)
    file = client_of(people.dev).get("/contracts/export/csv/").text
    assert file.count(before.number) == 2


def test_without_a_moment_it_is_said_that_it_is_missing(people):
    talk = make(Interaction, author_id=people.dev.id)
    with pytest.raises(Invalid) as refused:
        change(talk, people.dev, happened_at=None)
    assert "happened_at" in [problem.field for problem in refused.value.problems]
    change(talk, people.dev, happened_at=clock.now() - timedelta(hours=1))
