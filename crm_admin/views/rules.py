"""The screen of rules: what is asked of records, tried on them before it is switched on."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import flash, redirect, request
from flask_admin import expose
from wtforms import Form, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # new in 3.3

from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.rules import Rule
from crm_admin.services import access, expressions, listing, picklists, records, references, rules
from crm_admin.services.rule_kinds import KINDS
from crm_admin.views import columns, lists, pages, requests, rule_words
from crm_admin.views.base import BASICS, EntityView
from crm_admin.views.organisation import ADMINISTRATION
from crm_admin.views.words import gettext as _
from crm_admin.views.words import ngettext

#: How many of the records that break a rule a page shows.
SIZE = 50
#: The kinds in groups, as the form offers them.
GROUPS = (
    (N_("What must be there"), ("required", "related")),
    (N_("What form it has"), ("phone", "email", "postal_code", "credit_code", "known", "matches")),
    (N_("What it is worth"), ("rubbish", "unique", "shared", "holds")),
    (N_("How fresh it is"), ("touched", "contacted")),
)
#: What of the form says which records break the rule.
ASKS = ("entity", "field_key", "kind", "parameter", "condition", "from_on", "only_new")


class RuleView(EntityView):
    """What is asked of records."""

    model = Rule
    menu = ADMINISTRATION
    icon, order = "list-checks", 50
    verbs = {"preview": "view", "breaking": "view", "switch": "edit", "copy": "create"}
    create_template = edit_template = "rules/form.html"
    details_template = "rules/details.html"

    #: The first names the whole rule: what it is about, and what it checks.
    column_list = ("field_key", "severity", "is_active", "parameter", "condition")
    default_sort = "entity"
    worded = ("field_key", "parameter", "condition")
    filters = ("severity", "is_active", "from_on")
    sections = (
        (BASICS, ("entity", "kind", "field_key", "parameter")),
        (N_("When it is asked"), ("condition", "from_on", "only_new", "is_active")),
        (N_("How it counts"), ("severity", "weight")),
        (
            N_("What it says"),
            (
                "message_en",
                "message_zh_hans",
                "message_zh_hant",
                "why_en",
                "why_zh_hans",
                "why_zh_hant",
            ),
        ),
    )

    # The form.

    def more_fields(self, record: Record) -> dict[str, Any]:
        """Offer entities, fields and checks by their names instead of free text."""
        models = rules.entities()
        offered = [(entity, _(model.plural)) for entity, model in models.items()]
        checks = [
            SelectChoice(name, _(KINDS[name].label), optgroup=_(group))
            for group, names in GROUPS
            for name in names
        ]
        # Grouped by entity: a field of another one is refused when it is saved.
        keys = [SelectChoice("", _("The record as a whole"))] + [
            SelectChoice(key, text, optgroup=_(model.plural))
            for model in models.values()
            for key, text in _fields_of(model)
        ]
        help = _("A condition such as grade = 'A' or customer.grade in ('A', 'B'). Empty: always.")
        by_entity = {"data-groups-by": "entity"}
        return {
            "entity": SelectField(_("Entity"), choices=offered),
            "field_key": SelectField(
                _("Field"), choices=keys, validate_choice=False, render_kw=by_entity
            ),
            "kind": SelectField(_("Check"), choices=checks),
            "parameter": StringField(_("Parameter"), render_kw=_typed_with("rule-parameters")),
            "condition": StringField(
                _("Only when"), description=help, render_kw=_typed_with("rule-words")
            ),
        }

    def more_values(self, form: Form) -> dict[str, Any]:
        taken = ("entity", "field_key", "kind", "parameter", "condition")
        return {key: form[key].data for key in taken}

    def in_words(self, record: Record, key: str) -> str | None:
        assert isinstance(record, Rule)
        return rule_words.of(record, key) if self.reads(key, record) else None

    def row_title(self, record: Record) -> str:
        assert isinstance(record, Rule)
        return rule_words.title(record)

    def render(self, template: str, **shown: Any) -> str:
        """Show a form with what its rule would find, and the list by what its rules are about."""
        if template == self.list_template:
            shown["columns"][0]["label"] = _(Rule.singular)
        if template == self.edit_template:
            typed = {field.name: field.data for field in shown["form"]}
            shown |= {"preview": _previewed(typed), "asks": " ".join(ASKS)}
            shown["preview_url"] = f"{self.path}preview/"
        text: str = super().render(template, **shown)
        return text

    @expose("/preview/")
    def preview(self) -> str:
        """Show what a rule that is being written would find; nothing is kept."""
        text: str = super().render("rules/preview.html", preview=_previewed(request.args))
        return text

    # One rule.

    def buttons(self, record: Record) -> list[dict[str, Any]]:
        """Offer to switch it on or off, to copy it, and the records that break it."""
        assert isinstance(record, Rule)
        found = [pages.button(_("Records that break it"), self._breaking(record), "list-x")]
        fields = [("id", record.id), ("version", record.version)]
        if access.may(record, requests.actor(), "edit"):
            label = _("Switch off") if record.is_active else _("Switch on")
            icon = "toggle-right" if record.is_active else "toggle-left"
            found.append(pages.button(label, f"{self.path}switch/", icon, fields=fields))
        if access.allows(requests.actor(), "create", Rule):
            found.append(pages.button(_("Copy"), f"{self.path}copy/", "copy", fields=fields[:1]))
        return found

    def _breaking(self, record: Rule) -> str:
        return f"{self.path}breaking/?id={record.id}"

    def more_context(self, record: Record) -> dict[str, Any]:
        """Show what it finds now."""
        assert isinstance(record, Rule)
        found = rules.preview(record, requests.actor())
        return {"preview": _shown(record, found) | {"all_url": self._breaking(record)}}

    @expose("/breaking/")
    def breaking(self) -> str:
        """Show the records that break a rule, as far as the user sees them."""
        rule, actor = self.get_one(request.args.get("id")), requests.actor()
        found, number = rules.preview(rule, actor), requests.question().page
        rows = rules.breaking(rule, actor, offset=number * SIZE, limit=SIZE)
        last = max(1, -(-found.failing // SIZE))
        question = listing.Question(page=number, size=SIZE)
        here = [("id", str(rule.id))]
        pager = lists.pager(f"{self.path}breaking/", here, question, found.failing, last)
        return self.render(
            "rules/breaking.html",
            title=_("Records that break it"),
            crumbs=[
                (_(Rule.plural), self.path),
                (str(rule), f"{self.path}details/?id={rule.id}"),
                (_("Records that break it"), None),
            ],
            preview=_shown(rule, found),
            rows=_linked(rule, rows),
            page=pager | {"size_urls": []},
        )

    @expose("/switch/", methods=("POST",))
    def switch(self) -> Any:
        """Switch a rule on, or off."""
        there = self.path
        with self.told(), records.transaction("form"):
            rule = self.get_one(request.form.get("id"), to_change=True)
            there = f"{self.path}details/?id={rule.id}"
            version = access.key_of(request.form.get("version"))
            rules.switch(rule, requests.actor(), version=version)
            flash(_("The rule is on.") if rule.is_active else _("The rule is off."), "success")
        return redirect(there)

    @expose("/copy/", methods=("POST",))
    def copy(self) -> Any:
        """Make a rule that asks the same, switched off, and open it to be changed."""
        there = self.path
        with self.told(), records.transaction("form"):
            made = rules.copy(self.get_one(request.form.get("id")), requests.actor())
            there = f"{self.path}edit/?id={made.id}"
            flash(_("This copy is off. Change it, and switch it on."), "success")
        return redirect(there)


def _typed_with(words: str) -> dict[str, Any]:
    """Return the attributes of a box that offers the words of a list of the preview."""
    return {"list": words, "maxlength": 500, "autocomplete": "off", "spellcheck": "false"}


def _fields_of(model: type[Record]) -> list[tuple[str, str]]:
    """Return what a rule can look at in an entity, as choices."""
    found = [(c.column_key, c.text) for c in columns.labelled(model)]
    return found + [
        (other.__tablename__, _(other.singular)) for other in references.belonging_to(model)
    ]


def _previewed(typed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the rule in a form would find."""
    models = rules.entities()
    entity = typed.get("entity")
    rule = Rule(
        entity=entity if entity in models else next(iter(models)),
        field_key=typed.get("field_key") or "",
        kind=typed.get("kind") or GROUPS[0][1][0],
        parameter=(typed.get("parameter") or "").strip() or None,
        condition=(typed.get("condition") or "").strip() or None,
        from_on=_day(typed.get("from_on")),
        only_new=bool(typed.get("only_new")),
    )
    return _shown(rule, rules.preview(rule, requests.actor()))


def _day(typed: Any) -> date | None:
    try:
        return typed if isinstance(typed, date) else date.fromisoformat(typed or "")
    except (TypeError, ValueError):
        return None


def _shown(rule: Rule, found: rules.Found) -> dict[str, Any]:
    """Return what a rule asks and finds, as the templates show it."""
    kind, model = KINDS.get(rule.kind), access.model_of(rule.entity)
    good = found.asked - found.failing
    return {
        "help": _(kind.help) if kind else "",
        "hint": _(kind.hint) if kind and kind.hint else "",
        "problems": [problem.text(_) for problem in found.problems],
        "text": ngettext(
            "%(failing)s of %(asked)s records fails",
            "%(failing)s of %(asked)s records fail",
            found.failing,
            failing=f"{found.failing:,}",
            asked=f"{found.asked:,}",
        ),
        "more": (
            ngettext("and %(num)s more", "and %(num)s more", found.failing - len(found.first))
            if found.failing > len(found.first)
            else ""
        ),
        "percent": 100 * good // found.asked if found.asked else 100,
        "failing": found.failing,
        "first": _linked(rule, found.first),
        "words": [(w.name, _(w.label)) for w in expressions.completions(model)] if model else [],
        "parameters": _parameters(rule, model),
    }


def _linked(rule: Rule, rows: Any) -> list[tuple[str, str]]:
    return [(f"/{rule.entity}/details/?id={id}", title) for id, title in rows]


def _parameters(rule: Rule, model: type[Record] | None) -> list[tuple[str, str]]:
    """Return what a check's parameter may be, where that is one of a few."""
    if model is None:
        return []
    if rule.kind == "related":
        return [(m.__tablename__, _(m.plural)) for m in references.belonging_to(model)]
    if rule.kind == "known":
        return picklists.named(requests.language())
    if rule.kind == "holds":
        return [(word.name, _(word.label)) for word in expressions.completions(model)]
    return []
