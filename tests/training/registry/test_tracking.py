"""Logging, registering and resolving, on a registry in an SQLite file."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from empty_registry import empty_registry
from small_release import small_release
from small_training import registered

from features.errors import RegistryError, ReleaseError, UsageError
from scoring.release.release import load_release
from scoring.release.store import ReleaseStore
from training.registry.alias_lookup import lookup_alias
from training.registry.gate_criteria import GateReport
from training.registry.log_run import RegisteredVersion
from training.registry.mlflow_registry import Registry, mlflow_client
from training.registry.promote import promote
from training.registry.resolve import fetch, locate, models, resolve
from training.settings import TrackingSettings

WHO = {"who": "ada", "now": "2026-06-02T09:00:00Z"}


def passes(*_: object) -> GateReport:
    return GateReport((), {})


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> TrackingSettings:
    return empty_registry(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def first(
    settings: TrackingSettings, tmp_path_factory: pytest.TempPathFactory
) -> RegisteredVersion:
    return registered(settings, tmp_path_factory.mktemp("one") / "R", 0.5)


def test_importing_the_rooms_does_not_import_mlflow() -> None:
    code = (
        "import sys, training.registry.resolve, training.registry.promote\n"
        "import training.registry.champion_pointer, training.registry.log_run\n"
        "import training.registry.mlflow_registry, training.registry.previous_release\n"
        "import training.model_card.render\n"
        "assert not {'mlflow'} & set(sys.modules), 'imported too early'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_training_becomes_the_challenger_and_never_the_champion(
    settings: TrackingSettings, first: RegisteredVersion
) -> None:
    row = models(settings)[-1]
    assert (row.version, row.release_id, row.aliases) == ("1", first.release_id, ("challenger",))
    assert (row.log_loss, row.log_loss_low, row.log_loss_high) == (0.41, 0.38, 0.44)
    assert (row.dataset, row.references, row.trained_until) == (
        "small",
        40,
        "2026-06-01T00:00:00Z",
    )
    assert ReleaseStore(settings.home).pointer() is None
    with pytest.raises(RegistryError, match="no version of leadscore is called champion"):
        resolve("champion", settings)


def test_the_run_holds_figures_pictures_card_and_test(
    settings: TrackingSettings, first: RegisteredVersion
) -> None:
    before = {name: os.environ.get(name) for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")}
    with mlflow_client(settings) as client:
        run = client.get_run(first.run_id)
        files = {
            entry.path
            for folder in ("", "plots", "evaluation")
            for entry in client.list_artifacts(first.run_id, folder)
        }
    assert {name: os.environ.get(name) for name in before} == before
    assert run.data.metrics["log_loss"] == 0.41
    assert run.data.metrics["auc_high"] == 0.74
    assert run.data.params["features"] == "4"
    assert run.data.tags["dataset_fingerprint"] == "f" * 64
    assert {
        "model_card.md",
        "model_card.html",
        "plots/reliability.svg",
        "plots/gains.svg",
        "evaluation/out_of_time.parquet",
        "evaluation/out_of_time.json",
    } <= files


def test_what_is_registered_names_no_lead(
    settings: TrackingSettings, first: RegisteredVersion
) -> None:
    assert first.run_id
    files = [path for path in settings.artifact_folder.rglob("*") if path.is_file()]
    logged = [path.read_bytes() for path in files if path.suffix != ".py"]  # the product's own code
    assert len(logged) > 10
    assert not any(b"L-17" in content for content in logged)


def test_a_version_a_word_and_a_folder_mean_the_same_files(
    settings: TrackingSettings, first: RegisteredVersion, tmp_path: Path
) -> None:
    small_release(tmp_path / "R", coefficient=0.5)
    by_word = resolve("challenger", settings)
    assert by_word == resolve(first.version, settings)
    assert by_word == settings.home / "releases" / first.release_id
    assert resolve(str(tmp_path / "R"), settings) == tmp_path / "R"
    assert locate(first.version, settings).release_id == first.release_id


def test_what_is_in_the_store_is_found_without_the_client_of_mlflow(
    settings: TrackingSettings, first: RegisteredVersion
) -> None:
    code = (
        "import sys; from pathlib import Path; from training.settings import TrackingSettings\n"
        "from training.registry.resolve import locate\n"
        "settings = TrackingSettings(home=Path(sys.argv[1]))\n"
        "print(locate('challenger', settings).version, locate('1', settings).release_id)\n"
        "assert 'mlflow' not in sys.modules"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(settings.home)], check=True, capture_output=True, text=True
    )
    assert found.stdout.split() == [first.version, first.release_id]


def test_a_deleted_version_is_not_found_any_more(tmp_path: Path) -> None:
    settings = empty_registry(tmp_path / "home")
    made = registered(settings, tmp_path / "R", 0.5)
    assert lookup_alias(settings, made.version) == (made.version, made.release_id)
    assert lookup_alias(settings, "champion") is None
    assert lookup_alias(settings.model_copy(update={"model_name": "other"}), made.version) is None
    with mlflow_client(settings) as client:
        client.delete_model_version(settings.model_name, made.version)
    assert lookup_alias(settings, made.version) is None


def test_what_is_not_on_disk_is_downloaded_and_verified(
    settings: TrackingSettings, first: RegisteredVersion
) -> None:
    path = settings.home / "releases" / first.release_id
    model = path / "model.json"
    model.write_bytes(model.read_bytes()[:-5])
    assert load_release(resolve(first.version, settings)).release_id == first.release_id


def test_a_release_altered_in_the_registry_is_refused(
    tmp_path: Path, settings: TrackingSettings
) -> None:
    elsewhere = empty_registry(tmp_path / "home")
    made = registered(elsewhere, tmp_path / "R", 0.7)
    (logged,) = elsewhere.artifact_folder.rglob(f"{made.release_id}/model.json")
    logged.write_bytes(logged.read_bytes().replace(b"0.7", b"0.9"))
    other = elsewhere.model_copy(update={"home": tmp_path / "other", "tracking_uri": elsewhere.uri})
    with pytest.raises(ReleaseError, match=r"model\.json"):
        resolve(made.version, other)
    assert ReleaseStore(other.home).release_ids() == []


def test_words_that_mean_nothing_are_refused_in_words(
    settings: TrackingSettings, first: RegisteredVersion, tmp_path: Path
) -> None:
    with pytest.raises(RegistryError, match="no version 99 of leadscore"):
        resolve("99", settings)
    with pytest.raises(UsageError, match="no release folder, version number or alias"):
        resolve("chmapion", settings)
    with pytest.raises(ReleaseError):
        resolve(str(tmp_path), settings)


def test_the_registry_down_is_an_error_at_once_and_the_champion_answers_from_disk(
    tmp_path: Path,
) -> None:
    settings = empty_registry(tmp_path / "home")
    made = registered(settings, tmp_path / "R", 0.6)
    promote(made.version, settings, **WHO, gate=passes)
    ReleaseStore(settings.home).record_version(
        settings.model_copy(update={"tracking_uri": "http://127.0.0.1:9"}).registry_key,
        "7",
        made.release_id,
    )
    down = settings.model_copy(update={"tracking_uri": "http://127.0.0.1:9"})
    told: list[str] = []
    assert resolve("champion", down, warn=told.append).name == made.release_id
    assert len(told) == 1
    assert "Connection refused" in told[0]
    assert "last good release on disk answers" in told[0]
    assert resolve("7", down).name == made.release_id
    with pytest.raises(RegistryError, match="Connection refused"):
        resolve("challenger", down)
    with pytest.raises(RegistryError, match="Connection refused"):
        models(down)


def test_a_password_in_the_uri_is_never_shown() -> None:
    settings = TrackingSettings(tracking_uri="postgresql://me:secret@127.0.0.1:9/x")
    with pytest.raises(RegistryError) as caught:
        Registry(settings).versions()
    assert "secret" not in str(caught.value)
    assert "127.0.0.1:9" in str(caught.value)


def test_fetch_follows_an_alias_that_was_moved_elsewhere(tmp_path: Path) -> None:
    settings = empty_registry(tmp_path / "home")
    one = registered(settings, tmp_path / "R1", 0.5)
    two = registered(settings, tmp_path / "R2", 0.6)
    promote(one.version, settings, **WHO, gate=passes)
    Registry(settings).set_aliases({"champion": two.version})
    assert fetch("champion", settings, **WHO).release_id == two.release_id
    pointer = ReleaseStore(settings.home).pointer()
    assert pointer is not None
    assert (pointer.release_id, pointer.pending) == (two.release_id, False)
    assert pointer.previous is not None
    assert pointer.previous.release_id == one.release_id
    before = ReleaseStore(settings.home).pointer_file.stat().st_mtime_ns
    fetch("champion", settings, **WHO)
    assert ReleaseStore(settings.home).pointer_file.stat().st_mtime_ns == before


def test_an_alias_that_was_deleted_leaves_the_last_good_release(tmp_path: Path) -> None:
    settings = empty_registry(tmp_path / "home")
    made = registered(settings, tmp_path / "R", 0.5)
    promote(made.version, settings, **WHO, gate=passes)
    Registry(settings).set_aliases({"champion": None})
    told: list[str] = []
    assert resolve("champion", settings, warn=told.append).name == made.release_id
    assert "no version of leadscore is called champion" in told[0]
    with pytest.raises(RegistryError):
        fetch("champion", settings, **WHO)
    pointer = ReleaseStore(settings.home).pointer()
    assert pointer is not None
    assert pointer.release_id == made.release_id


PREDICT = """
import json, sys, warnings
warnings.simplefilter("ignore")
import mlflow, pandas as pd
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(f"models:/leadscore/{sys.argv[2]}")
table = model.predict(pd.DataFrame(json.loads(sys.argv[3])))
print(table.to_json(orient="records"))
"""


def test_mlflow_itself_loads_and_answers(
    settings: TrackingSettings, first: RegisteredVersion, tmp_path: Path
) -> None:
    known = {"lead_id": "A", "as_of": "2026-03-20T08:00:00Z", "created_at": "2026-03-01T00:00:00Z"}
    views = [
        {"kind": "page_view", "occurred_at": f"2026-03-18T1{hour}:00:00+01:00"} for hour in range(3)
    ]
    rows = [known, known | {"interactions": json.dumps(views)}]
    done = subprocess.run(
        [sys.executable, "-c", PREDICT, settings.uri, first.version, json.dumps(rows)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    quiet, viewed = json.loads(done.stdout.splitlines()[-1])
    assert quiet["low"] <= quiet["probability"] <= quiet["high"]
    assert viewed["probability"] > quiet["probability"]
    assert json.loads(viewed["reasons"])[0]["text"] == "3 page views in the last 7 days"


def test_the_code_logged_with_a_model_needs_nothing_else_of_ours(
    settings: TrackingSettings, first: RegisteredVersion
) -> None:
    (code, *_) = settings.artifact_folder.rglob("artifacts/code")
    assert {path.name for path in code.iterdir()} == {"features", "scoring"}
    sources = [path.read_text() for path in code.rglob("*.py")]
    assert len(sources) > 20
    ours = re.compile(r"^\s*(?:from|import) (training|serving|commands|leadscore)\b", re.MULTILINE)
    assert not [match[1] for source in sources for match in ours.finditer(source)]
    assert not list(code.rglob("__pycache__"))


def test_the_logged_model_carries_pinned_requirements_and_no_pickle(
    settings: TrackingSettings, first: RegisteredVersion
) -> None:
    assert first.version
    (requirements, *_) = settings.artifact_folder.rglob("requirements.txt")
    assert all("==" in line for line in requirements.read_text().split())
    names = {path.suffix for path in settings.artifact_folder.rglob("*") if path.is_file()}
    assert not names & {".pkl", ".pickle", ".joblib", ".cloudpickle"}


def test_asking_a_registry_that_is_not_there_makes_none(tmp_path: Path) -> None:
    settings = TrackingSettings(home=tmp_path / "home", tracking_uri="")
    registry = Registry(settings)
    assert registry.versions() == []
    assert registry.aliased("champion") is None
    with pytest.raises(RegistryError, match="no version 1 of leadscore"):
        registry.version("1")
    assert not (tmp_path / "home").exists()
