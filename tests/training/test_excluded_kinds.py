"""Leaving a kind out is the same as never having had its rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from few_kinds import simulate_few_kinds

from features.dataset import Dataset
from features.errors import UsageError
from features.histories.arrays import References
from features.histories.build import histories_from_dataset
from features.reading.read import read_dataset
from scoring.release.release import load_release, write_release
from scoring.scores import score
from training.config import TrainingConfig
from training.labels.training_data import exclude_inputs
from training.leakage.audit import LeakVerdict, audit
from training.simulator import write_simulation
from training.train import train

LEAK = "closing_call"
QUICK = TrainingConfig(time_budget_s=0.0, jobs=1)


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("simulated")
    write_simulation(simulate_few_kinds(400, 3), folder, truth=False)
    return read_dataset(folder)


@pytest.fixture(scope="module")
def leaky(honest: Dataset) -> Dataset:
    """Every lead that converts is called an hour, and half an hour, before."""
    won = honest.outcomes[honest.outcomes["outcome"] == "converted"]
    ids = np.repeat(won["lead_id"].to_numpy(), 2)
    ends = np.repeat(won["occurred_at"].dt.tz_convert("UTC").to_numpy("datetime64[us]"), 2)
    minutes = np.tile([np.timedelta64(59, "m"), np.timedelta64(30, "m")], len(won))
    table = honest.interactions
    values = {
        "lead_id": ids,
        "occurred_at": ends - minutes,
        "kind": [LEAK] * len(ids),
        "event_id": [f"leak-{i}" for i in range(len(ids))],
    }
    columns = [
        pa.array(values[name], table.schema.field(name).type)
        if name in values
        else pa.nulls(len(ids), table.schema.field(name).type)
        for name in table.column_names
    ]
    more = pa.table(columns, names=table.column_names)
    return replace(honest, interactions=pa.concat_tables([table, more]))


def test_the_scores_are_those_of_a_world_without_the_kind(
    honest: Dataset, leaky: Dataset, tmp_path: Path
) -> None:
    excluded = train(leaky, replace(QUICK, exclude=(f"kind:{LEAK}",))).contents
    never = train(honest, QUICK).contents
    write_release(tmp_path / "excluded", excluded)
    write_release(tmp_path / "never", never)
    assert excluded.settings["excluded"] == [f"kind:{LEAK}"]
    assert excluded.spec.names == never.spec.names
    histories = histories_from_dataset(leaky)
    lead = np.arange(len(histories), dtype=np.int64)
    asked = References(lead, histories.created_at_us + 40 * 86_400_000_000)
    mine = score(load_release(tmp_path / "excluded"), histories, asked)
    plain = score(load_release(tmp_path / "never"), histories_from_dataset(honest), asked)
    assert len(np.unique(plain.probability)) > 10  # a release that knows leads apart
    assert mine.probability.tobytes() == plain.probability.tobytes()
    assert (
        score(load_release(tmp_path / "never"), histories, asked).vectors != plain.vectors
    ).any()


def test_the_audit_names_the_option_and_then_lists_the_kind_as_excluded(leaky: Dataset) -> None:
    (suspect,) = audit(leaky, costs=False).suspects
    assert (suspect.name, suspect.way_out) == (LEAK, f"--exclude kind:{LEAK}")
    settings = exclude_inputs(leaky.settings, histories_from_dataset(leaky), [f"kind:{LEAK}"])
    (listed,) = audit(replace(leaky, settings=settings), costs=False).suspects
    assert (listed.name, listed.verdict, listed.way_out) == (LEAK, LeakVerdict.EXCLUDED, "")


def test_a_foreign_kind_is_refused_with_what_there_is(leaky: Dataset) -> None:
    histories = histories_from_dataset(leaky)
    with pytest.raises(UsageError, match=f"no such kind; there are .*kind:{LEAK}"):
        exclude_inputs(leaky.settings, histories, ["kind:closing"])
    with pytest.raises(UsageError, match=f"no such attribute; .* is excluded by kind:{LEAK}"):
        exclude_inputs(leaky.settings, histories, [LEAK])


def test_a_kind_named_in_the_settings_needs_no_rows(honest: Dataset) -> None:
    settings = honest.settings.model_copy(update={"excluded_kinds": (LEAK,)})
    assert train(replace(honest, settings=settings), QUICK).contents.spec.excluded_kinds == (LEAK,)
