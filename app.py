"""Puts the application together; `python app.py` runs it."""

from typing import Any

from flask import Flask

import crm_admin.models
import crm_admin.services  # noqa: F401  (every rule)
from config import loading
from crm_admin import cli, i18n, logs, views
from crm_admin.database import db, engine_options, migrate


def create_app(**overrides: Any) -> Flask:
    """Build the application; `overrides` replace settings, as tests do.

    Raises:
        ValueError: a setting in the environment is not of its kind.
    """
    app = Flask(__name__, static_folder="crm_admin/static")
    app.config.update(loading.settings(overrides))
    # A route has the methods that it names: nobody is told which those are.
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    logs.configure(app.config["LOG_LEVEL"])
    logs.init_app(app)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(app.config["SQLALCHEMY_DATABASE_URI"])
    i18n.compile_catalogues()
    db.init_app(app)
    migrate.init_app(app)
    views.init_app(app)
    cli.init_app(app)
    return app


if __name__ == "__main__":
    from crm_admin.cli import serving

    serving.main(create_app())
