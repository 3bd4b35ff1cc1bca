"""Overlapping counts are thinned by what the oldest origin knew, and by nothing later."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.dataset import Dataset
from features.reading.read import read_dataset
from features.vectors.catalogue import Source as From
from features.vectors.compile import FIXED_STREAMS
from features.vectors.spec import FeatureSpec
from training.candidates.base import TrainingSet
from training.feature_selection import screening
from training.feature_selection.choose import choose_spec
from training.feature_selection.screening import constant, gain_importance, select_by_gain
from training.labels.splits import time_folds
from training.labels.training_data import TrainingData, load_training_data
from training.release_record import record_of
from training.simulator import simulate
from training.simulator.files import write_simulation


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("screening") / "made"
    write_simulation(simulate(3_000, 5), folder, truth=False)
    return read_dataset(folder)


@pytest.fixture(scope="module")
def source(dataset: Dataset) -> TrainingData:
    return load_training_data(dataset)


@pytest.fixture(scope="module")
def spec(source: TrainingData) -> FeatureSpec:
    return choose_spec(source.settings, source.histories, source.labelled.references)


def screen(source: TrainingData, spec: FeatureSpec) -> FeatureSpec:
    labelled = source.labelled
    everyone = np.ones(len(labelled), bool)
    return select_by_gain(
        spec, source.histories, labelled, everyone, labelled.observed_until_us, seed=0
    )  # fmt: skip


def of(spec: FeatureSpec, source: From) -> list[str]:
    return [
        name for name, f in zip(spec.names, spec.features, strict=True) if f.source == source
    ]  # fmt: skip


def test_counts_are_thinned_and_what_is_known_of_the_lead_stays(
    source: TrainingData, spec: FeatureSpec
) -> None:
    kept = screen(source, spec)
    assert len(of(spec, From.INTERACTIONS)) > 2 * screening.MAX_COLUMNS
    assert len(of(kept, From.INTERACTIONS)) == screening.MAX_COLUMNS
    assert of(kept, From.ATTRIBUTE) == of(spec, From.ATTRIBUTE)
    order = [spec.names.index(name) for name in kept.names]
    assert order == sorted(order)


def test_every_kind_keeps_a_column(source: TrainingData, spec: FeatureSpec) -> None:
    topics = {f.topic for f in spec.features if f.source == From.INTERACTIONS}
    kinds = topics - set(FIXED_STREAMS)
    assert {"cart_abandonment", "trial_signup", "unsubscribe", "webinar"} <= kinds
    assert kinds <= {f.topic for f in screen(source, spec).features}


def test_nothing_after_the_oldest_origin_is_asked(source: TrainingData, spec: FeatureSpec) -> None:
    labelled = source.labelled
    cutoff = time_folds(labelled, labelled.observed_until_us)[0].cutoff_us
    assert cutoff is not None
    later = labelled.closed_us > cutoff
    turned = replace(labelled, converted=np.where(later, ~labelled.converted, labelled.converted))
    assert (turned.converted != labelled.converted).any()
    assert screen(replace(source, labelled=turned), spec).names == screen(source, spec).names


def test_what_was_known_at_the_oldest_origin_is_asked(
    source: TrainingData, spec: FeatureSpec
) -> None:
    labelled = source.labelled
    cutoff = time_folds(labelled, labelled.observed_until_us)[0].cutoff_us
    assert cutoff is not None
    rng = np.random.default_rng(1)
    earlier = (labelled.closed_us <= cutoff) & (rng.random(len(labelled)) < 0.5)
    turned = replace(labelled, converted=np.where(earlier, ~labelled.converted, labelled.converted))
    assert screen(replace(source, labelled=turned), spec).names != screen(source, spec).names


def test_a_kind_that_came_later_stays(source: TrainingData, spec: FeatureSpec) -> None:
    """Its columns are constant at the oldest origin, so nobody could say what they are worth."""
    labelled = source.labelled
    cutoff = time_folds(labelled, labelled.observed_until_us)[0].cutoff_us
    assert cutoff is not None
    rows = source.histories.interactions
    kind = rows.kinds.index("webinar")
    late = rows.at_us.copy()
    late[(rows.kind == kind) & (rows.at_us < cutoff)] = np.iinfo(np.int64).max  # after every as_of
    lead = np.repeat(np.arange(len(source.histories)), np.diff(rows.offsets))
    order = np.lexsort((late, lead))
    moved = replace(
        rows,
        at_us=late[order],
        kind=rows.kind[order],
        value=rows.value[order],
        duration_s=rows.duration_s[order],
    )
    histories = replace(source.histories, interactions=moved)
    kept = screen(replace(source, histories=histories), spec)
    asked = [name for name in spec.names if name.startswith("webinar.")]
    assert asked
    assert set(asked) <= set(kept.names)


def test_a_kind_without_a_column_is_recorded_all_the_same(
    dataset: Dataset, source: TrainingData, spec: FeatureSpec
) -> None:
    kinds = {f.topic for f in spec.features if f.source == From.INTERACTIONS}
    assert set(record_of(dataset, source)["kinds"]) == kinds - set(FIXED_STREAMS)


def test_few_references_leave_everything(
    source: TrainingData, spec: FeatureSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screening, "MIN_LABELS_TO_SCREEN", 100_000)
    assert screen(source, spec) is spec


def test_the_same_seed_keeps_the_same(source: TrainingData, spec: FeatureSpec) -> None:
    assert screen(source, spec).names == screen(source, spec).names


def test_gains_are_shares_and_noise_gains_little() -> None:
    rng = np.random.default_rng(0)
    signal, noise = rng.normal(size=(2, 4_000))
    label = (rng.random(4_000) < 1 / (1 + np.exp(-2 * signal))).astype(np.int8)
    share = gain_importance(
        TrainingSet(np.c_[noise, signal, np.ones(4_000)], label, np.ones(4_000)), seed=0
    )
    assert share.sum() == pytest.approx(1.0)
    assert share[1] > 0.9
    assert share[2] == 0.0


def test_constant_columns() -> None:
    unknown = np.nan
    matrix = np.array([[1.0, 1.0, unknown, unknown], [1.0, 2.0, unknown, 3.0]])
    assert constant(matrix).tolist() == [True, False, True, False]
