"""Parts of pages that are the same for everybody of the same rights and language, drawn once.

A part is kept under what it depends on, the configuration's stamp among it, so that a change of
rights, choices or labels is seen at the next request.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import render_template
from markupsafe import Markup

from crm_admin.services import access, configuration
from crm_admin.views import requests

#: How many parts a process keeps; beyond it, it begins anew.
MOST = 2_000
_kept: dict[tuple[Any, ...], Any] = {}
T = TypeVar("T")


def once(template: str, key: Any, context: Callable[[], dict[str, Any]]) -> Markup:
    """Return the template drawn with the context, made now unless it is kept.

    Args:
        key: what it depends on beside the reader's roles and language.
    """

    def draw() -> Markup:
        return Markup(render_template(template, **context()))  # noqa: S704  (a template of ours)

    return kept((template, key), draw)


def kept(key: tuple[Any, ...], make: Callable[[], T]) -> T:
    """Return what was made for readers of these roles and language, or make it now.

    Args:
        key: what it is, and what it depends on beside the reader's roles and language.
    """
    actor, stamp = requests.actor(), configuration.stamp()
    roles = access.role_ids(actor)
    place = (key, requests.language(), roles, actor.is_system, stamp)
    if stamp is not None and (known := _kept.get(place)) is not None:
        found: T = known
        return found
    made = make()
    if stamp is not None:
        if len(_kept) >= MOST:
            _kept.clear()
        _kept[place] = made
    return made
