"""The cockpit: what one's people wrote and changed, looked at one by one, by keyboard."""

from typing import Any

from flask import abort, flash, jsonify, redirect, render_template, request
from flask_admin import expose

from crm_admin.errors import Conflict, CrmError, Invalid
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.reviews import LONGEST_NOTE, Verdict
from crm_admin.services import access, records, reminders, review_queue, reviews
from crm_admin.services.review_queue import Look
from crm_admin.views import cockpit_entries, requests
from crm_admin.views.cockpit_question import PATH, SIZE, Question, head, pager, progress, question
from crm_admin.views.page import Page
from crm_admin.views.words import gettext as _
from crm_admin.views.words import ngettext


class Cockpit(Page):
    """The queue on the left, one record whole on the right. Source: A3, B3, B4"""

    path, label, icon = PATH, N_("Daily check"), "clipboard-check"
    menu, order = N_("Supervision"), 5
    allowed = dict.fromkeys(("index", "entry", "verdict", "undo", "remind"), reviews.may_review)

    @expose("/")
    def index(self) -> str:
        """Show the queue and one of its entries."""
        asked, staff = question(), reviews.people(requests.actor())
        found = review_queue.find(requests.actor(), asked.asked, staff)
        last = max(1, -(-len(found.entries) // SIZE))
        number = min(asked.page, last - 1)
        shown = found.entries[number * SIZE : (number + 1) * SIZE]
        at = request.args.get("at", "")
        unseen = [entry.key for entry in shown if entry.state in (Look.NEW, Look.FIXED)]
        chosen = at or next(iter([*unseen, *(entry.key for entry in shown)]), "")
        asked = asked.at_page(number)
        record = _record(chosen) if chosen else None
        keys = [entry.key for entry in shown]
        return self.render(
            "cockpit/index.html",
            lines=cockpit_entries.lines(shown, staff, asked, chosen),
            entry=record and cockpit_entries.pane(record, asked, _after(keys, chosen, asked)),
            opened=bool(at),
            asked_url=asked.address("entry/"),
            page=pager(asked, number, last, len(found.entries)),
            **head(asked, found, staff),
        )

    @expose("/entry/")
    def entry(self) -> Any:
        """Show one entry alone, for the script that puts it beside the list."""
        record = _record(request.args.get("at", "")) or abort(404)
        asked = question()
        shown = cockpit_entries.pane(record, asked, request.args.get("after", "")[:60])
        return render_template("cockpit/entry.html", entry=shown, longest=LONGEST_NOTE)

    @expose("/verdict/", methods=("POST",))
    def verdict(self) -> Any:
        """Pass or fail a record, and go on to the next."""
        sent = request.form
        model, id = _place(sent.get("at", ""))
        judged = {"passed": Verdict.PASSED, "failed": Verdict.FAILED}.get(sent.get("verdict", ""))
        if model is None or judged is None:
            abort(404)
        _judgeable(model, id)
        try:
            with records.transaction("form"):
                reviews.give(
                    model,
                    id,
                    judged,
                    requests.actor(),
                    version=access.key_of(sent.get("version")) or 0,
                    seen=access.key_of(sent.get("seen")) or 0,
                    reason=sent.get("reason") or None,
                    note=sent.get("note"),
                    post=requests.post(),
                )
        except CrmError as refused:
            return _refused(refused)
        said = _("Passed.") if judged is Verdict.PASSED else _("Failed; its author was told.")
        return _done(said, sent.get("at", ""))

    @expose("/undo/", methods=("POST",))
    def undo(self) -> Any:
        """Take back one's last verdict and show its record again."""
        try:
            with records.transaction("form"):
                review = reviews.undo(requests.actor())
                at = f"{review.entity}-{review.record_id}" if review is not None else ""
        except CrmError as refused:
            return _refused(refused)
        if not at:
            return _refused(Conflict(N_("There is nothing to take back.")))
        return _done(_("Taken back."), at, go_to=at)

    @expose("/remind/", methods=("POST",))
    def remind(self) -> Any:
        """Remind whose record it is of what it lacks."""
        at = request.form.get("at", "")
        model, id = _place(at)
        record = _judgeable(model, id)
        try:
            with records.transaction("form"):
                things = reminders.lacking_in(record)
                outcome = reminders.remind(things, requests.actor(), requests.post())
        except CrmError as refused:
            return _refused(refused)
        return _done(reminded(outcome, things), at, go_to=at)


def _place(at: str) -> tuple[type[Record] | None, int | None]:
    """Return the entity and the id that an entry's name in an address means."""
    entity, _dash, id = at.rpartition("-")
    model = access.model_of(entity)
    return (model if model in reviews.models() else None), access.key_of(id)


def _record(at: str) -> Record | None:
    """Return the record of an entry, as far as the actor may look at it."""
    model, id = _place(at)
    if model is None or id is None:
        return None
    return access.find(model, id, requests.actor(), "review", whole=True)


def _judgeable(model: type[Record] | None, id: int | None) -> Record:
    """Return the record, or answer that it is not there, or not the actor's to judge."""
    actor = requests.actor()
    found = access.find(model, id, actor, "review") if model is not None else None
    if found is None:
        seen = model is not None and access.find(model, id, actor) is not None
        abort(403 if seen else 404)
    return found


def _refused(refused: CrmError) -> Any:
    """Tell why it was not done; what was typed is still in the page that asked by script."""
    text = refused.text(_)
    if requests.wants_json():
        fields = [p.field for p in refused.problems] if isinstance(refused, Invalid) else []
        stale = isinstance(refused, Conflict)
        return jsonify({"error": text, "fields": fields, "stale": stale}), 409 if stale else 400
    flash(text, "error")
    return redirect(requests.back(request.form.get("here", PATH)))


def _done(said: str, at: str, *, go_to: str = "") -> Any:
    """Go on, or tell the script how the entry and the counts stand now."""
    if not requests.wants_json():
        flash(said, "success")
        to = question().address(at=go_to) if go_to else request.form.get("url", PATH)
        return redirect(to if requests.is_ours(to) else PATH)
    return jsonify(_state(at) | {"said": said, "at": at})


def _state(at: str) -> dict[str, Any]:
    """Return how an entry stands, and the counts of the question it was found by."""
    record, actor = _record(at), requests.actor()
    found = review_queue.find(actor, question().asked, reviews.people(actor))
    told: dict[str, Any] = {
        "states": {"": found.total} | {str(k): found.states.get(k, 0) for k in Look},
        "looked_at": found.looked_at,
        "total": found.total,
        "progress": progress(found),
    }
    if record is not None:
        standing = reviews.standing(record.__tablename__, record.id)
        look = review_queue.look_of(record, standing)
        told |= {"state": look.value, "label": _(look.label), "tone": look.tone}
    return told


def reminded(outcome: reminders.Outcome, things: Any) -> str:
    """Return in words whom a reminder reached."""
    if outcome.people:
        count = len(outcome.people)
        return str(ngettext("%(num)s person reminded.", "%(num)s people reminded.", count))
    if things:
        return str(_("Already reminded of this today."))
    return str(_("Nothing is missing here: nobody was reminded."))


def _after(keys: list[str], chosen: str, asked: Question) -> str:
    """Return the address of the entry after the chosen one; at the end it stays there."""
    place = keys.index(chosen) + 1 if chosen in keys else 0
    return asked.address(at=keys[place] if place < len(keys) else chosen)
