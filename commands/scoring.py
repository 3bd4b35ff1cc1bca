"""What ``leadscore score`` does in its own process: read, ask, score, write."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import LeadscoreError

if TYPE_CHECKING:
    import pyarrow as pa

    from features.dataset import Dataset
    from features.histories import Int64, Object
    from scoring.release import Release
    from scoring.release_store import Stored


@contextmanager
def looked_up(release: str) -> Iterator[Future[tuple[Stored, Release]]]:
    """A release found and verified by another thread, while this one reads what is to be scored.

    If both fail, the release's error is the one that is raised.
    """

    def look_up() -> tuple[Stored, Release]:
        from commands.printing import say
        from scoring.release import load_release
        from training.tracking.tracker import locate

        found = locate(release, warn=say)
        return found, load_release(Path(found.path))

    def prepare_reading() -> None:
        from features.frames import prepare

        prepare()

    with ThreadPoolExecutor(1) as pool:
        lookup = pool.submit(look_up)
        pool.submit(prepare_reading)  # by the same thread, when the release is there
        try:
            yield lookup
        except LeadscoreError:
            lookup.result()
            raise


def score_here(
    dataset: str, out: Path, references: str | None, lookup: Future[tuple[Stored, Release]]
) -> dict[str, object]:
    """Score in this process; the summary that the command prints."""
    from commands.printing import step
    from commands.reading import tell_reading
    from features.reading import read_dataset
    from scoring.scores_file import write_scores

    def stop_early(_: int) -> None:
        if lookup.done():
            lookup.result()  # raises what is wrong with the release, before all is read

    with step(f"read {dataset}"):
        data = read_dataset(dataset, outcomes_required=False, progress=stop_early)
    tell_reading(data)
    asked = questions(data, references)
    found, release = lookup.result()
    table = score_all(release, data, *asked, version=found.version or release.release_id)
    warn_beyond(release, data, *asked)
    with step(f"write {out}"):
        write_scores(table, out)
    bands = table["band"].to_pylist()
    return {
        "rows": table.num_rows,
        "bands": {name: bands.count(name) for name in ("hot", "warm", "cold")},
        "errors": table.num_rows - table["error"].null_count,
    }


def questions(data: Dataset, references: str | None) -> tuple[Object, Int64]:
    """(lead_ids, as_of in microseconds) of the references asked about."""
    from commands.printing import say
    from features.open_leads import open_leads
    from features.reading import read_references

    if references is None:
        lead_ids, moments = open_leads(data)
        if not len(lead_ids):
            say("no lead is open, so there is nothing to ask; name questions by --references FILE")
        return lead_ids, moments
    asked = read_references(Path(references))
    moments = asked["as_of"].to_numpy(dtype="datetime64[us]").astype("int64")
    return asked["lead_id"].to_numpy(dtype=object), moments


def score_all(
    release: Release, data: Dataset, lead_ids: Object, as_of_us: Int64, *, version: str
) -> pa.Table:
    """The table of scores, with a progress bar while it grows."""
    from commands.printing import progress_bar, step
    from features.building import histories_of
    from scoring.scores import scores_table

    with step(f"score {len(lead_ids):,} references"), progress_bar() as tell:
        return scores_table(
            release,
            histories_of(data),
            lead_ids,
            as_of_us,
            model_version=version,
            progress=lambda done, total: tell("score", done, total),
        )


def warn_beyond(release: Release, data: Dataset, lead_ids: Object, as_of_us: Int64) -> None:
    """Say how many leads are older than any that the release has learned from."""
    from scoring.reach import count_beyond, oldest_learned_days

    oldest = oldest_learned_days(release.manifest["data"])
    tell_beyond(count_beyond(oldest, data.leads, lead_ids, as_of_us), len(lead_ids), oldest)


def tell_beyond(beyond: int, asked: int, oldest_days: float | None) -> None:
    """The note about leads older than any learned from, if there are some."""
    from commands.printing import say
    from scoring.reach import beyond_note

    if beyond and oldest_days is not None:
        say(f"note: {beyond_note(beyond, asked, oldest_days)}")
