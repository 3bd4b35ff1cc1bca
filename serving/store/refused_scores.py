"""Scores that the database refuses: kept as lines beside the journal, for a person to look at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from features.compute.atomic import write_atomically
from serving.store.scores import ScoreRow, line_of

FOLDER = "refused"


def set_aside(journal: Path, segment: Path, rows: Sequence[ScoreRow]) -> None:
    """Write these rows of a segment down, in place of what an earlier attempt wrote of it."""
    if rows:
        path = journal / FOLDER / f"{segment.stem}.{rows[0].score_id[:8]}.lines"
        write_atomically(path, b"".join(map(line_of, rows)), mode=0o600)


def erase_refused(journal: Path, lead_ids: Sequence[str]) -> int:
    """Drop the lines of these leads; how many. OSError as the disk does."""
    names = [json.dumps(lead_id, ensure_ascii=plain)[1:-1].encode("utf-8", "surrogatepass")
             for lead_id in lead_ids for plain in (False, True)]  # fmt: skip
    dropped = 0
    for path in sorted((journal / FOLDER).glob("*.lines")):
        lines = path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if not any(name in line for name in names)]
        dropped += len(lines) - len(kept)
        if not kept:
            path.unlink()
        elif len(kept) < len(lines):
            write_atomically(path, b"".join(kept), mode=0o600)
    return dropped
