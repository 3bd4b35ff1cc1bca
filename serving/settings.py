"""Every setting of the service with its default: ``LEADSCORE_<NAME>`` in the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "LEADSCORE_"
COMPARISON_FILE = "comparison.json"
"""Where the page looks for a comparison in the home, and the demo writes its own."""


class Settings(BaseSettings):
    """What an operator may choose. Read once at start and handed down; nothing else reads it."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    # where things lie
    home: Path = Field(Path("var"), description="releases, the champion pointer, the store")
    release: Path | None = Field(None, description="serve this release folder and watch nothing")

    database_url: str | None = Field(None, description="store; SQLite in the home unless set")
    database_wait_s: float = Field(5.0, gt=0, description="how long a locked store is waited for")

    # which release answers
    watch_s: float = Field(1.0, gt=0, description="how often the pointer is looked at")
    fetch_s: float = Field(0.0, ge=0, description="how often the registry is asked; 0: never")
    fetch_timeout_s: float = Field(120.0, gt=0)
    shadow: Path | None = Field(None, description="a challenger: scored and logged, never answered")
    playbook: Path | None = Field(
        None, description="next steps as TOML; the default ones unless set"
    )
    production: bool = Field(False, description="keys required, only signed releases answer")
    trusted_keys: str = Field("", description="Ed25519 public keys in hex, separated by commas")

    # how it listens
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    workers: int = Field(1, ge=1, le=64)
    backlog: int = Field(2048, ge=1)
    keep_alive_s: float = Field(75.0, gt=0)
    shutdown_grace_s: int = Field(20, ge=1, description="how long in-flight requests may finish")

    # what it accepts
    max_connections: int = Field(
        2000, ge=1, description="open at once; the one idle longest makes room for a new one"
    )
    max_head_bytes: int = Field(32 * 1024, ge=1024, description="of a request's head")
    max_headers: int = Field(100, ge=10)
    head_timeout_s: float = Field(10.0, gt=0, description="a head must have arrived by then")
    max_body_bytes: int = Field(
        16 * 1024 * 1024, ge=1024, description="of one body, once it is unpacked"
    )
    max_bodies_bytes: int = Field(
        128 * 1024 * 1024, ge=1024, description="of all bodies on their way in; then 503"
    )
    max_import_bytes: int = Field(
        1 << 30, ge=1024, description="of an import, as sent and once it is unpacked"
    )
    max_batch: int = Field(1000, ge=1, le=100_000)
    max_depth: int = Field(12, ge=4, description="nesting of a JSON body")
    body_timeout_s: float = Field(20.0, gt=0, description="a body must have arrived by then")
    clock_skew_s: float = Field(300.0, ge=0, description="how far ahead a caller's clock may be")

    max_waiting: int = Field(128, ge=1, description="requests queued before new ones get a 503")
    max_writes: int = Field(256, ge=1, description="writes queued before new ones get a 503")
    rate_per_s: float = Field(5000.0, gt=0, description="requests a second of one key")
    rate_burst: int = Field(10_000, ge=1)

    cors_origins: str = Field(
        "", description="origins of web pages that may call, separated by commas; * for any"
    )

    # what it writes down
    score_log: Literal["durable", "relaxed", "off"] = Field(
        "durable", description="durable: a score is on disk before it is answered"
    )
    keep_scores_days: float = Field(400.0, gt=0)

    keep_changes_days: float = Field(30.0, gt=0)

    # the list of leads, and what is a change
    list_name: str = Field("name", description="attribute shown as a lead's name in the list")
    list_owner: str = Field("owner", description="attribute shown as its owner")
    list_source: str = Field("source", description="attribute shown as its source")
    list_account: str = Field("account_id", description="attribute shown as its account")
    list_segment: str = Field("segment", description="attribute the page filters by as segment")
    list_cost: str = Field("cost", description="attribute with the cost of acquiring the lead")
    list_language: str = Field(
        "en", pattern="^[a-z]{2}$", description="of the reasons in the list and in changes"
    )
    change_probability: float = Field(
        0.1, gt=0, le=1, description="a probability that moved this far is a change"
    )
    refresh_per_s: float = Field(
        200.0, ge=0, description="stored leads scored anew a second at most; 0: never"
    )
    refresh_hours: float = Field(
        24.0, gt=0, description="a listed score is computed anew when older"
    )

    # webhooks
    webhook_private: bool = Field(
        False, description="webhooks may go to private addresses and the loopback"
    )
    webhook_secret_keys: str = Field(
        "", description="keys by which secrets of webhooks are encrypted in the store; the first "
        "encrypts, all decrypt; separated by commas",
    )  # fmt: skip
    webhook_rate_per_s: float = Field(20.0, gt=0, description="messages a second to one webhook")
    webhook_concurrency: int = Field(4, ge=1, le=64, description="messages at once to one webhook")
    webhook_timeout_s: float = Field(10.0, gt=0, description="a receiver must answer within")
    webhook_retry_s: float = Field(5.0, gt=0, description="wait after the first failure; doubles")
    webhook_hold_s: float = Field(
        900.0, gt=0, description="a webhook that fails again and again is tried after this at most"
    )
    webhook_give_up_hours: float = Field(
        72.0, gt=0, description="after this long of failures a message is a dead letter"
    )

    # webhooks of systems, at /v1/hooks/SYSTEM; each is off until it has a secret
    hook_url: str = Field(
        "", description="address that systems call, https://HOST, if the Host header is another"
    )
    hook_hubspot_secret: str = Field(
        "", repr=False, description="client secret of the app; two, separated by a comma, at most"
    )
    hook_salesforce_secret: str = Field("", repr=False, description="?secret= of the endpoint URL")
    hook_salesforce_org: str = Field("", description="id of the only organisation that may send")
    hook_odoo_secret: str = Field("", repr=False, description="password in the webhook's URL")
    hook_pipedrive_secret: str = Field("", repr=False, description="HTTP auth password")
    hook_words: str = Field(
        "", description="meanings of a system's words: Recycled=lost,Archived=lost"
    )

    # what it says
    reasons: int = Field(3, ge=0, le=50, description="reasons in an answer unless asked otherwise")
    log_level: str = "info"
    calls_per_week: int = Field(40, ge=1, description="where a week's list to call ends")
    comparison: Path | None = Field(
        None,
        description="what leadscore compare --json wrote, for the page; comparison.json in the "
        "home unless set",
    )
    api_docs: bool = Field(True, description="serve the OpenAPI document and its page at /docs")

    @property
    def comparison_file(self) -> Path | None:
        """The comparison that the page shows; None where none was made."""
        if self.comparison is not None:
            return self.comparison
        made = self.home / COMPARISON_FILE
        return made if made.is_file() else None

    @property
    def refreshes(self) -> bool:
        """Whether stored leads are scored anew without being asked for."""
        return self.refresh_per_s > 0 and self.score_log != "off"

    def environment(self) -> dict[str, str]:
        """Set values as environment variables, so that worker processes read the same."""
        given = self.model_dump(mode="json", exclude_defaults=True)
        return {
            PREFIX + name.upper(): str(value) for name, value in given.items() if value is not None
        }


def export(settings: Settings) -> None:
    """Put the settings into this process's environment for the workers it starts."""
    os.environ.update(settings.environment())
