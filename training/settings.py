"""Where releases are kept and which registry knows them: one place, every default."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from features.reading.sources.database_url import without_password

RELEASE_ID_TAG = "release_id"
"""Tag of a registered version: the release it holds."""


class TrackingSettings(BaseSettings):
    """Settings read once from ``LEADSCORE_…`` variables and passed on from there."""

    model_config = SettingsConfigDict(env_prefix="LEADSCORE_", frozen=True, extra="ignore")

    home: Path = Field(
        default=Path("var"), description="the release store, and the default registry"
    )
    tracking_uri: str = Field(
        default="", description="any MLflow tracking URI; empty: an SQLite file in the home"
    )
    experiment: str = Field(default="leadscore", min_length=1)
    model_name: str = Field(default="leadscore", min_length=1)
    registry_timeout_s: int = Field(
        default=5, ge=1, le=600, description="longest wait for one answer of a remote registry"
    )

    @property
    def uri(self) -> str:
        """The tracking URI in force.

        >>> TrackingSettings(home=Path("/srv/x"), tracking_uri="").uri
        'sqlite:////srv/x/mlflow.db'
        """
        return self.tracking_uri or f"sqlite:///{self.home.absolute() / 'mlflow.db'}"

    @property
    def is_remote(self) -> bool:
        """Whether an MLflow server answers (and keeps the artefacts itself)."""
        return self.uri.startswith(("http://", "https://"))

    @property
    def is_empty(self) -> bool:
        """Whether the registry is an SQLite file that is not there yet: nothing is registered.

        MLflow would make the file, and its tables, only to say so.
        """
        file = Path(self.uri.removeprefix("sqlite:///"))
        return self.uri.startswith("sqlite:///") and not file.exists()

    @property
    def artifact_folder(self) -> Path:
        """Where runs keep their files when no server does."""
        return self.home.absolute() / "mlartifacts"

    @property
    def registry_key(self) -> str:
        """A short name for (registry, model), without the URI's password."""
        return hashlib.sha256(f"{self.uri}\n{self.model_name}".encode()).hexdigest()[:16]

    @property
    def shown_uri(self) -> str:
        """The tracking URI without a password, fit for a message.

        >>> TrackingSettings(tracking_uri="postgresql://me:secret@db/x").shown_uri
        'postgresql://me:***@db/x'
        """
        return without_password(self.uri)
