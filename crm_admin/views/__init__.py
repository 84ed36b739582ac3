"""Screens, made by Flask-Admin. One module an entity; `base.py` holds what all of them do."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Placeholder until the screens land."""
