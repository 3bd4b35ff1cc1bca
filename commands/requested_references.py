"""The references to score, and how many are older than any lead that was learned from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from features.language.composed import composed

if TYPE_CHECKING:
    from features.compute.array_types import Int64, Object
    from features.dataset import Dataset
    from scoring.release.release import Release


def requested_references(data: Dataset, references: str | None) -> tuple[Object, Int64]:
    """(lead_ids, as_of in microseconds) of the references in a file, or of every open lead."""
    from commands.output import log
    from features.reading.read import open_leads, read_references

    if references is None:
        lead_ids, moments = open_leads(data)
        if not len(lead_ids):
            log(composed("no lead is open; name the questions by --references FILE"))
        return lead_ids, moments
    asked = read_references(Path(references), data.settings)
    moments = asked["as_of"].to_numpy(dtype="datetime64[us]").astype("int64")
    return as_in_leads(asked["lead_id"].to_numpy(dtype=object), data), moments


def as_in_leads(lead_ids: Object, data: Dataset) -> Object:
    """Ids as the leads have them: those that a CSV file of ours neutralised are restored.

    An id is only taken as neutralised where no lead is called so and a lead has the restored id.
    """
    from features.csv_cells import QUOTE, restored

    quoted = [i for i, name in enumerate(lead_ids) if str(name).startswith(QUOTE)]
    if not quoted:
        return lead_ids
    there, out = set(data.leads["lead_id"]), lead_ids.copy()
    for i in quoted:
        if out[i] not in there and restored(out[i]) in there:
            out[i] = restored(out[i])
    return out


def warn_extrapolation(release: Release, data: Dataset, lead_ids: Object, as_of_us: Int64) -> None:
    """Say how many leads are older than any that the release has learned from."""
    from scoring.extrapolation import count_extrapolating, oldest_learned_days

    oldest = oldest_learned_days(release.manifest["data"])
    report_extrapolation(
        count_extrapolating(oldest, data.leads, lead_ids, as_of_us), len(lead_ids), oldest
    )


def report_extrapolation(beyond: int, asked: int, oldest_days: float | None) -> None:
    """The note about leads older than any learned from, if there are some."""
    from commands.output import log
    from scoring.extrapolation import extrapolation_note

    if beyond and oldest_days is not None:
        log(composed(f"note: {extrapolation_note(beyond, asked, oldest_days)}"))
