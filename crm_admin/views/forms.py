"""Forms, made from the columns of an entity: one field a column, choices as of this request."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    DateField,
    DecimalField,
    EmailField,
    Field,
    Form,
    IntegerField,
    SelectField,
    StringField,
    TelField,
    TextAreaField,
    URLField,
)
from wtforms.fields import DateTimeLocalField, SelectMultipleField
from wtforms.meta import DefaultMeta
from wtforms.validators import Optional, ValidationError
from wtforms.widgets import CheckboxInput, Input, ListWidget, Select

from crm_admin.models.base import Record
from crm_admin.services import access, configuration, labels, picklists
from crm_admin.views import requests
from crm_admin.views.columns import Column
from crm_admin.views.words import gettext as _
from crm_admin.views.words import ngettext


class _Words:
    """The texts WTForms shows, from our own catalogues: it has no Traditional Chinese."""

    def gettext(self, text: str) -> str:
        return str(_(text))

    def ngettext(self, one: str, many: str, count: int) -> str:
        return str(ngettext(one, many, count))


class Meta(DefaultMeta):
    """What all forms share."""

    def get_translations(self, form: Any) -> Any:
        return _Words()


class MomentField(DateTimeLocalField):
    """A moment, typed and shown by the clock of the reader's zone."""

    zone: ZoneInfo

    def __init__(self, label: str, zone: ZoneInfo, **options: Any) -> None:
        formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
        super().__init__(label, format=formats, **options)
        self.zone = zone

    def process_data(self, value: Any) -> None:
        self.kept = value
        self.data = value and value.astimezone(self.zone).replace(tzinfo=None, microsecond=0)

    def process_formdata(self, valuelist: Any) -> None:
        super().process_formdata(valuelist)
        typed: datetime | None = self.data
        kept = self.kept and self.kept.astimezone(self.zone)
        if typed and kept and typed == kept.replace(tzinfo=None, second=0, microsecond=0):
            self.moment = self.kept  # seconds that the field does not show are not lost
        else:
            self.moment = typed and typed.replace(tzinfo=self.zone)
        if self.moment is not None and not 1 < self.moment.year < 9999:
            raise ValueError(self.gettext("Not a valid datetime value."))


class LookupField(Field):
    """A choice among the records of an entity, searched as one types.

    An id out of sight is an error, never nothing; the kept one stays valid.
    """

    def __init__(
        self,
        label: str,
        model: type[Record],
        lookup_url: str,
        create_url: str | None,
        **options: Any,
    ) -> None:
        super().__init__(label, **options)
        self.model, self.lookup_url, self.create_url = model, lookup_url, create_url
        self.within = ""  # the field whose record narrows what is offered here

    def process_formdata(self, valuelist: list[str]) -> None:
        text = (valuelist[0] if valuelist else "").strip()
        if text in ("", "__None"):
            self.data = None
            return
        kept = self.object_data
        if kept is not None and str(kept.id) == text:
            self.data = kept
            return
        self.data = access.find(self.model, text, requests.actor(), "lookup")
        if self.data is None:
            raise ValueError(self.gettext("Not a valid choice."))

    @property
    def current(self) -> tuple[int, str] | None:
        """The id and title of what is chosen now."""
        return (self.data.id, str(self.data)) if self.data is not None else None

    def _value(self) -> str:
        return str(self.data.id) if self.data is not None else ""


def _attributes(**given: Any) -> Markup:
    """Return the attributes of a tag, as WTForms' own function does in a fifth of the time."""
    said = (
        key if value is True else f'{key}="{escape(value)}"'
        for key, value in sorted(given.items())
        if value is not False
    )
    return Markup(" ".join(said))  # noqa: S704  (escaped)


class QuickInput(Input):
    """An input of any type, its attributes put together at once."""

    html_params = staticmethod(_attributes)

    def __init__(self, input_type: str) -> None:
        super().__init__(input_type)
        self.validation_attrs = ["required", "disabled"]


class QuickSelect(Select):
    """A select whose options are put together at once: WTForms asks ten functions for each."""

    def __call__(self, field: Any, **attributes: Any) -> Markup:
        chosen = None if field.data is None else field.coerce(field.data)
        options = [
            (_CHOSEN if field.coerce(value) == chosen else _OPTION) % (escape(value), escape(label))
            for value, label in field.choices
        ]
        attributes.setdefault("id", field.id)
        opening = f"<select {_attributes(name=field.name, **attributes)}>"
        return Markup("".join([opening, *options, "</select>"]))  # noqa: S704  (escaped)


_OPTION = '<option value="%s">%s</option>'
_CHOSEN = '<option selected value="%s">%s</option>'


class ChoiceField(SelectField):
    """One of a list of choices."""

    widget = QuickSelect()

    def pre_validate(self, form: Any) -> None:
        """Look among the choices at once: WTForms asks five functions for each."""
        offered: Any = self.choices
        if all(value != self.data for value, _label in offered):
            super().pre_validate(form)


class RecordsField(SelectMultipleField):
    """Several records of a short list, each with a box to tick."""

    widget_kind = "checks"
    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def __init__(self, label: str, offered: list[Record], **options: Any) -> None:
        self.offered = {str(record.id): record for record in offered}
        choices = [(id, str(record)) for id, record in self.offered.items()]
        super().__init__(label, choices=choices, validate_choice=False, **options)

    def process_data(self, value: Any) -> None:
        self.data = [str(record.id) for record in value or ()]

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = [id for id in valuelist if id]

    def pre_validate(self, form: Any) -> None:
        if any(id not in self.offered for id in self.data or ()):
            raise ValidationError(self.gettext("Not a valid choice."))

    @property
    def records(self) -> list[Record]:
        """The records that are ticked."""
        return [self.offered[id] for id in self.data or () if id in self.offered]


_SIMPLE: dict[str, type[Field]] = {
    "text": StringField,
    "lines": TextAreaField,
    "email": EmailField,
    "phone": TelField,
    "url": URLField,
    "number": IntegerField,
    "date": DateField,
    "flag": BooleanField,
}


def bound(
    columns: list[Column],
    data: MultiDict[str, Any] | None,
    record: Record,
    *,
    zone: ZoneInfo,
    language: str,
    lookups: dict[str, tuple[str, str | None]],
    more: dict[str, Any] | None = None,
) -> Form:
    """Return the form of these columns, filled from what was sent, else from the record.

    Args:
        lookups: field -> (address that finds records, address that makes one or None).
        more: further fields, unbound, by name.
    """
    plain = not more and not any(_keeps_an_old_choice(column, record) for column in columns)
    place = (tuple(columns), zone.key, language, tuple(lookups.items()), configuration.stamp())
    form_class = _classes.get(place) if plain else None
    if form_class is None:
        form_class = _form_class(columns, record, zone, language, lookups, more or {})
        if plain and place[-1] is not None:
            if len(_classes) >= MOST:
                _classes.clear()
            _classes[place] = form_class
    form: Form = form_class(data, obj=record)
    for column in columns:
        field: Any = form[column.key]
        if column.required:
            field.flags.required = True
        field.widget_kind = {"lines": "textarea"}.get(
            column.kind, getattr(field, "widget_kind", "")
        )
    return form


#: The forms that were made, under all they are made of, and how many a process keeps.
_classes: dict[tuple[Any, ...], type[Form]] = {}
MOST = 500


def _keeps_an_old_choice(column: Column, record: Record) -> bool:
    """Return whether a record has a choice that is no longer offered, but to itself."""
    if column.kind != "choice":
        return False
    kept = getattr(record, column.column_key, None)
    item = picklists.items(column.picklist).get(kept) if kept else None
    return bool(kept) and (item is None or not item.is_active)


def _form_class(
    columns: list[Column],
    record: Record,
    zone: ZoneInfo,
    language: str,
    lookups: dict[str, tuple[str, str | None]],
    more: dict[str, Any],
) -> type[Form]:
    """Return the class of the form of these columns and further fields."""
    fields: dict[str, Any] = {}
    for column in columns:
        options: dict[str, Any] = {
            "description": _(column.help) if column.help else "",
            "validators": [Optional()],  # what must be filled in, the write path says
        }
        fields[column.key] = _field(column, record, zone, language, lookups, options)
    return type("EntityForm", (Form,), {**fields, **more, "Meta": Meta})


def _field(
    column: Column,
    record: Record,
    zone: ZoneInfo,
    language: str,
    lookups: dict[str, tuple[str, str | None]],
    options: dict[str, Any],
) -> Any:
    """Return the unbound field of one column."""
    if column.kind == "record":
        assert column.target is not None
        find, create = lookups[column.key]
        return LookupField(
            column.text, model=column.target, lookup_url=find, create_url=create, **options
        )
    if column.kind == "state":
        assert column.states is not None
        states = [(m.value, _(labels.label_of(m))) for m in column.states]
        return ChoiceField(
            column.text, choices=_with_blank(column, states), coerce=_nothing_for_blank, **options
        )
    if column.kind == "choice":
        kept = getattr(record, column.column_key, None)
        choices = picklists.choices(column.picklist, language, kept)
        return ChoiceField(
            column.text, choices=_with_blank(column, choices), coerce=_nothing_for_blank, **options
        )
    if column.kind not in ("lines", "flag"):
        options["widget"] = QuickInput("datetime-local" if column.kind == "moment" else "text")
    if column.kind == "moment":
        return MomentField(column.text, zone=zone, **options)
    if column.kind == "money":
        return DecimalField(column.text, places=2, **options)
    return _SIMPLE.get(column.kind, StringField)(column.text, **options)


def _with_blank(column: Column, choices: list[tuple[str, str]]) -> list[tuple[str, str]]:
    needed = column.required or (column.kind == "state" and column.states and not column.blank)
    return choices if needed else [("", ""), *choices]


def _nothing_for_blank(value: Any) -> Any:
    """Return a choice's code; a state as its value; nothing for the blank choice."""
    if isinstance(value, StrEnum):
        return value.value
    return "" if value in (None, "None") else str(value)


def values(form: Form, columns: list[Column]) -> dict[str, Any]:
    """Return {field: value} of what was filled in, as `records.change` takes it."""
    found: dict[str, Any] = {}
    for column in columns:
        if column.key not in form:
            continue
        field = form[column.key]
        value = getattr(field, "moment", None) if isinstance(field, MomentField) else field.data
        if isinstance(value, str):
            value = value.strip().replace("\r\n", "\n") or None
        if column.kind == "money" and isinstance(value, Decimal):
            value = _cents(field, value)
        found[column.key] = value
    return found


def _cents(field: Field, value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01")) if value.is_finite() else value


def money_problem(field: Field) -> str:
    """Return what is wrong with an amount that was typed, or ""."""
    value = field.data
    if isinstance(value, Decimal) and value.is_finite() and abs(value) < 10**13:
        if value != value.quantize(Decimal("0.01")):
            return str(_("An amount has two decimals at most."))
        return ""
    return "" if value is None else str(_("This amount is too large."))
