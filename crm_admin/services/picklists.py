"""Picklists: the choices of each, their labels and colours, in every language."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select

from crm_admin.database import db
from crm_admin.models.base import label_key
from crm_admin.models.picklists import Picklist, PicklistItem
from crm_admin.services import configuration


@dataclass(frozen=True)
class Item:
    """One choice as records keep it (`code`) and as people read it, in the languages' order."""

    code: str
    label_en: str
    label_zh_hans: str
    label_zh_hant: str
    colour: str
    is_active: bool

    def label(self, language: str) -> str:
        """Return the choice's name in this language."""
        return str(getattr(self, label_key(language)))


@configuration.kept
def _all() -> dict[str, dict[str, Item]]:
    """Return {picklist: {code: item}}, items in their order."""
    statement = (
        select(Picklist.code, PicklistItem)
        .join(PicklistItem.picklist)
        .where(Picklist.deleted_at.is_(None), PicklistItem.deleted_at.is_(None))
        .order_by(Picklist.code, PicklistItem.position, PicklistItem.id)
    )
    found: dict[str, dict[str, Item]] = {}
    for code, item in db.session.execute(statement):
        found.setdefault(code, {})[item.code] = Item(
            item.code,
            item.label_en,
            item.label_zh_hans or item.label_en,
            item.label_zh_hant or item.label_zh_hans or item.label_en,
            item.colour or "",
            item.is_active,
        )
    return found


@configuration.kept
def _names() -> dict[str, dict[str, str]]:
    """Return {picklist: {column of a language: its own name}}."""
    keys = ("label_en", "label_zh_hans", "label_zh_hant")
    found = db.session.scalars(select(Picklist).where(Picklist.deleted_at.is_(None)))
    return {p.code: {key: getattr(p, key) or p.label_en for key in keys} for p in found}


def name(picklist: str, language: str) -> str:
    """Return what people call a picklist, or "" where there is none of that code."""
    return _names().get(picklist, {}).get(label_key(language), "")


def named(language: str) -> list[tuple[str, str]]:
    """Return (code, name) of all picklists."""
    return [(code, name(code, language)) for code in _names()]


def items(picklist: str) -> Mapping[str, Item]:
    """Return {code: item} of a picklist, in order; empty where there is none of that code."""
    return _all().get(picklist, {})


def label(picklist: str, code: str | None, language: str) -> str:
    """Return a choice's name; a value that is no choice names itself."""
    if not code:
        return ""
    item = items(picklist).get(code)
    return item.label(language) if item else code


def choices(picklist: str, language: str, kept: str | None = None) -> list[tuple[str, str]]:
    """Return (code, label) of what is offered, and of what a record keeps though it is not."""
    found = [(i.code, i.label(language)) for i in items(picklist).values() if i.is_active]
    if kept and kept not in dict(found):
        found.append((kept, label(picklist, kept, language)))
    return found


def code_of(picklist: str, text: str) -> str | None:
    """Return the code a text means: the code itself or a label in any language.

    Neither the case of letters nor gaps between them matter.
    """
    wanted = _closed(text)
    for item in items(picklist).values():
        labels = (item.code, item.label_en, item.label_zh_hans, item.label_zh_hant)
        if wanted in map(_closed, labels):
            return item.code
    return None


def _closed(text: str) -> str:
    return "".join(text.split()).casefold()
