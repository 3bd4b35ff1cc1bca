"""Who changed what answers, and when: ``$LEADSCORE_HOME/audit.jsonl``, append-only.

One JSON object a line, in order of ``serial``. A line torn by a crash or a full disk is skipped
when reading and closed off by the next append; the pointer still holds the entry, and
`training.registry.promote.reconcile` writes it again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from features.errors import StorageError

AUDIT_FILE = "audit.jsonl"


class AuditTrail:
    """The trail of one home; creating this object touches no disk."""

    def __init__(self, home: Path) -> None:
        self.file = home.absolute() / AUDIT_FILE

    def entries(self) -> list[dict[str, Any]]:
        """Every whole entry, oldest first."""
        try:
            lines = self.file.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StorageError(f"cannot read {self.file}: {error.strerror}") from error
        return [entry for line in lines if (entry := _parsed(line)) is not None]

    def append(self, entry: Mapping[str, Any]) -> None:
        """Add one entry, on disk when this returns. StorageError if the disk refuses."""
        line = json.dumps(dict(entry), sort_keys=True, ensure_ascii=False).encode() + b"\n"
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with open(self.file, "ab+") as file:
                if file.tell() and not _ends_whole(self.file):
                    line = b"\n" + line
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StorageError(f"cannot write {self.file}: {error.strerror}") from error

    def append_once(self, entry: Mapping[str, Any]) -> bool:
        """Add ``entry`` unless one of its serial is there; True if it was added."""
        if any(known.get("serial") == entry["serial"] for known in self.entries()):
            return False
        self.append(entry)
        return True


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _ends_whole(file: Path) -> bool:
    with open(file, "rb") as reader:
        reader.seek(-1, os.SEEK_END)
        return reader.read(1) == b"\n"
