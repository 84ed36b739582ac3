"""Expense screens, with the buttons by which a claim goes its way."""

from typing import Any

from flask import redirect, request
from flask_admin import expose

from crm_admin import clock
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.expenses import Expense
from crm_admin.services import access, expenses, records
from crm_admin.views import pages, requests
from crm_admin.views.base import BASICS, EntityView
from crm_admin.views.words import gettext as _

_STEPS = {
    "submit": (N_("Submit"), "send", "primary"),
    "approve": (N_("Approve"), "check", "primary"),
    "reject": (N_("Reject"), "x", "danger"),
    "send_back": (N_("Send back"), "undo-2", ""),
    "pay": (N_("Mark as paid"), "banknote", "primary"),
}


class ExpenseView(EntityView):
    """An expense's list, page and form."""

    model = Expense
    menu = N_("Contracts and costs")
    icon, order, new_in_menu = "receipt", 20, True
    verbs = {"step": "view"}
    details_template = "expenses/details.html"

    column_list = (
        "number",
        "purpose",
        "kind",
        "status",
        "amount",
        "currency",
        "spent_on",
        "claimant",
        "customer",
    )
    mine = "claimant"
    narrowed = {"contract": "customer"}
    filters = ("status", "kind", "claimant", "customer", "contract", "spent_on", "amount")
    badges = ("status", "kind")
    subtitle = ("purpose", "claimant", "spent_on")
    sections = (
        (BASICS, ("kind", "amount", "currency", "spent_on", "claimant", "purpose")),
        (N_("For whom"), ("customer", "contract")),
    )

    def buttons(self, record: Record) -> list[dict[str, Any]]:
        """Offer the steps the user may take now; rejecting asks for its reason on the page."""
        assert isinstance(record, Expense)
        return [
            pages.button(
                _(_STEPS[step][0]),
                f"{self.path}step/",
                *_STEPS[step][1:],
                fields=[("id", record.id), ("version", record.version), ("step", step)],
            )
            for step in expenses.steps(record, requests.actor())
            if step != "reject"
        ]

    def more_context(self, record: Record) -> dict[str, Any]:
        assert isinstance(record, Expense)
        return {"steps": expenses.steps(record, requests.actor())}

    @expose("/step/", methods=("POST",))
    def step(self) -> Any:
        """Take one step with a claim, as it was when the user looked at it."""
        actor, step = requests.actor(), request.form.get("step", "")
        expense = self.get_one(request.form.get("id"))
        id, version = expense.id, access.key_of(request.form.get("version")) or 0
        with self.told(), records.transaction("form"):
            if step == "submit":
                expenses.submit(expense, actor, version=version)
            elif step == "reject":
                reason = request.form.get("reason", "")
                expenses.reject(expense, actor, version=version, reason=reason)
            elif step == "pay":
                today = clock.day_in(requests.company_zone())
                expenses.pay(expense, actor, version=version, today=today)
            elif step in ("approve", "send_back"):
                getattr(expenses, step)(expense, actor, version=version)
        return redirect(f"{self.path}details/?id={id}")
