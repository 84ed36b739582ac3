"""Contracts: their owner, those about to run out, and those that did."""

from collections.abc import Sequence
from datetime import date

from crm_admin.database import db
from crm_admin.errors import Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.contracts import Contract, ContractStatus, RenewalPolicy
from crm_admin.models.customers import Customer
from crm_admin.models.users import User
from crm_admin.services import access, changes, notifications, records

#: How many contracts one transaction of a job looks at.
CHUNK = 500


@records.prepare.register
def _prepare(record: Contract, actor: User) -> None:
    """Refuse to follow another customer's contract, and find a new one its owner.

    It is its customer's account manager, where nobody else is named.

    Who may not give contracts to others keeps those they add.
    """
    if record.predecessor_id is not None and changes.of(record).keys() & {
        "predecessor_id",
        "customer_id",
    }:
        before = db.session.get(Contract, record.predecessor_id)
        if before is not None and before.customer_id != record.customer_id:
            message = N_("This contract belongs to another customer.")
            raise Invalid([Problem("predecessor_id", message)])
    if record.id is None and record.owner_id is None and record.customer_id is not None:
        customer = db.session.get(Customer, record.customer_id)
        if customer is not None and access.allows(actor, "assign", Contract):
            record.owner_id = customer.account_manager_id


def due_after(today: date, last: int) -> Sequence[Contract]:
    """Return the next active contracts whose owner should hear of them by today, by id.

    A contract is due from `notice_days` before `ends_on` until `ends_on` itself, both included.

    Source: H2 (天劍CRM case: 系統自動提醒用戶，哪些客戶將要到期)
    """
    statement = records.alive(Contract).where(
        Contract.id > last,
        Contract.status == ContractStatus.ACTIVE,
        Contract.remind_on <= today,
        Contract.ends_on >= today,
    )
    return db.session.scalars(statement.order_by(Contract.id).limit(CHUNK)).all()


def warn_owners(contracts: Sequence[Contract]) -> int:
    """Tell each contract's owner that it runs out; return how many were told now.

    Once per contract, end and lead time, whoever runs this and however often. Source: H2
    """
    return notifications.notify_all(
        notifications.Message(
            user_id=contract.owner_id,
            key=f"renewal:{contract.id}:{contract.ends_on}:{contract.notice_days}:inbox",
            kind="renewal",
            message=N_("%(contract)s of %(customer)s ends on %(day)s."),
            values=_named(contract),
            entity="contracts",
            record_id=contract.id,
        )
        for contract in contracts
    )


def ended_after(today: date, last: int) -> Sequence[Contract]:
    """Return the next active contracts whose last day is before today, by id."""
    statement = records.alive(Contract).where(
        Contract.id > last,
        Contract.status == ContractStatus.ACTIVE,
        Contract.ends_on < today,
    )
    return db.session.scalars(statement.order_by(Contract.id).limit(CHUNK)).all()


def end(contracts: Sequence[Contract], actor: User) -> int:
    """Do what each ended contract's policy says; return how many became not renewed.

    One that is to run out becomes *not renewed*; of the others the owner is told that they ended
    and wait for a decision. Source: H3
    """
    lapsed = [c for c in contracts if c.renewal_policy == RenewalPolicy.LAPSE]
    for contract in lapsed:
        contract.status = ContractStatus.NOT_RENEWED
        records.save(contract, actor)
    notifications.notify_all(
        notifications.Message(
            user_id=contract.owner_id,
            key=f"ended:{contract.id}:{contract.ends_on}:inbox",
            kind="renewal",
            message=(
                N_("%(contract)s of %(customer)s ended on %(day)s and is now not renewed.")
                if contract.status == ContractStatus.NOT_RENEWED
                else N_("%(contract)s of %(customer)s ended on %(day)s: renew it or end it.")
            ),
            values=_named(contract),
            entity="contracts",
            record_id=contract.id,
        )
        for contract in contracts
    )
    return len(lapsed)


def _named(contract: Contract) -> dict[str, str]:
    return {
        "contract": f"{contract.number} {contract.title_text}",
        "customer": contract.customer.name,
        "day": contract.ends_on.isoformat(),
    }
