"""Columns of lists, pages and files: what kind of value each holds, and how it is shown.

A formatter is made once a request and called once a cell, so it asks for nothing but its value.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from flask import g
from markupsafe import Markup
from sqlalchemy import Date, Integer, inspect

from crm_admin import i18n
from crm_admin.errors import filled_in
from crm_admin.i18n import N_
from crm_admin.models.base import Checked, Record
from crm_admin.models.types import Moment, Money, State
from crm_admin.services import access, configuration, labels, masking, picklists, validation
from crm_admin.services.changes import REASON
from crm_admin.views import requests
from crm_admin.views.words import gettext as _

Formatter = Callable[[Any], str | Markup]
#: Turns a value that is not empty into what a file holds.
Writer = Callable[[Any], Any]


#: Columns that no form asks for and no history tells of; every record has the first two.
_STAMPS = {
    "created_at": N_("Created at"),
    "updated_at": N_("Changed at"),
    "pooled_at": N_("In the pool since"),
}


@dataclass(frozen=True, eq=False)  # there is one of each; comparing all it says costs every page
class Column:
    """One column: `key` is what forms and addresses call it, `column_key` where it is kept.

    `kind` is one of text, lines, email, phone, url, number, money, date, moment, flag, state,
    choice, percent, record.
    """

    key: str
    column_key: str
    label: str
    help: str
    kind: str
    picklist: str = ""
    states: type[State] | None = None
    target: type[Record] | None = None
    required: bool = False
    blank: bool = False
    given: bool = False

    @property
    def text(self) -> str:
        """What people call it, in the present language."""
        return _(self.label)

    @property
    def is_number(self) -> bool:
        """Whether its values stand to the right."""
        return self.kind in ("number", "money", "percent")


@cache
def column(model: type[Record], key: str) -> Column:
    """Return the column behind a field's key; `customer` and `customer_id` are the same one.

    Raises:
        KeyError: the entity has no such labelled field.
    """
    mapper = inspect(model)
    column_key = model.column_key(key)
    kept = mapper.columns[column_key]
    form_key = model.form_key(column_key)
    relation = mapper.relationships.get(form_key)
    states = getattr(kept.type, "enum_class", None)
    return Column(
        key=form_key,
        column_key=column_key,
        label=kept.info.get("label") or _STAMPS[column_key],
        help=kept.info.get("help", ""),
        kind=_kind(kept, relation is not None, states),
        picklist=kept.info.get("picklist", ""),
        states=states,
        target=relation.mapper.class_ if relation is not None else None,
        required=not kept.nullable and kept.default is None and column_key not in model.owners,
        blank=bool(kept.nullable),
        given=kept.info.get("given", False),
    )


def _kind(kept: Any, is_record: bool, states: Any) -> str:
    if is_record:
        return "record"
    if states:
        return "state"
    if kept.info.get("picklist"):
        return "choice"
    if kind := kept.info.get("kind"):
        return str(kind)
    for type_, kind in ((Moment, "moment"), (Money, "money"), (Date, "date"), (Integer, "number")):
        if isinstance(kept.type, type_):
            return kind
    return "flag" if kept.type.python_type is bool else "text"


@cache
def labelled(model: type[Record]) -> tuple[Column, ...]:
    """Return all columns of an entity that people see, in the order of the model."""
    columns = inspect(model).columns.items()
    return tuple(column(model, k) for k, c in columns if c.info.get("label"))


def formatter(column: Column, language: str, zone: tzinfo) -> Formatter:
    """Return the function that turns the column's values into what a page shows."""
    if column.kind == "choice":
        return _choices(column.picklist, language)
    if column.kind == "state":
        return _states(column)
    if column.kind == "moment":
        return lambda value: moment(value, zone)
    if column.kind == "flag":
        yes, no = _("Yes"), _("No")
        return lambda value: "" if value is None else (yes if value else no)
    simple: dict[str, Formatter] = {
        "money": money,
        "number": lambda value: "" if value is None else f"{value:,}",
        "date": lambda value: "" if value is None else value.isoformat(),
        "percent": lambda value: "" if value is None else meter(value),
        "entity": _entity,
        "field": _field,
        "check": _check,
        "parameter": _parameter,
        "tone": lambda value: _(labels.TONE_NAMES[value]) if value in labels.TONE_NAMES else "",
    }
    return simple.get(column.kind, _text)


def _entity(value: str | None) -> str:
    model = access.model_of(value or "")
    return _(model.plural) if model else value or ""


def _check(value: str | None) -> str:
    kind = validation.KINDS.get(value or "")
    return _(kind.label) if kind else value or ""


def _field(value: str | None) -> str:
    """Return what people call a field, by the first entity that rules look at and that has it."""
    value = value or ""
    for model in access.entities().values():
        if value == model.__tablename__:
            return _(model.singular)
        if (
            issubclass(model, Checked)
            and value in inspect(model).columns
            and (words := access.field_info(model, value))
        ):
            return _(words["label"]) if words.get("label") else value
    return value


def _parameter(value: str | None) -> str:
    """Return what a rule's check needs to know: an entity or a picklist by its name."""
    return picklists.name(value or "", i18n.language()) or _entity(value)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def shown(column: Column, value: Any) -> str | Markup:
    """Return a value as the pages of this request show it."""
    return format_of(column)(value)


def format_of(column: Column) -> Formatter:
    """Return the function that shows a column's values on this request's pages.

    It is made once for all who read the same language by the same clock, until the configuration
    changes.
    """
    made: dict[Column, Formatter] | None = g.get("formatters")
    if made is None:
        made = g.formatters = _formatters()
    if (form := made.get(column)) is None:
        form = made[column] = formatter(column, requests.language(), requests.zone())
    return form


def form_for(model: type[Record], column: Column) -> Formatter:
    """Return the function that shows a column's values as far as this request's reader may see."""
    actor, form = requests.actor(), format_of(column)
    if column.column_key in access.varying(actor, model):
        return lambda v: v.shown(column.kind) if type(v) is masking.Part else form(v)
    if access.masked(actor, model, column.key):
        return lambda value: masking.mask(column.kind, value)
    return form


def _formatters() -> dict[Column, Formatter]:
    """Return the functions that were made for readers like this one."""
    stamp = configuration.stamp()
    if stamp is None:
        return {}
    place = (requests.language(), requests.zone(), stamp)
    if place not in _made and len(_made) >= MOST:
        _made.clear()
    return _made.setdefault(place, {})


#: The functions of each kind of reader, and how many kinds a process remembers.
_made: dict[tuple[str, tzinfo, str], dict[Column, Formatter]] = {}
MOST = 200


def writer(column: Column, language: str, zone: tzinfo) -> Writer | None:
    """Return how the column's values become what a file holds, or None where they are it already.

    Dates, numbers and amounts stay what they are; whoever writes the file gives them their form.
    """
    if column.kind == "choice":
        kept = picklists.items(column.picklist)
        names = {code: item.label(language) for code, item in kept.items()}
        return lambda value: names.get(value, value)
    if column.kind == "state" and column.states:
        words = {member: _(labels.label_of(member)) for member in column.states}
        return lambda value: words.get(value, str(value))
    if column.kind == "moment":
        return lambda value: value.astimezone(zone).replace(tzinfo=None)
    if column.kind == "flag":
        yes, no = _("Yes"), _("No")
        return lambda value: yes if value else no
    return None


def money(value: Decimal | None) -> str:
    """Return an amount with its two decimals and its thousands apart."""
    return "" if value is None else f"{value:,.2f}"


def moment(value: datetime | None, zone: tzinfo) -> str:
    """Return a moment as the clock on the reader's wall had it."""
    return "" if value is None else value.astimezone(zone).strftime("%Y-%m-%d %H:%M")


@cache
def meter(value: int) -> Markup:
    """Return a percentage as a bar and its figure, as the macro of the same name does."""
    tone = "ok" if value >= 80 else "warn" if value >= 50 else "bad"
    return Markup(
        '<span class="meter {}"><svg viewBox="0 0 100 8" preserveAspectRatio="none" '
        'aria-hidden="true"><rect class="track" width="100" height="8" rx="4" /><rect class="fill" '
        'width="{}" height="8" rx="4" /></svg>{}%</span>'
    ).format(tone, value, value)


@lru_cache(maxsize=2_000)
def badge(text: str, tone: str) -> Markup:
    """Return a short text on a coloured ground."""
    return Markup('<span class="badge {}">{}</span>').format(tone or "mut", text)


def _choices(picklist: str, language: str) -> Formatter:
    shown: dict[str | None, str | Markup] = {
        code: badge(item.label(language), item.colour) if item.colour else item.label(language)
        for code, item in picklists.items(picklist).items()
    }
    return lambda value: shown.get(value) or _text(value)


def _states(column: Column) -> Formatter:
    assert column.states is not None
    shown: dict[State, str | Markup] = {}
    for member in column.states:
        text = _(labels.label_of(member))
        shown[member] = badge(text, member.tone) if member.tone else text
    return lambda value: "" if value is None else shown.get(value, str(value))


def plain(model: type[Record], key: str, value: Any, language: str, zone: tzinfo) -> str:
    """Return a value of the history, kept as JSON, as people read it."""
    if value is None or value == "":
        return ""
    try:
        of = column(model, key)
    except KeyError:
        if isinstance(value, bool):
            return _("Yes") if value else _("No")
        return ", ".join(value) if isinstance(value, list) else str(value)
    if of.kind == "state" and of.states:
        return _(labels.label_of(of.states(value))) if value in list(of.states) else str(value)
    if of.kind == "moment":
        return moment(datetime.fromisoformat(value), zone)
    if of.kind == "choice":
        return picklists.label(of.picklist, value, language)
    if of.kind == "money":
        return money(Decimal(value))
    if of.kind == "flag":
        return _("Yes") if value else _("No")
    if of.kind in ("entity", "field", "check", "parameter", "tone"):
        return str(formatter(of, language, zone)(value))
    return _("changed") if isinstance(value, dict) else str(value)


def label_of(model: type[Record], key: str) -> str:
    """Return what people call a field, whatever it is kept in."""
    if key == REASON:
        return _("Reason")
    mapper = inspect(model)
    info = mapper.columns[key].info if key in mapper.columns else {}
    if not info and key in mapper.relationships:
        info = mapper.relationships[key].info
    label = info.get("label") or labels.MORE_FIELDS.get(key)
    return _(label) if label else key.removeprefix("custom_")


def said(message: str, values: dict[str, Any]) -> str:
    """Return a message of the services in the present language."""
    return filled_in(message, values, _)


#: Words that WTForms and this module show; named here so that the catalogues have them.
WORDS = (
    N_("Not a valid date value."),
    N_("Not a valid datetime value."),
    N_("Not a valid decimal value."),
    N_("Not a valid integer value."),
    N_("Not a valid choice."),
    N_("Not a valid choice"),
    N_("This field is required."),
    N_("Invalid Choice: could not coerce."),
    N_("'%(value)s' is not a valid choice for this field."),
)
