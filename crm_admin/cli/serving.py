"""`python app.py`: brings the database up to date, then serves people and runs the jobs."""

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

from flask import Flask

from config.loading import ROOT
from crm_admin.errors import CrmError
from crm_admin.services import backups, installation, pinyin, setup


def main(app: Flask) -> None:
    """Run the whole installation until it is stopped."""
    os.umask(0o077)  # what it writes is its owner's alone
    _refuse_what_cannot_work(app)
    with app.app_context():
        try:
            _bring_up_to_date(app)
            password = setup.prepare(
                ROOT / "config", app.config["ADMIN_PASSWORD"] or None, app.config["LANGUAGE"]
            )
        except CrmError as error:
            sys.exit(f"It cannot start: {error}")
        installation.disconnect()  # processes that are split off must not share a connection
    if password and not app.config["ADMIN_PASSWORD"]:
        print(f"\n  First administrator:  admin\n  Password (shown once): {password}\n", flush=True)  # noqa: T201
    print(f"  Open http://{_address(app)}/ and sign in. Stop with Ctrl-C.\n", flush=True)  # noqa: T201
    scheduler = _Scheduler()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        _serve(app)
    except KeyboardInterrupt:
        pass
    finally:
        scheduler.stop()


def _refuse_what_cannot_work(app: Flask) -> None:
    """Stop at once, with the reason, where starting would only fail later or be unsafe."""
    if os.environ.get("CRM_ADMIN_PASSWORD", "unset").strip() == "":
        sys.exit("CRM_ADMIN_PASSWORD is set, but empty: give it a password, or do not set it.")
    host, port = app.config["HOST"], app.config["PORT"]
    try:
        family, kind, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, kind)) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(place)
    except OSError as error:
        sys.exit(f"It cannot listen on {_address(app)}: {error.strerror}. CRM_PORT sets another.")


def _address(app: Flask) -> str:
    """Return host and port as an address has them."""
    host = app.config["HOST"]
    return f"[{host}]:{app.config['PORT']}" if ":" in host else f"{host}:{app.config['PORT']}"


def _bring_up_to_date(app: Flask) -> None:
    """Migrate the database where it is of an earlier version, with a backup of it first.

    Raises:
        CrmError: it is of a version that this program does not know, or could not be backed up.
    """
    kept, newest = installation.version(), installation.newest()
    if kept == newest:
        return
    if kept is not None:
        if kept not in installation.versions():
            raise CrmError("the database is of a newer version of this application.")
        file = Path(app.config["BACKUP_FOLDER"]) / f"before-{newest}{backups.ENDING}"
        backups.write(file, Path(app.config["INSTANCE"]))
        print(f"  Backed up to {file} before the upgrade.", flush=True)  # noqa: T201
    installation.upgrade()


class _Scheduler:
    """The scheduler as a child process, started again when it ends by itself."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.over = threading.Event()
        self.child = self._start()
        threading.Thread(target=self._watch, daemon=True).start()

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "flask", "--app", "app", "scheduler"]
        return subprocess.Popen([*command, "--parent", str(self.owner)], cwd=ROOT)  # noqa: S603

    def _watch(self) -> None:
        while not self.over.is_set():
            self.child.wait()
            if not self.over.wait(5):
                self.child = self._start()

    def stop(self) -> None:
        """End the child and wait for it; in a worker that was split off, do nothing."""
        if os.getpid() != self.owner:
            return
        self.over.set()
        self.child.terminate()
        try:
            self.child.wait(15)
        except subprocess.TimeoutExpired:
            self.child.kill()


def _serve(app: Flask) -> None:
    """Serve with waitress in this process; with several workers or PostgreSQL, with gunicorn."""
    # What is loaded by now stays: looking through it again and again would cost every request.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    if app.config["WORKERS"] == 1 and app.config["DATABASE_URL"].startswith("sqlite"):
        import waitress

        threading.Thread(target=pinyin.keys, args=("始",), daemon=True).start()  # loads its tables
        waitress.serve(
            app,
            host=app.config["HOST"],
            port=app.config["PORT"],
            threads=app.config["THREADS"],
            ident=None,
            max_request_body_size=app.config["MAX_CONTENT_LENGTH"],
            channel_timeout=60,
            # Else it would take away what the proxy in front says of who asks.
            clear_untrusted_proxy_headers=not app.config["TRUSTED_PROXIES"],
        )
        return
    from gunicorn.app.base import BaseApplication
    from gunicorn.glogging import Logger

    class Log(Logger):  # type: ignore[misc]
        def setup(self, cfg: Any) -> None:
            """Leave the lines to the application's own log."""

    class Server(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            options: dict[str, Any] = {
                "bind": _address(app),
                "workers": max(2, app.config["WORKERS"]),
                "threads": app.config["THREADS"],
                "timeout": 120,
                "graceful_timeout": 10,
                "logger_class": Log,
            }
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self) -> Flask:
            return app

    Server().run()
