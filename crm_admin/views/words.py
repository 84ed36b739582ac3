"""Texts in the language of the request, looked up without Flask-Babel's detour through its context.

A page has some hundred texts, and each look-up of Flask-Babel's asks for its context three times.
"""

from typing import Any

from flask import Flask

from crm_admin import i18n


def gettext(text: str, **values: Any) -> str:
    """Return the text in the present language with its values in place; nothing stays nothing.

    To a catalogue the empty text stands for what the catalogue says of itself.
    """
    found = i18n.catalogue(i18n.language()).gettext(text) if text else ""
    return found % values if values else found


def ngettext(one: str, many: str, num: int, **values: Any) -> str:
    """Return the text for so many in the present language with its values in place."""
    found = i18n.catalogue(i18n.language()).ngettext(one, many, num)
    return found % ({"num": num} | values)


def init_app(app: Flask) -> None:
    """Let the templates look their texts up here too."""
    environment: Any = app.jinja_env
    environment.install_gettext_callables(
        lambda text: i18n.catalogue(i18n.language()).gettext(text),
        lambda one, many, num: i18n.catalogue(i18n.language()).ngettext(one, many, num),
        newstyle=True,
    )
