"""Promote and roll back: one step for readers, whatever dies on the way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from empty_registry import empty_registry
from small_training import registered

from features.errors import GateError, RegistryError, ReleaseError, StorageError, UsageError
from scoring.release.audit_trail import AuditTrail
from scoring.release.store import ChampionPointer, ReleaseStore, StoredRelease
from training.registry import champion_pointer as champion_module
from training.registry.gate_criteria import GateReport
from training.registry.mlflow_registry import Registry
from training.registry.promote import promote, rollback
from training.registry.resolve import locate, models
from training.settings import TrackingSettings

WHO = {"who": "ada", "now": "2026-06-02T09:00:00Z"}


def passes(challenger: StoredRelease, champion: StoredRelease | None) -> GateReport:
    return GateReport((), {"references": 3})


def refuses(challenger: StoredRelease, champion: StoredRelease | None) -> GateReport:
    return GateReport(("it is worse",), {"references": 3})


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> TrackingSettings:
    """A registry with three versions, none promoted; tests work on homes of their own."""
    folder = tmp_path_factory.mktemp("template")
    settings = empty_registry(folder / "home")
    for number, coefficient in enumerate((0.5, 0.6, 0.7)):
        registered(settings, folder / f"R{number}", coefficient)
    return settings


@pytest.fixture
def settings(template: TrackingSettings, tmp_path: Path) -> TrackingSettings:
    """A machine of its own on the shared registry, whose aliases start anew."""
    Registry(template).set_aliases({"champion": None, "previous": None, "challenger": "3"})
    return template.model_copy(update={"home": tmp_path / "home", "tracking_uri": template.uri})


def down(settings: TrackingSettings) -> TrackingSettings:
    return settings.model_copy(update={"tracking_uri": "http://127.0.0.1:9"})


def answering(settings: TrackingSettings) -> tuple[str, str | None]:
    pointer = ReleaseStore(settings.home).pointer()
    assert pointer is not None
    return pointer.version, pointer.previous.version if pointer.previous else None


def test_the_first_promotion_names_a_champion(settings: TrackingSettings) -> None:
    change = promote("1", settings, **WHO, gate=passes)
    assert (change.champion.version, change.previous, change.synced) == ("1", None, True)
    assert answering(settings) == ("1", None)
    assert Registry(settings).aliases() == {"champion": "1", "challenger": "3"}
    (entry,) = AuditTrail(settings.home).entries()
    assert entry == {
        "serial": 1,
        "what": "promote",
        "who": "ada",
        "when": "2026-06-02T09:00:00Z",
        "forced": False,
        "gate": {"passed": True, "refusals": [], "references": 3},
        "from": None,
        "to": {"version": "1", "release_id": change.champion.release_id},
    }


def test_the_challenger_becomes_champion_and_the_champion_previous(
    settings: TrackingSettings,
) -> None:
    promote("1", settings, **WHO, gate=passes)
    promote("challenger", settings, **WHO, gate=passes)
    assert answering(settings) == ("3", "1")
    assert Registry(settings).aliases() == {"champion": "3", "previous": "1"}
    assert [row.aliases for row in models(settings)] == [("champion",), (), ("previous",)]


def test_a_rollback_returns_and_a_second_one_takes_it_back(settings: TrackingSettings) -> None:
    for version in ("1", "2"):
        promote(version, settings, **WHO, gate=passes)
    assert rollback(settings, **WHO).champion.version == "1"
    assert answering(settings) == ("1", "2")
    assert Registry(settings).aliases() == {"champion": "1", "previous": "2", "challenger": "3"}
    rollback(settings, **WHO)
    assert answering(settings) == ("2", "1")
    trail = AuditTrail(settings.home).entries()
    assert [entry["what"] for entry in trail] == ["promote", "promote", "rollback", "rollback"]
    assert [entry["serial"] for entry in trail] == [1, 2, 3, 4]


def test_the_gate_is_obeyed_and_force_is_written_down(settings: TrackingSettings) -> None:
    promote("1", settings, **WHO, gate=passes)
    with pytest.raises(GateError, match=r"version 2 is not promoted: it is worse\. --force"):
        promote("2", settings, **WHO, gate=refuses)
    assert answering(settings) == ("1", None)
    assert len(AuditTrail(settings.home).entries()) == 1
    promote("2", settings, **WHO, gate=refuses, force=True)
    assert answering(settings) == ("2", "1")
    entry = AuditTrail(settings.home).entries()[-1]
    assert entry["forced"] is True
    assert entry["gate"]["refusals"] == ["it is worse"]


def test_force_works_when_the_gate_cannot_be_asked(settings: TrackingSettings) -> None:
    with pytest.raises(UsageError, match="--dataset"):
        promote("1", settings, **WHO)  # /data/small is not there
    promote("1", settings, **WHO, force=True)
    entry = AuditTrail(settings.home).entries()[-1]
    assert "the gate could not be run" in entry["gate"]["refusals"][0]


def test_what_cannot_be_promoted_changes_nothing(
    settings: TrackingSettings, tmp_path: Path
) -> None:
    promote("1", settings, **WHO, gate=passes)
    before = ReleaseStore(settings.home).pointer_file.read_bytes()
    with pytest.raises(UsageError, match="version 1 is the champion already"):
        promote("1", settings, **WHO, gate=passes)
    with pytest.raises(RegistryError, match="no version 9"):
        promote("9", settings, **WHO, gate=passes)
    with pytest.raises(UsageError, match="is a folder"):
        promote(str(locate("1", settings).path), settings, **WHO, gate=passes)
    with pytest.raises(UsageError, match="there is no previous champion"):
        rollback(settings, **WHO)
    assert ReleaseStore(settings.home).pointer_file.read_bytes() == before


def test_nothing_to_roll_back_to_before_the_first_promotion(settings: TrackingSettings) -> None:
    with pytest.raises(UsageError, match="there is no previous champion"):
        rollback(settings, **WHO)
    assert ReleaseStore(settings.home).pointer() is None


def test_a_promotion_that_another_one_overtook_is_not_carried_out(
    settings: TrackingSettings,
) -> None:
    promote("1", settings, **WHO, gate=passes)

    def overtaken(challenger: StoredRelease, champion: StoredRelease | None) -> GateReport:
        promote("2", settings, **WHO, gate=passes)
        return GateReport((), {})

    with pytest.raises(UsageError, match="another promotion finished meanwhile"):
        promote("3", settings, **WHO, gate=overtaken)
    assert answering(settings) == ("2", "1")


def test_a_machine_that_never_promoted_knows_what_another_one_did(
    settings: TrackingSettings, tmp_path: Path
) -> None:
    for version in ("1", "2"):
        promote(version, settings, **WHO, gate=passes)
    other = settings.model_copy(update={"home": tmp_path / "other"})
    asked: list[str] = []

    def remembers(challenger: StoredRelease, champion: StoredRelease | None) -> GateReport:
        asked.append(champion.version if champion else "")
        return GateReport((), {})

    promote("3", other, **WHO, gate=remembers)
    assert asked == ["2"]
    assert answering(other) == ("3", "2")
    assert [entry["what"] for entry in AuditTrail(other.home).entries()] == [
        "follow_registry",
        "promote",
    ]


def test_rollback_works_with_the_registry_down_and_it_is_reported_later(
    settings: TrackingSettings,
) -> None:
    for version in ("1", "2"):
        promote(version, settings, **WHO, gate=passes)
    change = rollback(down(settings), **WHO)
    assert (change.champion.version, change.synced) == ("1", False)
    assert answering(settings) == ("1", "2")
    assert Registry(settings).aliases()["champion"] == "2"
    assert models(settings)[-1].aliases == ("champion",)  # the next command tells it
    assert Registry(settings).aliases() == {"champion": "1", "previous": "2", "challenger": "3"}
    pointer = ReleaseStore(settings.home).pointer()
    assert pointer is not None
    assert not pointer.pending
    assert len(AuditTrail(settings.home).entries()) == 3


def test_a_previous_release_that_is_damaged_is_fetched_again_or_refused(
    settings: TrackingSettings,
) -> None:
    for version in ("1", "2"):
        promote(version, settings, **WHO, gate=passes)
    victim = Path(locate("1", settings).path) / "model.json"
    victim.write_bytes(victim.read_bytes()[:-9])
    before = ReleaseStore(settings.home).pointer_file.read_bytes()
    with pytest.raises(RegistryError):
        rollback(down(settings), **WHO)
    assert ReleaseStore(settings.home).pointer_file.read_bytes() == before
    assert rollback(settings, **WHO).champion.version == "1"
    assert ReleaseStore(settings.home).is_intact(victim.parent.name)


def test_a_disk_that_refuses_the_pointer_changes_nothing(
    settings: TrackingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote("1", settings, **WHO, gate=passes)

    def full(self: ReleaseStore, pointer: ChampionPointer) -> None:
        raise StorageError("cannot write champion.json: No space left on device")

    monkeypatch.setattr(ReleaseStore, "set_champion", full)
    with pytest.raises(StorageError, match="No space left"):
        promote("2", settings, **WHO, gate=passes)
    monkeypatch.undo()
    assert answering(settings) == ("1", None)
    assert Registry(settings).aliases()["champion"] == "1"
    assert len(AuditTrail(settings.home).entries()) == 1


@pytest.mark.parametrize("dies_in", ["append_once", "_move_aliases", "replace"])
def test_dying_after_the_pointer_moved_is_finished_by_the_next_command(
    settings: TrackingSettings, monkeypatch: pytest.MonkeyPatch, dies_in: str
) -> None:
    promote("1", settings, **WHO, gate=passes)

    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    owner = AuditTrail if dies_in == "append_once" else champion_module
    monkeypatch.setattr(owner, dies_in, die)
    with pytest.raises(Killed):
        promote("2", settings, **WHO, gate=passes)
    monkeypatch.undo()
    assert answering(settings) == ("2", "1")
    assert locate("champion", settings).version == "2"
    assert Registry(settings).aliases() == {"champion": "2", "previous": "1", "challenger": "3"}
    assert [entry["serial"] for entry in AuditTrail(settings.home).entries()] == [1, 2]


def test_the_trail_survives_a_torn_line(tmp_path: Path) -> None:
    trail = AuditTrail(tmp_path)
    trail.append({"serial": 1, "what": "promote"})
    with open(trail.file, "ab") as file:
        file.write(b'{"serial": 2, "wh')
    assert [entry["serial"] for entry in trail.entries()] == [1]
    assert trail.append_once({"serial": 2, "what": "rollback"})
    assert not trail.append_once({"serial": 2, "what": "rollback"})
    trail.append({"serial": 3, "what": "promote"})
    assert [entry["serial"] for entry in trail.entries()] == [1, 2, 3]


ROLLING = """
import os, sys
from pathlib import Path
from training.registry.mlflow_registry import Registry
from training.registry.promote import rollback
from training.settings import TrackingSettings
settings = TrackingSettings(home=Path(sys.argv[1]), tracking_uri=sys.argv[2])
copy = TrackingSettings(home=Path(sys.argv[1]), tracking_uri=sys.argv[3])
Registry(copy).aliases()  # imports all that a child needs, and opens nothing that it uses
for line in iter(sys.stdin.readline, ""):  # a child for each line: imports take seconds
    child = os.fork()
    if child == 0:
        with open(line.strip(), "w") as said:
            for turn in range(10_000):
                change = rollback(settings, who="ada", now="2026-06-02T09:00:00Z")
                print(change.champion.version, file=said, flush=True)
    print(child, flush=True)
    os.waitpid(child, 0)
    print("dead", flush=True)
"""


@pytest.fixture
def parent(settings: TrackingSettings, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process whose children roll to and fro; each writes what it did to the file it is given."""
    copy = shutil.copy(settings.uri.removeprefix("sqlite:///"), tmp_path / "copy.db")
    with open(tmp_path / "errors", "w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", ROLLING, settings.home, settings.uri, f"sqlite:///{copy}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            bufsize=1,
            start_new_session=True,
        )
    yield process
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_kill_9_during_rollbacks_leaves_old_or_new_and_no_gap_in_the_trail(
    settings: TrackingSettings, tmp_path: Path, parent: subprocess.Popen[str]
) -> None:
    """A real process rolls to and fro and is killed at odd moments; readers never see half."""
    for version in ("1", "2"):
        promote(version, settings, **WHO, gate=passes)
    store = ReleaseStore(settings.home)
    assert parent.stdin is not None
    assert parent.stdout is not None
    acknowledged = 2
    for round_ in range(4):
        said = tmp_path / f"said{round_}"
        parent.stdin.write(f"{said}\n")
        roller = parent.stdout.readline().strip()
        assert roller, (tmp_path / "errors").read_text()
        patience = time.monotonic() + 60
        while not (said.exists() and said.read_text()):  # until it rolls
            assert time.monotonic() < patience, (tmp_path / "errors").read_text()
            time.sleep(0.01)
        end = time.monotonic() + 0.02 + 0.037 * round_
        while time.monotonic() < end:
            assert answering(settings) in (("1", "2"), ("2", "1"))
        os.kill(int(roller), signal.SIGKILL)
        assert parent.stdout.readline().strip() == "dead"
        assert answering(settings) in (("1", "2"), ("2", "1"))
        pointer = store.pointer()
        assert pointer is not None
        assert store.is_intact(pointer.release_id)
        acknowledged += len(said.read_text().split())
        assert pointer.serial >= acknowledged
        locate("champion", settings)  # the next command reconciles
        assert Registry(settings).aliases()["champion"] == pointer.version
        serials = [entry["serial"] for entry in AuditTrail(settings.home).entries()]
        assert serials == list(range(1, pointer.serial + 1))


def test_the_pointer_says_what_the_server_reads(settings: TrackingSettings) -> None:
    promote("1", settings, **WHO, gate=passes)
    plain = json.loads((settings.home / "champion.json").read_text())
    assert {"release_id", "version", "path"} <= set(plain)
    assert Path(plain["path"]).is_dir()


def test_a_pointer_that_is_garbage_is_reported_so_and_mended_by_hand(
    settings: TrackingSettings,
) -> None:
    promote("1", settings, **WHO, gate=passes)
    store = ReleaseStore(settings.home)
    store.pointer_file.write_text("{")
    with pytest.raises(ReleaseError, match=r"champion\.json is not a release pointer"):
        rollback(settings, **WHO)
    store.pointer_file.unlink()
    promote("2", settings, **WHO, gate=passes)
    assert answering(settings) == ("2", "1")


def test_what_a_person_confirmed_is_written_down_and_not_asked_again(
    settings: TrackingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[list[str], set[str]]] = []

    def gate(
        challenger: StoredRelease,
        champion: StoredRelease | None,
        *,
        confirmed: list[str],
        confirmed_before: set[str],
        **_: object,
    ) -> GateReport:
        asked.append((confirmed, confirmed_before))
        return GateReport((), {})

    monkeypatch.setattr("training.registry.gate.evaluate_gate", gate)
    promote("1", settings, **WHO, confirm_suspects=["rating", "rating"])
    promote("3", settings, **WHO)
    assert asked == [(["rating"], set()), ([], {"rating"})]
    first, second = AuditTrail(settings.home).entries()
    assert first["confirmed_suspects"] == ["rating"]
    assert "confirmed_suspects" not in second
