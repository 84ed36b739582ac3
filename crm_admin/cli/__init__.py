"""The shell: one file a command group, found by being here."""

from importlib import import_module
from pkgutil import iter_modules

from flask import Flask


def init_app(app: Flask) -> None:
    """Add every command that a module offers as `command`, or several as `commands`."""
    for name in sorted(m.name for m in iter_modules(__path__)):
        module = import_module(f"{__name__}.{name}")
        offered = getattr(module, "commands", None) or [getattr(module, "command", None)]
        for command in filter(None, offered):
            app.cli.add_command(command)
