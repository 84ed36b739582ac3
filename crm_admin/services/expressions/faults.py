"""What is wrong with an expression, and where."""

from typing import Any

from crm_admin.errors import Invalid, Label, Problem
from crm_admin.i18n import N_

#: The first character and the one after the last, counted from 0.
Place = tuple[int, int]
#: How many characters are shown on either side of what is wrong.
AROUND = 12
LONGEST_SHOWN = 120


def fault(text: str, place: Place, message: str, /, **values: Any) -> Invalid:
    """Return the refusal of a text for what stands at this place, to be raised.

    The reason is a sentence of its own; people count characters from 1.
    """
    short = {k: _short(v) if isinstance(v, str) else v for k, v in values.items()}
    said = {
        "column": place[0] + 1,
        "near": _near(text, place),
        "reason": Problem("", message, short),
    }
    framed = N_("Character %(column)s, near “%(near)s”: %(reason)s")
    return Invalid([Problem("", framed, said)])


def _short(value: str) -> str:
    """Return a value as a message shows it: without what cannot be shown, and not at length."""
    if isinstance(value, Label):
        return value
    shown = "".join(c if c.isprintable() else " " for c in value)
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}…"


def _near(text: str, place: Place) -> str:
    """Return what is wrong with some of what stands around it, cut between words if it can be."""
    start, end = place[0], min(place[1], place[0] + 2 * AROUND)
    before, after = text[:start], text[end:]
    left, right = before[-AROUND:], after[:AROUND]
    if len(before) > AROUND:
        left = "…" + (left.partition(" ")[2] if " " in left else left)
    if len(after) > AROUND:
        right = (right.rpartition(" ")[0] if " " in right else right) + "…"
    shown = f"{left}{text[start:end]}{right}"
    return " ".join("".join(c if c.isprintable() else " " for c in shown).split())
