"""Expenses on their pages: claimed, submitted, decided by somebody else, paid."""

import pytest

from crm_admin.database import db
from crm_admin.models.expenses import Expense, ExpenseStatus
from crm_admin.services import records
from tests.make import make
from tests.pages import form_of


@pytest.fixture
def claim(people):
    """A claim of Ana's, written down by herself, submitted."""
    with records.transaction("tests"):
        expense = Expense(amount=10, spent_on=make_day(), purpose="Taxi", claimant_id=people.ana.id)
        records.save(expense, people.ana)
    return expense


def make_day():
    from datetime import date

    return date(2026, 1, 1)


def step(client, expense, name, **more):
    db.session.rollback()
    sent = {"id": expense.id, "version": expense.version, "step": name} | more
    answer = client.post("/expenses/step/", data=sent, follow_redirects=True)
    db.session.rollback()
    return answer


def test_a_claim_goes_its_way_from_draft_to_paid(claim, people, client_of):
    ana, ben, eve = (client_of(p) for p in (people.ana, people.ben, people.eve))
    step(ana, claim, "submit")
    assert claim.status == ExpenseStatus.SUBMITTED
    step(ben, claim, "approve")
    assert (claim.status, claim.decided_by_id) == (ExpenseStatus.APPROVED, people.ben.id)
    page = step(eve, claim, "pay")
    assert claim.status == ExpenseStatus.PAID
    assert "Paid" in page.text


def test_nobody_decides_on_their_own_claim(people, client_of):
    expense, ben = make(Expense, claimant_id=people.ben.id), client_of(people.ben)
    step(ben, expense, "submit")
    assert "Approve" not in ben.get(f"/expenses/details/?id={expense.id}").text
    answer = step(ben, expense, "approve")
    assert expense.status == ExpenseStatus.SUBMITTED
    assert "Nobody decides on their own expense." in answer.text


def test_who_wrote_a_claim_down_for_another_does_not_approve_it(people, client_of):
    ben = client_of(people.ben)
    form = form_of(ben.get("/expenses/new/"))
    form |= {"claimant": people.ana.id, "amount": "5", "spent_on": "2026-01-01", "purpose": "Taxi"}
    assert ben.post("/expenses/new/", data=form).status_code == 302
    expense = db.session.query(Expense).one()
    step(client_of(people.ana), expense, "submit")
    step(ben, expense, "approve")
    assert expense.status == ExpenseStatus.SUBMITTED
    step(client_of(people.dev), expense, "approve")
    assert expense.status == ExpenseStatus.APPROVED


def test_what_changed_since_it_was_read_is_not_approved(claim, people, client_of):
    ana, ben = client_of(people.ana), client_of(people.ben)
    step(ana, claim, "submit")
    seen = claim.version
    step(ana, claim, "send_back")
    form = form_of(ana.get(f"/expenses/edit/?id={claim.id}"))
    ana.post(f"/expenses/edit/?id={claim.id}", data={**form, "amount": "9999"})
    step(ana, claim, "submit")
    answer = step(ben, claim, "approve", version=seen)
    assert claim.status == ExpenseStatus.SUBMITTED
    assert "changed while you were looking at it" in answer.text
    step(ben, claim, "approve")
    assert claim.status == ExpenseStatus.APPROVED


def test_a_submitted_claim_cannot_be_changed_or_deleted(claim, people, client_of):
    ana = client_of(people.ana)
    form = form_of(ana.get(f"/expenses/edit/?id={claim.id}"))
    step(ana, claim, "submit")
    form |= {"amount": "9999", "version": claim.version}
    ana.post(f"/expenses/edit/?id={claim.id}", data=form)
    ana.post("/expenses/delete/", data={"id": claim.id})
    ana.post("/expenses/action/", data={"action": "delete", "rowid": claim.id})
    db.session.rollback()
    assert (claim.amount, claim.deleted_at) == (10, None)


@pytest.mark.parametrize(
    ("who", "at", "wrong"),
    [
        ("ben", "draft", "approve"),
        ("ben", "draft", "reject"),
        ("eve", "draft", "pay"),
        ("eve", "submitted", "pay"),
        ("ana", "submitted", "submit"),
        ("ana", "submitted", "approve"),
        ("cho", "submitted", "approve"),
        ("fay", "submitted", "approve"),
        ("ana", "approved", "send_back"),
        ("ben", "approved", "approve"),
        ("ben", "approved", "pay"),
        ("eve", "paid", "pay"),
        ("ben", "paid", "send_back"),
        ("dev", "submitted", "password"),
    ],
)
def test_a_step_out_of_turn_changes_nothing(claim, people, client_of, who, at, wrong):
    way = {"draft": 0, "submitted": 1, "approved": 2, "paid": 3}[at]
    steps = [("ana", "submit"), ("ben", "approve"), ("eve", "pay")]
    for name, right in steps[:way]:
        step(client_of(getattr(people, name)), claim, right)
    version = claim.version
    step(client_of(getattr(people, who)), claim, wrong, reason="No")
    assert (claim.status, claim.version) == (at, version)


def test_rejecting_needs_a_reason_that_the_claimant_reads(claim, people, client_of):
    ana, ben = client_of(people.ana), client_of(people.ben)
    step(ana, claim, "submit")
    assert "Say why it is rejected." in step(ben, claim, "reject", reason="  ").text
    assert claim.status == ExpenseStatus.SUBMITTED
    step(ben, claim, "reject", reason="No <b>receipt</b>")
    page = ana.get(f"/expenses/details/?id={claim.id}").text
    assert "No &lt;b&gt;receipt&lt;/b&gt;" in page
    step(ana, claim, "submit")
    assert (claim.status, claim.decision_note) == (ExpenseStatus.SUBMITTED, None)


def test_a_claim_is_submitted_as_it_was_read(people, client_of):
    expense = make(Expense, claimant_id=people.ana.id, amount=10)
    seen = expense.version
    with records.transaction("tests"):
        records.change(expense, {"amount": 9_999}, people.dev)
    answer = step(client_of(people.ana), expense, "submit", version=seen)
    assert expense.status == ExpenseStatus.DRAFT
    assert "changed while you were looking" in answer.text
