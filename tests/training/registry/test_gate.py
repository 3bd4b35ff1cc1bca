"""The gate on real trainings: good challengers pass, every seeded bad one is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from empty_registry import empty_registry

from features.dataset import Dataset
from features.errors import UsageError
from features.reading.read import read_dataset
from scoring.release.release import write_release
from training.config import TrainingConfig
from training.registry.backtest_artifact import (
    any_signal,
    backtest_table,
    hashed_lead_id,
    lead_hash_key,
    out_of_fold_table,
)
from training.registry.gate import GateSide, compare, evaluate_gate
from training.registry.gate_criteria import GateLimits
from training.registry.log_run import log_training
from training.registry.mlflow_registry import Version
from training.registry.resolve import locate
from training.train import TrainedModel, train

NOW = "2026-06-02T09:00:00Z"
LEADS = 900
"""One every two hours; each is closed after twelve, the horizon is two days."""


def write_world(
    folder: Path, leads: int = LEADS, *, leak: bool = False, shuffled: bool = False
) -> Path:
    """A dataset in which ``fit`` and ``size`` each carry half of what can be known."""
    rng = np.random.default_rng(11)
    fit, size, noise = rng.normal(size=(3, 2000)).round(4)
    won = rng.random(2000) < 1 / (1 + np.exp(0.5 - 1.6 * fit - 1.6 * size))
    hours = rng.uniform(0.5, 3.0, 2000).round(2)
    if shuffled:
        won = won[rng.permutation(2000)]
    at = np.datetime64("2026-01-01T00:00:00") + np.arange(2000) * np.timedelta64(2, "h")
    until = at[leads - 1] + np.timedelta64(3, "D")
    folder.mkdir(parents=True)
    rows = ["lead_id,created_at,fit,size,noise" + ",hours_to_sign" * leak]
    outcomes = ["lead_id,outcome,occurred_at"]
    for i in range(leads):
        signed = f",{hours[i] if won[i] else ''}" * leak
        rows.append(f"L{i},{at[i]}Z,{fit[i]},{size[i]},{noise[i]}{signed}")
        word = "converted" if won[i] else "lost"
        outcomes.append(f"L{i},{word},{at[i] + np.timedelta64(12, 'h')}Z")
    (folder / "leads.csv").write_text("\n".join(rows) + "\n")
    (folder / "outcomes.csv").write_text("\n".join(outcomes) + "\n")
    (folder / "dataset.toml").write_text(
        f'name = "world"\nhorizon_days = 2\nobserved_until = {until}Z\n'
    )
    return folder


def trained(source: Path, exclude: Sequence[str] = ()) -> TrainedModel:
    config = TrainingConfig(exclude=tuple(exclude), jobs=1, time_budget_s=0.0)
    return train(read_dataset(source), config)


class Sides:
    """What the registry would give of each training, without a registry."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, training: TrainedModel) -> GateSide:
        release_dir = self.folder / f"R{len(list(self.folder.glob('R*')))}"
        release = write_release(release_dir, training.contents)
        version = Version("1", release.release_id, (), "", {})
        return GateSide(release, version, backtest_table(training, b"key"), hash_key=b"key")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("world")


@pytest.fixture(scope="module")
def side(folder: Path) -> Sides:
    return Sides(folder)


@pytest.fixture(scope="module")
def source(folder: Path) -> Path:
    return write_world(folder / "data")


@pytest.fixture(scope="module")
def data(source: Path) -> Dataset:
    return read_dataset(source)


@pytest.fixture(scope="module")
def full(source: Path) -> TrainedModel:
    return trained(source)


@pytest.fixture(scope="module")
def good(side: Sides, full: TrainedModel) -> GateSide:
    """Knows fit and size."""
    return side(full)


@pytest.fixture(scope="module")
def half(side: Sides, source: Path) -> GateSide:
    """Was trained on the same data without size."""
    return side(trained(source, ["size"]))


@pytest.fixture(scope="module")
def older(side: Sides, folder: Path) -> GateSide:
    """Knows everything the good one knows, but of the first 600 leads only."""
    return side(trained(write_world(folder / "older", 600)))


def test_a_better_challenger_passes_on_both_recorded_tests(
    data: Dataset, good: GateSide, half: GateSide
) -> None:
    report = compare(good, half, data)
    assert report.refusals == ()
    assert report.evidence["references"] > 150
    assert report.evidence["difference"]["high"] < 0


def test_a_first_champion_passes_against_the_base_rate(data: Dataset, good: GateSide) -> None:
    assert compare(good, None, data).refusals == ()


def test_newer_data_let_both_releases_answer_for_themselves(
    folder: Path, good: GateSide, half: GateSide
) -> None:
    newer = read_dataset(write_world(folder / "newer", 1500))
    report = compare(good, half, newer)
    assert report.refusals == ()
    assert report.evidence["references"] > 700  # the tests' and everything since


def test_the_worse_of_two_is_refused(data: Dataset, good: GateSide, half: GateSide) -> None:
    report = compare(half, good, data)
    assert "it is worse" in report.refusals[0]
    assert "ranks worse" in report.refusals[1]


def test_the_same_again_is_no_improvement(data: Dataset, good: GateSide) -> None:
    (refusal,) = compare(good, good, data).refusals
    assert "no improvement" in refusal


def test_an_old_champion_may_be_followed_by_its_equal(
    data: Dataset, good: GateSide, older: GateSide
) -> None:
    limits = GateLimits(more_data=2.0)
    young = compare(good, older, data, age_days=25, limits=limits)
    assert "no improvement" in young.refusals[0]
    assert compare(good, older, data, age_days=91, limits=limits).refusals == ()


def test_half_as_many_references_again_may_follow_an_equal(
    data: Dataset, good: GateSide, older: GateSide
) -> None:
    report = compare(good, older, data, age_days=25)
    assert report.evidence["has_more_data"]
    assert report.refusals == ()


def test_what_chose_the_release_speaks_where_the_backtest_found_nothing(
    full: TrainedModel, good: GateSide
) -> None:
    chosen = out_of_fold_table(full, b"key")
    assert not chosen.duplicated(["lead", "as_of_us"]).any()
    assert chosen["probability"].between(0, 1).all()
    assert any_signal(chosen)
    nothing = good.backtest.assign(probability=good.backtest["base_rate"])
    assert replace(good, backtest=nothing, out_of_fold=chosen).recorded is chosen
    assert replace(good, out_of_fold=chosen).recorded is good.backtest
    assert replace(good, backtest=nothing).recorded is nothing


def test_a_stale_challenger_is_refused(data: Dataset, good: GateSide, older: GateSide) -> None:
    (refusal,) = compare(older, good, data).refusals
    assert "it is stale: its data end 2026-02-22, the champion's 2026-03-19" in refusal


def test_a_leaky_challenger_is_refused(folder: Path, side: Sides, half: GateSide) -> None:
    source = write_world(folder / "leaky", leak=True)
    report = compare(side(trained(source, ["size"])), half, read_dataset(source))
    assert "'hours_to_sign', a sure leak" in report.refusals[0]


@pytest.fixture(scope="module")
def shuffled(folder: Path) -> Path:
    return write_world(folder / "shuffled", shuffled=True)


@pytest.fixture(scope="module")
def blind(side: Sides, shuffled: Path) -> GateSide:
    return side(trained(shuffled))


@pytest.mark.parametrize("poisoned", [False, True])
def test_a_label_shuffled_challenger_is_refused(
    data: Dataset, shuffled: Path, blind: GateSide, half: GateSide, poisoned: bool
) -> None:
    """On true data it is worse; on its own, shuffled ones the outcomes are seen to differ."""
    asked = read_dataset(shuffled) if poisoned else data
    said = "; ".join(compare(blind, half, asked).refusals)
    assert "not clearly better than the base rate" in said
    assert ("hold other outcomes than before" in said) == poisoned
    assert ("it is worse" in said) == (not poisoned)
    assert not compare(blind, None, asked).passed


@pytest.mark.parametrize(("slope", "intercept"), [(3.0, 0.0), (1.0, 1.5), (0.25, 0.0)])
@pytest.mark.parametrize("admitted", [True, False])
def test_a_miscalibrated_challenger_is_refused(
    data: Dataset,
    side: Sides,
    full: TrainedModel,
    half: GateSide,
    slope: float,
    intercept: float,
    admitted: bool,
) -> None:
    """Whether its recorded test shows it, or only its release."""
    model = full.contents.model
    bent = replace(model, slope=slope * model.slope, intercept=slope * model.intercept + intercept)
    p = full.backtest.probability
    shown = 1 / (1 + np.exp(-(slope * np.log(p / (1 - p)) + intercept)))
    tested = replace(full.backtest, probability=shown) if admitted else full.backtest
    bad = side(replace(full, contents=replace(full.contents, model=bent), backtest=tested))
    for champion in (None, half):
        said = "; ".join(compare(bad, champion, data).refusals)
        assert (
            "probabilities are not calibrated" if admitted else "not perform as its backtest"
        ) in said


def test_another_question_or_another_firm_is_no_rival(
    data: Dataset, side: Sides, full: TrainedModel, good: GateSide
) -> None:
    contents = replace(full.contents, horizon_days=9.0, timing=None)
    longer = side(replace(full, contents=contents))
    assert "their figures cannot be compared" in compare(longer, good, data).refusals[0]
    foreign = side(replace(full, contents=replace(full.contents, name="another")))
    assert "LEADSCORE_MODEL_NAME" in compare(foreign, good, data).refusals[0]


def test_without_time_the_recorded_folds_are_compared(folder: Path, side: Sides) -> None:
    source = write_world(folder / "timeless", 250)
    for name, columns in (("leads.csv", [0, 2, 3, 4]), ("outcomes.csv", [0, 1])):
        lines = (source / name).read_text().splitlines()
        kept = [",".join(line.split(",")[column] for column in columns) for line in lines]
        (source / name).write_text("\n".join(kept) + "\n")
    (source / "dataset.toml").write_text('name = "timeless"\nhorizon_days = 2\n')
    training = trained(source)
    p = training.backtest.probability
    blurred = replace(training.backtest, probability=0.3 * p + 0.7 * p.mean())
    good, half = side(training), side(replace(training, backtest=blurred))
    data = read_dataset(source)
    report = compare(good, half, data)
    assert report.refusals == ()
    assert report.evidence["references"] == 250
    assert "it is worse" in compare(half, good, data).refusals[0]


def test_the_gate_finds_sides_and_data_through_the_registry(
    folder: Path, full: TrainedModel, source: Path
) -> None:
    settings = empty_registry(folder / "home")
    write_release(folder / "logged", full.contents)
    versions = [
        locate(
            log_training(full, folder / "logged", source=str(at), settings=settings).version,
            settings,
        )
        for at in (source, source / "gone")
    ]
    assert evaluate_gate(versions[0], None, settings, now=NOW).passed
    assert (
        "no improvement" in evaluate_gate(versions[1], versions[0], settings, now=NOW).refusals[0]
    )
    with pytest.raises(UsageError, match="give the data by --dataset"):
        evaluate_gate(versions[1], None, settings, now=NOW)
    assert evaluate_gate(versions[1], None, settings, now=NOW, dataset=str(source)).passed


def test_a_backtest_names_nobody_to_whom_the_key_is_unknown(tmp_path: Path) -> None:
    key = lead_hash_key(tmp_path / "home")
    assert lead_hash_key(tmp_path / "home") == key
    assert (tmp_path / "home" / "lead_hash.key").stat().st_mode & 0o077 == 0
    ids = [f"L{i}" for i in range(500)]
    named = {hashed_lead_id(lead_id, key) for lead_id in ids}
    assert len(named) == 500
    for guess in (b"", b"\x00" * 32, lead_hash_key(tmp_path / "other")):
        assert named.isdisjoint(hashed_lead_id(lead_id, guess) for lead_id in ids)
