"""The log: one JSON object a line on standard error, with what happened and ids, never with names.

An event says what happened and to which ids. What people typed stays out: of an address only the
path is kept, of an error only its kind and place, since its words may repeat a value.
"""

import json
import logging
import re
import sqlite3
import sys
import time
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

from flask import Flask, Response, g, request
from sqlalchemy import inspect
from sqlalchemy.exc import DBAPIError

_request: ContextVar[str | None] = ContextVar("request", default=None)
_access = logging.getLogger("crm_admin.access")

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
#: What a caller may add to an event with `extra=`; anything else given is left out.
FIELDS = ("method", "path", "status", "ms", "user", "entity", "record", "job", "day", "count")
LONGEST = 2_000
#: Errors whose words name types, functions or our own rules, and repeat no value.
_HARMLESS = (TypeError, AttributeError, NameError, ImportError, RuntimeError, RecursionError)
#: Part of an address that may hold what someone searched for.
_QUERY = re.compile(r"\?[^\s\"'<>]*")
#: Not worth a line each: asked for by machines and by every page.
_QUIET = ("/static/", "/healthz")
#: Routes whose address is itself a secret.
_SECRET = ("calendar_feed.read",)


def configure(level: str) -> None:
    """Send the log to standard error as JSON lines, from this level on.

    Libraries are heard from WARNING on, as what they say of themselves may repeat an address.

    Raises:
        ValueError: there is no such level.
    """
    wanted = level.strip().upper()
    if wanted not in LEVELS:
        raise ValueError(f"CRM_LOG_LEVEL is {level!r}: say {', '.join(LEVELS)}.")
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h, _Stderr)]:
        root.removeHandler(handler)
    root.addHandler(_Stderr())
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[wanted]))
    for name in ("crm_admin", "app"):
        logging.getLogger(name).setLevel(wanted)
    logging.getLogger("gunicorn.error").setLevel(wanted)
    logging.getLogger("werkzeug").setLevel(root.level)


def init_app(app: Flask) -> None:
    """Give each request an id and log a line when it is answered."""
    app.before_request(_arrived)
    app.after_request(_answered)
    app.teardown_request(_left)


def request_id() -> str | None:
    """Return the id of the request being answered, which its log lines and its answer bear."""
    return _request.get()


def _arrived() -> None:
    g.log_started = time.perf_counter()
    _request.set(token_hex(8))


def _answered(response: Response) -> Response:
    if (started := g.get("log_started")) is None:
        _arrived()  # it was refused before it came to us
        started = g.log_started
    said = {
        "method": request.method,
        "path": _path()[:200],
        "status": response.status_code,
        "ms": round((time.perf_counter() - started) * 1000, 1),
        "user": _user_id(),
    }
    level = logging.DEBUG if request.path.startswith(_QUIET) else logging.INFO
    _access.log(level, "request answered", extra=said)
    response.headers["X-Request-ID"] = _request.get() or ""
    return response


def _path() -> str:
    """Return the path that was asked for; one that opens what it names is told by its rule."""
    secret = request.endpoint in _SECRET and request.url_rule is not None
    return str(request.url_rule) if secret else request.path


def _left(error: BaseException | None) -> None:
    _request.set(None)


def _user_id() -> int | None:
    """Return the id of who is signed in, without asking the database for it."""
    state = inspect(g.get("_login_user"), raiseerr=False)
    identity = getattr(state, "identity", None)
    return identity[0] if identity else None


class _Stderr(logging.Handler):
    """Writes to whatever standard error is now, so that tests and servers may replace it."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except Exception:
            self.handleError(record)


class JsonLines(logging.Formatter):
    """Formats an event as one line of JSON; control characters and line ends are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": _QUERY.sub("?", record.getMessage())[:LONGEST],
        }
        if (id := _request.get()) is not None:
            said["request"] = id
        said |= {k: v for k in FIELDS if (v := record.__dict__.get(k)) is not None}
        if record.exc_info and record.exc_info[1] is not None:
            said["error"], said["stack"] = _of(record.exc_info[1])
        return json.dumps(said, default=str)


def _of(error: BaseException) -> tuple[str, str]:
    """Return the error's kind, and the stack of it and its causes, without any value in them."""
    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__ or _context(chain[-1])) and cause not in chain:
        chain.append(cause)
    parts = [
        "".join(traceback.format_list(traceback.extract_tb(e.__traceback__)[-30:])) + _kind(e)
        for e in reversed(chain)
    ]
    return _kind(error), "\n\ncaused\n\n".join(parts)


def _context(error: BaseException) -> BaseException | None:
    return None if error.__suppress_context__ else error.__context__


def _kind(error: BaseException) -> str:
    """Return the error's class and as much of its words as repeats nothing that people typed."""
    name = type(error).__name__
    if isinstance(error, DBAPIError) and error.orig is not None:
        return f"{name} ({_kind(error.orig)})"
    if isinstance(error, sqlite3.Error):
        detail = getattr(error, "sqlite_errorname", "")
    elif isinstance(error, OSError):
        detail = error.strerror or ""
    elif type(error) in _HARMLESS:
        detail = str(error)
    else:
        detail = getattr(error, "sqlstate", None) or ""
    return f"{name}: {detail[:LONGEST]}" if detail else name
