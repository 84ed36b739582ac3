"""What may be written in an expression, for the help of a page."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from crm_admin.i18n import N_
from crm_admin.models.base import Model
from crm_admin.services.expressions.fields import Field, fields_of, related
from crm_admin.services.expressions.functions import FUNCTIONS
from crm_admin.services.expressions.terms import Kind

#: The names that every entity has, and what they stand for.
WORDS = {
    "me": (Kind.RECORD, N_("The user who looks or acts.")),
    "my_department": (Kind.RECORD, N_("The department of that user; empty without one.")),
    "today": (Kind.DAY, N_("The company's day.")),
    "true": (Kind.TRUTH, N_("Yes")),
    "false": (Kind.TRUTH, N_("No")),
}


@dataclass(frozen=True)
class Completion:
    """Something that may be written: `name` as it is written, `label` as people call it.

    `sort` is "field", "related", "word" or "function"; `kind` what it may be compared with, both
    texts to translate. `choices` are {value: label} of a state; `picklist` names another list whose
    codes it holds. A related field's `relation` is the label of what leads to it.
    """

    name: str
    sort: str
    kind: str
    label: str
    choices: tuple[tuple[str, str], ...] = ()
    picklist: str = ""
    relation: str = ""


def completions(model: type[Model]) -> list[Completion]:
    """Return all names that may be used for an entity's records, in the order of its fields."""
    own = fields_of(model)
    found = [_of(field, field.name, "field") for field in _shown(model, own)]
    for relation, target in related(model).items():
        others = _shown(target, fields_of(target))
        label = own[relation].label
        found += [_of(one, f"{relation}.{one.name}", "related", label) for one in others]
    found += [Completion(name, "word", kind.value, help) for name, (kind, help) in WORDS.items()]
    found += [
        Completion(one.shown, "function", one.gives.value, one.help) for one in FUNCTIONS.values()
    ]
    return found


def _shown(model: type[Model], known: dict[str, Field]) -> Iterator[Field]:
    """Yield each field once, under the shorter of its names."""
    return (field for name, field in known.items() if model.form_key(name) == name)


def _of(field: Field, name: str, sort: str, relation: str = "") -> Completion:
    term = field.term
    choices: Any = term.of if term.kind is Kind.STATE else ()
    values = tuple((choice.value, choice.label) for choice in choices)
    return Completion(name, sort, term.kind.value, field.label, values, field.picklist, relation)
