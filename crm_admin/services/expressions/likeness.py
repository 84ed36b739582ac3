"""What somebody may have meant by a name that there is not."""

import difflib
from collections.abc import Iterable, Mapping

from crm_admin import i18n

#: How alike two names must be, from 0 to 1.
ALIKE = 0.6


def closest(name: str, known: Iterable[str], labels: Mapping[str, str] | None = None) -> str:
    """Return the known name that is most like this one, or "" where none is.

    A name is also known by its label, in English and in the present language.
    """
    meant = {one.lower(): one for one in known}
    for one, label in (labels or {}).items():
        for said in (label, i18n.say(label)):
            meant.setdefault(said.lower(), one)
            meant.setdefault(said.lower().replace(" ", "_"), one)
    found = difflib.get_close_matches(name.lower(), list(meant), n=1, cutoff=ALIKE)
    return meant[found[0]] if found else ""
