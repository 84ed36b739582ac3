"""A rule as people read it: its field, parameter and condition by the names of its own entity."""

from sqlalchemy import inspect

from crm_admin.models.base import Record
from crm_admin.models.rules import Rule
from crm_admin.services import access, expressions, picklists
from crm_admin.services.rule_kinds import KINDS
from crm_admin.views import requests
from crm_admin.views.words import gettext as _


def title(rule: Rule) -> str:
    """Return what the rule is about and what it checks: "Customer · E-mail · Is an e-mail address".

    A related entity stands for itself: "Customer · Contacts · Has related records".
    """
    model, kind = access.model_of(rule.entity), KINDS.get(rule.kind)
    about = _(model.singular) if model else rule.entity
    check = _(kind.label) if kind else rule.kind
    return " · ".join(text for text in (about, of(rule, "field_key"), check) if text)


def of(rule: Rule, key: str) -> str:
    """Return a rule's field, parameter or condition in the present language."""
    value, model = getattr(rule, key) or "", access.model_of(rule.entity)
    if not value or model is None:
        return value
    if key == "field_key":
        return _field(model, value)
    if key == "condition" or rule.kind == "holds":
        return expressions.said(model, value, _, requests.language())
    other = access.model_of(value) if rule.kind == "related" else None
    if other is not None:
        return _(other.plural)
    named = picklists.name(value, requests.language()) if rule.kind == "known" else ""
    return named or value


def _field(model: type[Record], key: str) -> str:
    """Return what the rule's own entity calls a field; what belongs to it by its own name."""
    column_key = model.column_key(key)
    columns = inspect(model).columns
    if column_key in columns and (label := columns[column_key].info.get("label")):
        return _(label)
    other = access.model_of(key)
    return _(other.plural) if other else key
