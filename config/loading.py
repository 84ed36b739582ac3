"""Reads the settings: the defaults of `settings.py`, the environment, and what follows."""

import os
import secrets
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from config import settings as defaults

ROOT = Path(__file__).parent.parent
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


def settings(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the application's whole configuration.

    Raises:
        ValueError: a value in the environment is not of its setting's kind.
    """
    found = {name: value for name, value in vars(defaults).items() if name.isupper()}
    for name in found:
        if (text := os.environ.get(f"CRM_{name}")) is not None:
            found[name] = _typed(name, text)
    found |= overrides
    instance = Path(found["INSTANCE"] or ROOT / "instance").absolute()
    instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    found["INSTANCE"] = str(instance)
    url = found["DATABASE_URL"] or f"sqlite:///{instance / 'crm.db'}"
    if url.startswith(("postgres://", "postgresql://")):
        url = "postgresql+psycopg://" + url.split("://", 1)[1]
    found["DATABASE_URL"] = found["SQLALCHEMY_DATABASE_URI"] = url
    found["SECRET_KEY"] = found["SECRET_KEY"] or _kept_secret(instance / "secret.key")
    found["PUBLIC_URL"] = _public_address(found["PUBLIC_URL"])
    _check_mail(found)
    found["BACKUP_FOLDER"] = found["BACKUP_FOLDER"] or str(instance / "backups")
    return found | _flask(found)


def _flask(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what Flask and its extensions are told beside our own settings."""
    hosts = [host.strip() for host in found["TRUSTED_HOSTS"].split(",") if host.strip()]
    earlier = [key.strip() for key in found["SECRET_KEY_FALLBACKS"].split(",") if key.strip()]
    return {
        "SECRET_KEY_FALLBACKS": earlier or None,
        "TRUSTED_HOSTS": hosts or None,
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=found["SESSION_HOURS"]),
        "SESSION_COOKIE_NAME": "__Host-crm" if found["HTTPS"] else "crm",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": found["HTTPS"],
        "SESSION_REFRESH_EACH_REQUEST": False,
        "MAX_CONTENT_LENGTH": (found["ATTACHMENT_MEGABYTES"] + 1) * 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 2 * 1024 * 1024,
        "MAX_FORM_PARTS": 2_000,
        "SEND_FILE_MAX_AGE_DEFAULT": timedelta(days=30),
        "WTF_CSRF_TIME_LIMIT": None,  # it lasts as long as the session that it belongs to
        "WTF_CSRF_SSL_STRICT": False,
        "BABEL_DEFAULT_LOCALE": found["LANGUAGE"] or "en",
        "BABEL_TRANSLATION_DIRECTORIES": str(ROOT / "crm_admin" / "translations"),
    }


def _public_address(text: str) -> str:
    """Return the address that links in mail begin with, without its last slash."""
    address = text.strip().rstrip("/")
    parts = urlsplit(address)
    if address and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query):
        raise ValueError(f"CRM_PUBLIC_URL is {text!r}: say something like https://crm.example.com.")
    return address


def _check_mail(found: Mapping[str, Any]) -> None:
    """Refuse settings by which no mail could ever be sent."""
    if found["MAIL_SECURITY"] not in ("starttls", "tls", "none"):
        raise ValueError("CRM_MAIL_SECURITY is none of starttls, tls and none.")
    sender = found["MAIL_FROM"]
    if found["MAIL_HOST"] and ("@" not in sender or any(mark in sender for mark in "\r\n")):
        raise ValueError("CRM_MAIL_HOST is set: CRM_MAIL_FROM must name the sender's address.")


def _typed(name: str, text: str) -> Any:
    """Return the environment's text as its setting's kind."""
    kind = type(getattr(defaults, name))
    if kind is bool:
        if text.strip().lower() not in _TRUE | _FALSE:
            raise ValueError(f"CRM_{name} is {text!r}: say 1 or 0.")
        return text.strip().lower() in _TRUE
    if kind is int:
        if not text.strip().isdigit():
            raise ValueError(f"CRM_{name} is {text!r}: say a whole number.")
        return int(text)
    return text


def _kept_secret(file: Path) -> str:
    """Return the installation's own secret, made once and readable by its owner only."""
    if not file.exists():
        try:
            with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as new:
                new.write(secrets.token_hex(32))
        except FileExistsError:
            pass  # another process of ours made it since we looked
    return file.read_text().strip()
