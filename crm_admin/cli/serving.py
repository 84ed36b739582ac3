"""`python app.py`: brings the database up to date, then serves people and runs the jobs."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from flask import Flask

from config.loading import ROOT
from crm_admin.errors import CrmError
from crm_admin.services import installation, setup


def main(app: Flask) -> None:
    """Run the whole installation until it is stopped."""
    with app.app_context():
        _bring_up_to_date(app)
        try:
            password = setup.prepare(ROOT / "config", app.config["ADMIN_PASSWORD"] or None)
        except CrmError as error:
            sys.exit(f"The first administrator cannot be made: {error}")
    address = f"http://{app.config['HOST']}:{app.config['PORT']}/"
    if password and not app.config["ADMIN_PASSWORD"]:
        print(f"\n  First administrator:  admin\n  Password (shown once): {password}\n", flush=True)  # noqa: T201
    print(f"  Open {address} and sign in. Stop with Ctrl-C.\n", flush=True)  # noqa: T201
    scheduler = _Scheduler(app)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        _serve(app)
    except KeyboardInterrupt:
        pass
    finally:
        scheduler.stop()


def _bring_up_to_date(app: Flask) -> None:
    """Migrate the database where it is of an earlier version, with a backup of it first."""
    kept, newest = installation.version(), installation.newest()
    if kept == newest:
        return
    if kept is not None:
        from crm_admin.services import backups

        file = Path(app.config["BACKUP_FOLDER"]) / f"before-{newest}.crmbackup"
        backups.write(file, Path(app.config["INSTANCE"]))
        print(f"  Backed up to {file} before the upgrade.", flush=True)  # noqa: T201
    installation.upgrade()


class _Scheduler:
    """The scheduler as a child process, started again when it ends by itself."""

    def __init__(self, app: Flask) -> None:
        self.over = threading.Event()
        self.child = self._start()
        threading.Thread(target=self._watch, daemon=True).start()

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "flask", "--app", "app", "scheduler"]
        return subprocess.Popen([*command, "--parent", str(os.getpid())], cwd=ROOT)  # noqa: S603

    def _watch(self) -> None:
        while not self.over.is_set():
            self.child.wait()
            if not self.over.wait(5):
                self.child = self._start()

    def stop(self) -> None:
        """End the child and wait for it."""
        self.over.set()
        self.child.terminate()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()


def _serve(app: Flask) -> None:
    """Serve with waitress in this process; with several workers or PostgreSQL, with gunicorn."""
    if app.config["WORKERS"] == 1 and app.config["DATABASE_URL"].startswith("sqlite"):
        import waitress

        waitress.serve(
            app,
            host=app.config["HOST"],
            port=app.config["PORT"],
            threads=app.config["THREADS"],
            ident=None,
            max_request_body_size=app.config["MAX_CONTENT_LENGTH"],
            channel_timeout=60,
        )
        return
    from gunicorn.app.base import BaseApplication

    class Server(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            options: dict[str, Any] = {
                "bind": f"{app.config['HOST']}:{app.config['PORT']}",
                "workers": max(2, app.config["WORKERS"]),
                "threads": app.config["THREADS"],
                "timeout": 120,
            }
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self) -> Flask:
            return app

    Server().run()
