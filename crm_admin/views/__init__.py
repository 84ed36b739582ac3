"""Screens, made by Flask-Admin. One module an entity; `base.py` holds what all of them do.

Pages that are no entity extend `Page` in `page.py`. Every module of this folder is imported here,
so a new file is a new screen.
"""

from importlib import import_module
from pkgutil import iter_modules

from flask import Flask
from flask_admin import Admin
from flask_babel import Babel

from crm_admin.views import faults, frame, requests, security, words
from crm_admin.views.base import EntityView
from crm_admin.views.page import Page

_modules = [import_module(f"{__name__}.{m.name}") for m in iter_modules(__path__)]


def init_app(app: Flask) -> None:
    """Add the doors every request passes, and one screen for each class that describes one."""
    Babel(
        app,
        locale_selector=requests.language,
        timezone_selector=lambda: str(requests.zone()),
    )
    security.init_app(app)
    faults.init_app(app)
    frame.init_app(app)
    words.init_app(app)
    for module in _modules:
        if blueprint := getattr(module, "blueprint", None):
            app.register_blueprint(blueprint)
    [home] = [page for page in Page.__subclasses__() if page.path == "/"]
    admin = Admin(app, name=app.config["PRODUCT_NAME"], index_view=home())
    others = [page for page in Page.__subclasses__() if page is not home]
    for screen in sorted([*EntityView.__subclasses__(), *others], key=lambda s: s.__name__):
        admin.add_view(screen())
