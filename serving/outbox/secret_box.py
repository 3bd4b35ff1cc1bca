"""Secrets of webhooks as the store keeps them: encrypted where the operator has given a key.

Messages are signed with them, so hashes would not do. A key in the environment keeps whoever reads
the database, a backup or a dump from signing.
"""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from features.errors import StorageError, UsageError
from serving.settings import Settings

SEALED = "fernet:"


class SecretBox:
    """Seals by the first of ``keys`` and opens by any, so that keys can be exchanged.

    ``keys``: Fernet's (32 bytes in URL-safe base64), separated by commas; none: secrets are kept as
    they are. What was kept open before is read all the same. UsageError for what is no such key.
    """

    def __init__(self, keys: str = "") -> None:
        try:
            made = [Fernet(key.strip()) for key in keys.split(",") if key.strip()]
        except ValueError:
            raise UsageError(
                "LEADSCORE_WEBHOOK_SECRET_KEYS holds something that is no key; make one: "
                "openssl rand -base64 32 | tr '+/' '-_'"
            ) from None
        self._fernet = MultiFernet(made) if made else None

    @classmethod
    def of(cls, settings: Settings) -> SecretBox:
        """As the operator set it."""
        return cls(settings.webhook_secret_keys)

    def seal(self, secret: str) -> str:
        """What the store keeps."""
        if self._fernet is None:
            return secret
        return SEALED + self._fernet.encrypt(secret.encode()).decode()

    def open(self, kept: str) -> str:
        """The secret again. StorageError when no key fits: then nothing may be sent unsigned."""
        if not kept.startswith(SEALED):
            return kept
        missing = StorageError(
            "a webhook's secret is encrypted by a key that LEADSCORE_WEBHOOK_SECRET_KEYS has not"
        )
        if self._fernet is None:
            raise missing
        try:
            return self._fernet.decrypt(kept.removeprefix(SEALED)).decode()
        except InvalidToken:
            raise missing from None


AS_IT_IS = SecretBox()
"""Keeps secrets open."""
