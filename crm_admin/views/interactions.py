"""Interaction screens: written down in seconds, closed the same day, corrected beside it."""

from typing import Any

from flask import abort, flash, redirect, request
from flask_admin import expose
from wtforms import Form

from crm_admin.errors import CrmError
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.models.users import User
from crm_admin.services import (
    access,
    closing,
    corrections,
    interactions,
    picklists,
    records,
    reopening,
)
from crm_admin.views import columns, pages, requests
from crm_admin.views.base import BASICS, MOST_SELECTED, EntityView
from crm_admin.views.several import SeveralField
from crm_admin.views.words import gettext as _
from crm_admin.views.words import ngettext

#: What the short form asks for, in the order in which it is typed.
QUICK = (
    "customer",
    "contact",
    "kind",
    "place",
    "content",
    "effect",
    "next_step",
    "next_step_on",
    "happened_at",
    "colleagues",
    "guests",
)


class InteractionView(EntityView):
    """What passed with customers: list, page and form."""

    model = Interaction
    menu = N_("Customers")
    icon, order, new_in_menu = "message-square", 30, True
    verbs = {
        "close": "edit",
        "correct": "view",
        "ask_reopening": "edit",
        "answer_reopening": "reopen",
        "last_ones": "view",
    }
    actions = {"delete": "delete", "close": "edit"}
    action_labels = {"close": N_("Close")}
    create_template = edit_template = "interactions/form.html"
    details_template = "interactions/details.html"

    column_list = (
        "content",
        "customer",
        "status",
        "kind",
        "happened_at",
        "author",
        "contact",
        "place",
    )
    filters = (
        "customer",
        "kind",
        "status",
        "happened_at",
        "written_on",
        "author",
        "next_step_on",
        "place",
        "completeness",
    )
    subtitle = ("customer", "contact", "happened_at", "author")
    badges = ("kind", "status")
    mine = "author"
    narrowed = {"contact": "customer"}
    sections = (
        (BASICS, ("customer", "contact", "kind", "happened_at", "place", "author")),
        (N_("What passed"), ("content", "effect", "next_step", "next_step_on")),
        (N_("Who attended"), ("colleagues", "guests")),
    )
    related = (("tasks", "interaction_id", ("subject", "due_on", "status", "assignee")),)

    # Writing one down.

    def start(self, record: Record) -> None:
        """Begin with what the address names, and with what most likely holds of it."""
        super().start(record)
        assert isinstance(record, Interaction)
        if record.customer is None and record.contact is not None:
            record.customer = record.contact.customer
        if request.method == "GET":
            interactions.begin(record, requests.actor())

    def more_fields(self, record: Record) -> dict[str, Any]:
        """Offer who attended, found by typing."""
        find, actor = f"{self.path}ajax/lookup/?name=", requests.actor()
        asked = (("colleagues", User, "author", ""), ("guests", Contact, "contact", "customer"))
        return {
            key: SeveralField(columns.label_of(Interaction, key), model, f"{find}{column}", within)
            for key, model, column, within in asked
            if access.writable(actor, Interaction, key)
        }

    def form_of(self, record: Record, data: Any) -> Form:
        """Say beside the fields what is missing, where one came here to close it."""
        form = super().form_of(record, data)
        if data is None and record.id is not None and request.args.get("close"):
            assert isinstance(record, Interaction)
            for problem in closing.missing(record):
                key = Interaction.form_key(problem.field)
                if key in form:
                    form[key].errors = [*form[key].errors, problem.text(_)]
        return form

    def more_values(self, form: Form) -> dict[str, Any]:
        offered: Any = [f for f in form if isinstance(f, SeveralField)]
        return {field.name: field.records for field in offered}

    def written(self, id: int) -> None:
        """Close it too, where that is the button that was pressed."""
        if "_close" in request.form:
            record = access.find(Interaction, id, requests.actor()) or abort(404)
            closing.close(record, requests.actor())

    def form_context(self, form: Form, record: Interaction) -> dict[str, Any]:
        """Return what the form shows beyond the shared one."""
        customer = form["customer"].data if "customer" in form else record.customer
        return {
            "last": _last(customer),
            "last_url": f"{self.path}ajax/last_ones/",
            "may_close": record.id is None or closing.offers(record, requests.actor()),
        }

    def render(self, template: str, **context: Any) -> str:
        """Show the form with the last ones beside it; in short where the address asks for it."""
        form = context.get("form")
        if template == self.create_template and form is not None:
            if request.args.get("quick") and context["record"] is None:
                context |= self._in_short(form)
            id = context["record"] and context["record"]["id"]
            record = access.find(Interaction, id, requests.actor()) if id else None
            context |= self.form_context(form, record or Interaction())
        return super().render(template, **context)

    def _in_short(self, form: Any) -> dict[str, Any]:
        """Return the form's essentials as one section, and all else after them."""
        fields = [form[key] for key in QUICK if key in form]
        return {"quick": True, "sections": [{"label": "", "fields": fields}]}

    @expose("/ajax/last_ones/")
    def last_ones(self) -> str:
        """Show the last interactions with the customer that a form has just chosen. Source: B6"""
        customer = access.find(Customer, request.args.get("customer"), requests.actor())
        return super().render("interactions/last.html", last=_last(customer))

    # Closing.

    def buttons(self, record: Record) -> list[dict[str, Any]]:
        """Offer to close it, to who may."""
        assert isinstance(record, Interaction)
        if not closing.offers(record, requests.actor()):
            return []
        fields = [("id", record.id), ("version", record.version)]
        return [pages.button(_("Close"), f"{self.path}close/", "lock", "primary", fields=fields)]

    @expose("/close/", methods=("POST",))
    def close(self) -> Any:
        """Close one; where something is missing, lead to the form that says so."""
        record = self.get_one(request.form.get("id"))
        id, version = record.id, access.key_of(request.form.get("version")) or 0
        if closing.offers(record, requests.actor()) and any(closing.missing(record)):
            asked = [("id", id), ("close", "1"), ("url", requests.back(""))]
            return redirect(requests.address(f"{self.path}edit/", asked))
        with self.told(), records.transaction("form"):
            closing.close(record, requests.actor(), version=version)
            flash(_("Closed. It stays as it is from now on."), "success")
        return redirect(requests.back(f"{self.path}details/?id={id}"))

    @expose("/action/", methods=("POST",))
    def action_view(self) -> Any:
        """Close several, each that can be, naming the others; or what all lists can do."""
        if request.form.get("action") != "close":
            return super().action_view()
        actor, done = requests.actor(), 0
        for id in dict.fromkeys(request.form.getlist("rowid")[:MOST_SELECTED]):
            record = access.find(Interaction, id, actor) or abort(404)
            title = str(record)[:60]
            try:
                with records.transaction("form"):
                    closing.close(record, actor)
                    done += 1
            except CrmError as refused:
                said = {"record": title, "reason": _reasons(refused)}
                flash(_("%(record)s: %(reason)s", **said), "error")
        flash(ngettext("%(count)s interaction closed.", "%(count)s interactions closed.", done,
                       count=done), "success" if done else "warning")  # fmt: skip
        return redirect(requests.back(self.path))

    # Afterwards.

    def more_context(self, record: Record) -> dict[str, Any]:
        assert isinstance(record, Interaction)
        actor, zone = requests.actor(), requests.zone()
        wish = reopening.pending(record)
        return {
            "corrections": [
                {"by": one.by, "at": columns.moment(one.at, zone), "text": one.text}
                for one in corrections.of(record, actor)
            ],
            "may_correct": corrections.may_correct(record, actor),
            "may_ask_reopening": reopening.may_ask(record, actor),
            "wish": wish,
            "may_answer": wish is not None and reopening.may_answer(record, actor),
        }

    @expose("/correct/", methods=("POST",))
    def correct(self) -> Any:
        """Add a correction to a closed one."""
        record = self.get_one(request.form.get("id"))
        id = record.id
        with self.told(), records.transaction("form"):
            corrections.add(record, request.form.get("text", ""), requests.actor())
            flash(_("Saved."), "success")
        return redirect(f"{self.path}details/?id={id}")

    @expose("/ask_reopening/", methods=("POST",))
    def ask_reopening(self) -> Any:
        """Ask somebody else to agree that a closed one is opened again."""
        record = self.get_one(request.form.get("id"))
        id = record.id
        with self.told(), records.transaction("form"):
            reopening.request(record, request.form.get("reason", ""), requests.actor())
            flash(_("Who may agree was told."), "success")
        return redirect(f"{self.path}details/?id={id}")

    @expose("/answer_reopening/", methods=("POST",))
    def answer_reopening(self) -> Any:
        """Agree to what somebody else asked for, or do not."""
        record = self.get_one(request.form.get("id"))
        id, agreed = record.id, request.form.get("agreed") == "1"
        with self.told(), records.transaction("form"):
            reopening.answer(record, requests.actor(), agreed=agreed)
            flash(_("Opened again.") if agreed else _("It stays closed."), "success")
        return redirect(f"{self.path}details/?id={id}")


def _reasons(refused: CrmError) -> str:
    """Return why one was not closed, each field by its name."""
    problems = getattr(refused, "problems", None)
    if not problems:
        return refused.text(_)
    lacking = [columns.label_of(Interaction, p.field) for p in problems if p.field]
    if not lacking:
        return refused.text(_)
    return str(_("Still missing: %(fields)s", fields=", ".join(lacking)))


def _last(customer: Any) -> dict[str, Any] | None:
    """Return the last interactions with a customer as the side of the form shows them."""
    if not isinstance(customer, Customer):
        return None
    actor, language, zone = requests.actor(), requests.language(), requests.zone()
    entries = [
        {
            "title": picklists.label("interaction_kinds", one.get("kind"), language)
            or _("Interaction"),
            "text": (one.get("content") or "")[:240],
            "effect": (one.get("effect") or "")[:160],
            "next_step": (one.get("next_step") or "")[:160],
            "by": one.get("author") or "",
            "at": columns.moment(one.get("happened_at"), zone),
            "id": one["id"],
        }
        for one in interactions.last_with(customer, actor)
    ]
    return {"customer": str(customer), "entries": entries}
