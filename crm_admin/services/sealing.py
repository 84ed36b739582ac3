"""Sealing: what is kept in the database, but must not be read there."""

import base64
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crm_admin.errors import CrmError
from crm_admin.i18n import N_


class Seal:
    """Seals texts with keys that are made from the installation's secret, one a purpose.

    What an earlier secret has sealed can be read as long as it is among the fallbacks.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = tuple(secrets)

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Seal":
        """Return the seal of an installation with these settings."""
        return cls([settings["SECRET_KEY"], *(settings.get("SECRET_KEY_FALLBACKS") or ())])

    def close(self, text: str, purpose: str) -> str:
        """Return the text sealed; only the same purpose opens it."""
        return _keys(self._secrets, purpose).encrypt(text.encode()).decode()

    def open(self, sealed: str, purpose: str) -> str:
        """Return what was sealed.

        Raises:
            CrmError: it was altered, or sealed with a secret that is not known any more.
        """
        try:
            return _keys(self._secrets, purpose).decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise CrmError(N_("This was sealed with another CRM_SECRET_KEY.")) from None


@lru_cache(maxsize=16)
def _keys(secrets: tuple[str, ...], purpose: str) -> MultiFernet:
    return MultiFernet([Fernet(_key(secret, purpose)) for secret in secrets])


def _key(secret: str, purpose: str) -> bytes:
    made = HKDF(SHA256(), length=32, salt=None, info=f"crm {purpose}".encode())
    return base64.urlsafe_b64encode(made.derive(secret.encode()))
