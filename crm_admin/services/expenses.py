"""Expenses: claimed, submitted, decided by somebody else, and paid."""

from datetime import date

from sqlalchemy import ColumnElement, and_, or_

from crm_admin import clock
from crm_admin.database import db
from crm_admin.errors import Conflict, Denied, Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.contracts import Contract
from crm_admin.models.expenses import Expense, ExpenseStatus
from crm_admin.models.users import User
from crm_admin.services import access, changes, records


@records.prepare.register
def _prepare(record: Expense, actor: User) -> None:
    """Refuse another customer's contract, and what was not spent yet."""
    changed = changes.of(record)
    if record.contract_id is not None and changed.keys() & {"contract_id", "customer_id"}:
        contract = db.session.get(Contract, record.contract_id)
        if contract is not None and record.customer_id not in (None, contract.customer_id):
            message = N_("This contract belongs to another customer.")
            raise Invalid([Problem("contract_id", message)])
    if "spent_on" in changed and record.spent_on and record.spent_on > clock.latest_day():
        raise Invalid([Problem("spent_on", N_("This day is still to come."))])


def submit(expense: Expense, actor: User, *, version: int) -> None:
    """Hand the claim in as it was read; from now on it can change only after it is sent back."""
    _step(expense, actor, "edit", (ExpenseStatus.DRAFT, ExpenseStatus.REJECTED), version)
    expense.status, expense.submitted_at = ExpenseStatus.SUBMITTED, clock.now()
    expense.decided_by_id, expense.decided_at, expense.decision_note = None, None, None
    records.save(expense, actor, action="submitted", asked=True)


def approve(expense: Expense, actor: User, *, version: int) -> None:
    """Agree to pay the claim as it was read.

    Raises:
        Conflict: it changed since `version`. Denied: it is the actor's own.
    """
    _decide(expense, actor, version)
    expense.status = ExpenseStatus.APPROVED
    records.save(expense, actor, action="approved")


def reject(expense: Expense, actor: User, *, version: int, reason: str) -> None:
    """Refuse the claim, with a reason; its claimant may change it and submit it again."""
    if not reason.strip():
        raise Invalid([Problem("decision_note", N_("Say why it is rejected."))])
    _decide(expense, actor, version)
    expense.status, expense.decision_note = ExpenseStatus.REJECTED, reason.strip()
    records.save(expense, actor, action="rejected")


def send_back(expense: Expense, actor: User, *, version: int) -> None:
    """Make a submitted claim a draft again: its claimant's wish, or that of who decides."""
    mine = actor.id == expense.claimant_id
    _step(expense, actor, "edit" if mine else "approve", (ExpenseStatus.SUBMITTED,), version)
    expense.status, expense.submitted_at = ExpenseStatus.DRAFT, None
    records.save(expense, actor, action="sent back")


def pay(expense: Expense, actor: User, *, version: int, today: date) -> None:
    """Note that an approved claim was paid today, the company's day. Nobody pays their own."""
    _step(expense, actor, "pay", (ExpenseStatus.APPROVED,), version)
    _not_own(expense, actor)
    expense.status, expense.paid_on = ExpenseStatus.PAID, today
    records.save(expense, actor, action="paid")


def _decide(expense: Expense, actor: User, version: int) -> None:
    _step(expense, actor, "approve", (ExpenseStatus.SUBMITTED,), version)
    _not_own(expense, actor)
    expense.decided_by_id, expense.decided_at = actor.id, clock.now()


def _not_own(expense: Expense, actor: User) -> None:
    """Refuse to decide on one's own claim, as claimant or as who wrote it down. Source: I8"""
    if actor.id in (expense.claimant_id, expense.created_by_id):
        raise Denied(N_("Nobody decides on their own expense."))


def _step(
    expense: Expense,
    actor: User,
    verb: str,
    allowed: tuple[ExpenseStatus, ...],
    version: int,
) -> None:
    """Lock the claim as far as the actor may do this, and refuse a step out of order."""
    if not access.allows(actor, verb, Expense):
        raise Denied(N_("You have no right to do this."))
    records.claim(expense, actor, verb)
    if version != expense.version:
        raise Conflict(N_("This expense changed while you were looking at it."))
    if expense.status not in allowed:
        raise Invalid([Problem("", N_("This expense is not at that step now."))])


def steps(expense: Expense, actor: User) -> list[str]:
    """Return the steps the actor may take with the claim as it stands."""
    mine = actor.id in (expense.claimant_id, expense.created_by_id)
    if expense.status in (ExpenseStatus.DRAFT, ExpenseStatus.REJECTED):
        return ["submit"] if access.may(expense, actor, "edit") else []
    if expense.status == ExpenseStatus.SUBMITTED:
        decides = not mine and access.may(expense, actor, "approve")
        found = ["approve", "reject"] if decides else []
        own = actor.id == expense.claimant_id and access.may(expense, actor, "edit")
        return [*found, "send_back"] if decides or own else found
    if expense.status == ExpenseStatus.APPROVED:
        return ["pay"] if not mine and access.may(expense, actor, "pay") else []
    return []


def others_than(actor: User) -> ColumnElement[bool]:
    """Return the condition of the claims that are not the actor's own. Source: I8"""
    return and_(
        Expense.claimant_id != actor.id,
        or_(Expense.created_by_id.is_(None), Expense.created_by_id != actor.id),
    )
