"""Handing customers over: what would go to whom, the question before, and what was done.

A part of `CustomerView`, which has the rights and rows that it asks for.
"""

import re
from typing import Any

from flask import abort, current_app, flash, redirect, request
from flask_admin import expose
from wtforms import Form, TextAreaField

from crm_admin.models.base import Record
from crm_admin.models.customers import Customer, Part
from crm_admin.models.handovers import LONGEST_REASON
from crm_admin.models.users import User
from crm_admin.services import (
    access,
    handover_plans,
    handovers,
    handovers_back,
    labels,
    listing,
    pool,
)
from crm_admin.services.handover_plans import MOST, Item, Plan
from crm_admin.views import columns, forms, lists, pages, requests
from crm_admin.views.words import gettext as _
from crm_admin.views.words import ngettext

#: How many names of customers a page shows.
SHOWN = 10
_PARTS = tuple(Part)
_ITEM = re.compile(r"(\d{1,10})\.([0-2])\.(\d{1,10})")


class HandoverPages:
    """The pages by which customers are handed over. Source: A6"""

    path: str
    render: Any
    get_one: Any
    told: Any

    @expose("/hand_over/", methods=("GET", "POST"))
    def hand_over(self) -> Any:
        """Show what would be handed over; ask to whom and why; do it once it was confirmed."""
        actor, typed = requests.actor(), request.method == "POST"
        person = _person(actor)
        items = _sent() if typed else self._asked(actor, person)
        return self.handing_over(items, person, typed=typed)

    def handing_over(
        self, items: list[Item], person: User | None = None, *, typed: bool = False
    ) -> Any:
        """Show the form for these customers, or what was wrong in it, or carry it out."""
        actor, back = requests.actor(), requests.back(self.path)
        items = handover_plans.allowed(actor, items) if len(items) <= MOST else items
        if not items:
            flash(_("There is nothing here that you may hand over."), "warning")
            return redirect(back)
        if len(items) > MOST:
            message = _(
                "These are more than %(count)s customers: take a filter.", count=f"{MOST:,}"
            )
            flash(message, "warning")
            return redirect(back)
        form, ready = _form(self.path, request.form if typed else None), False
        if typed and form.validate():
            to, reason = form["to"].data, form["reason"].data or ""
            with self.told() as telling:
                telling.form = form
                handovers.check(items, to, reason, actor)
                ready = True
                if "confirmed" in request.form:
                    return self._done(handovers.hand_over(items, to, reason, actor, "form"))
        plan = handover_plans.plan(items)
        return self.render(
            "customers/hand_over.html",
            title=_title(plan, person),
            crumbs=[(_("Customers"), self.path)],
            facts=_facts(plan),
            names=_names(plan),
            more=max(0, len(plan.customers) - SHOWN),
            form=form,
            items=" ".join(
                f"{i.customer_id}.{_PARTS.index(i.part)}.{i.from_id or 0}" for i in items
            ),
            person_id=person.id if person is not None else "",
            back=back,
            ready=ready,
            warning=_too_many(form["to"].data, plan) if ready else "",
        )

    def _asked(self, actor: User, person: User | None) -> list[Item]:
        """Return what the address asks for: all of a person, all a list finds, or one customer."""
        if person is not None:
            return handover_plans.of_person(actor, person)
        if request.args.get("all") == "1":
            return handover_plans.of_list(actor, lists.asked(self))
        record = self.get_one(request.args.get("id"))
        return handover_plans.of_customers(actor, [record.id])

    def _done(self, outcome: handovers.Outcome) -> Any:
        """Say what was done; show what was refused, or else lead to the handover."""
        if outcome.customers:
            flash(_moved(outcome), "success")
        elif not outcome.refused:
            flash(_("There is nothing here that you may hand over."), "warning")
        if outcome.customers and not outcome.refused:
            return redirect(f"{self.path}handover/?id={outcome.handover_id}")
        return self._result(outcome.handover_id, outcome)

    @expose("/handover/")
    def handover(self) -> Any:
        """Show a handover, and the button that takes it back."""
        return self._result(request.args.get("id"), handovers.Outcome())

    @expose("/take_back/", methods=("POST",))
    def take_back(self) -> Any:
        """Take a handover back as a whole; what somebody else has changed since stays."""
        actor = requests.actor()
        found = handovers_back.find(request.form.get("id"), actor) or abort(404)
        id, outcome = found.id, handovers.Outcome()
        with self.told():
            outcome = handovers_back.take_back(found, actor, "form")
            if outcome.customers:
                message = ngettext(
                    "%(num)s customer went back.", "%(num)s customers went back.", outcome.customers
                )
                flash(message, "success")
        return self._result(id, outcome)

    def _result(self, id: Any, outcome: handovers.Outcome) -> Any:
        """Show a handover, or, where nothing was handed over, only what was refused."""
        actor, zone = requests.actor(), requests.zone()
        found = handovers_back.find(id, actor)
        if found is None and not outcome.refused:
            abort(404)
        facts, customers = [], []
        if found is not None:
            by, to = handovers_back.people(found)
            facts = [
                (_("Handed over by"), by.name),
                (_("To whom"), to.name),
                (_("When"), columns.moment(found.created_at, zone)),
                (_("Reason"), found.reason),
            ]
            counted = handovers_back.counts(found)
            facts += [(_(model.plural), f"{count:,}") for model, count in counted.items()]
            customers = list(handovers_back.customers(found, actor, SHOWN))
        return self.render(
            "customers/handover.html",
            title=_("Handover"),
            crumbs=[(_("Customers"), self.path)],
            facts=facts,
            customers=customers,
            refused=[(r.customer or "—", r.problem.text(_)) for r in outcome.refused],
            id=found.id if found is not None and found.undone_at is None else None,
            undone=columns.moment(found.undone_at, zone) if found is not None else "",
        )

    def handover_buttons(self, record: Customer) -> list[dict[str, Any]]:
        """Return the button that hands a customer over, for who may."""
        actor = requests.actor()
        if not handover_plans.may(actor) or not access.may(record, actor, "assign"):
            return []
        url = f"{self.path}hand_over/?id={record.id}"
        return [pages.button(_("Hand over"), url, "arrow-right-left")]

    def list_buttons(self, here: list[tuple[str, Any]]) -> list[dict[str, Any]]:
        """Offer to hand over all that the list finds."""
        if not handover_plans.may(requests.actor()):
            return []
        url = requests.address(f"{self.path}hand_over/", [*here, ("all", "1")])
        return [pages.button(_("Hand over all found"), url, "arrow-right-left")]

    def act(self, action: str, chosen: list[Record]) -> Any:
        """Show what handing over the selected customers would do."""
        if action == "hand_over":
            ids = [record.id for record in chosen]
            return self.handing_over(handover_plans.of_customers(requests.actor(), ids))
        return None


def of_person_button(person: User, actor: User) -> list[dict[str, Any]]:
    """Return the button that hands over all customers of somebody, meant for leavers."""
    if not handover_plans.may(actor) or person.is_system:
        return []
    url = f"/customers/hand_over/?from={person.id}"
    return [pages.button(_("Hand over everything"), url, "arrow-right-left")]


def _person(actor: User) -> User | None:
    """Return whose customers are handed over, where the request names somebody."""
    if not (asked := request.values.get("from")):
        return None
    return access.find(User, asked, actor, "lookup") or abort(404)


def _sent() -> list[Item]:
    """Return the items as the page before had them; what they are now is looked at again."""
    found = _ITEM.findall(request.form.get("items", "")[: MOST * 30])
    return [
        Item(id, _PARTS[int(part)], access.key_of(holder))
        for text, part, holder in found
        if (id := access.key_of(text)) is not None
    ]


def _form(path: str, data: Any) -> Form:
    """Return the form that asks to whom, and why."""
    fields = {
        "to": forms.LookupField(
            _("To whom"),
            model=User,
            lookup_url=f"{path}ajax/lookup/?name=account_manager",
            create_url=None,
        ),
        "reason": TextAreaField(
            _("Reason"),
            description=_("The history of each customer keeps it, and both people are told."),
            render_kw={"maxlength": LONGEST_REASON},
        ),
        "Meta": forms.Meta,
    }
    form: Form = type("HandoverForm", (Form,), fields)(data)
    for name in ("to", "reason"):
        form[name].flags.required = True
    return form


def _title(plan: Plan, person: User | None) -> str:
    if person is not None:
        return str(_("Hand over everything of %(name)s", name=person.name))
    count = len(plan.customers)
    return str(ngettext("Hand over %(num)s customer", "Hand over %(num)s customers", count))


def _facts(plan: Plan) -> list[tuple[str, str]]:
    """Return how many records of each kind go over."""
    parts = plan.parts
    found = [(_("Customers"), f"{len(plan.customers):,}")]
    if list(parts) != [Part.ACCOUNT_MANAGER]:
        found += [(_(labels.label_of(part)), f"{count:,}") for part, count in parts.items()]
    return found + [(_(model.plural), f"{count:,}") for model, count in plan.along.items()]


def _names(plan: Plan) -> list[tuple[int, str]]:
    """Return (id, name) of the first customers; whoever may hand them over sees them."""
    rows = listing.rows_of(Customer, plan.customers[:SHOWN], ["name"], requests.actor())
    return [(row[0], row[1]) for row in rows]


def _too_many(to: User, plan: Plan) -> str:
    """Return a warning where the new person would have more customers than they should."""
    gained = {i.customer_id for i in plan.items if i.part is Part.ACCOUNT_MANAGER}
    companys = int(current_app.config["CUSTOMERS_PER_PERSON"])
    count, most = pool.held_by(to.id) + len(gained), pool.most_of(to, companys)
    if not most or count <= most:
        return ""
    said = {"name": to.name, "count": f"{count:,}", "most": f"{most:,}"}
    return str(
        _("%(name)s would look after %(count)s customers; %(most)s should be the most.", **said)
    )


def _moved(outcome: handovers.Outcome) -> str:
    """Return in words what was handed over."""
    count = outcome.customers
    text = ngettext("%(num)s customer handed over.", "%(num)s customers handed over.", count)
    along = [f"{_(model.plural)}: {n:,}" for model, n in outcome.along.items()]
    return " ".join([str(text), *along])
