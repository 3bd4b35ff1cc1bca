"""The release folder: what it holds and what it refuses."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path

import made_up_release
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from features.errors import DataError, ReleaseError, StorageError
from features.vectors.spec import FeatureSpec
from scoring.canonical_json import canonical_json
from scoring.release.release import Release, load_release, sign_release, write_release


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("releases") / "whole"
    write_release(path, made_up_release.contents())
    return path


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "copy")
    return tmp_path / "copy"


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_it_reads_back_whole(whole: Path) -> None:
    release = load_release(whole)
    x = made_up_release.table()[0]
    assert release.model.explain(x).contributions.tobytes() == (
        made_up_release.model().explain(x).contributions.tobytes()
    )
    assert release.spec == made_up_release.SPEC
    assert release.thresholds == made_up_release.contents().thresholds
    assert release.scorecard == made_up_release.contents().scorecard
    assert release.manifest["horizon_days"] == release.horizon_days == 30.0
    assert release.metrics == {"log_loss": 0.5}
    assert release.documents == {"card.md": b"# Made up\n"}
    assert release.release_id == release.manifest["digest"][:12]
    assert release.signed_by is None


def test_it_holds_data_only(whole: Path) -> None:
    for name, content in bytes_of(whole).items():
        assert name.endswith((".json", ".txt", ".md")), name
        assert b"/" not in content.split(b"Tree=")[0] or not name.endswith(".txt")
        if name.endswith(".json"):
            json.loads(content)


def test_without_scorecard(tmp_path: Path) -> None:
    release = write_release(tmp_path / "r", made_up_release.contents(scorecard=None))
    assert release.scorecard is None


@pytest.mark.parametrize(
    "name", ["manifest.json", "model.json", "spec.json", "trees_2.txt", "card.md"]
)
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(ReleaseError, match=name.replace(".", r"\.")):
        load_release(copy)


@pytest.mark.parametrize("keep", [0, 1, 100])
def test_a_truncated_file_is_named(copy: Path, keep: int) -> None:
    for name, content in bytes_of(copy).items():
        (copy / name).write_bytes(content[: min(keep, len(content) - 1)])
        with pytest.raises(ReleaseError, match=name.replace(".", r"\.")):
            load_release(copy)
        (copy / name).write_bytes(content)
    load_release(copy)


def test_an_additional_file_is_named(copy: Path) -> None:
    (copy / "notes.txt").write_text("hello")
    with pytest.raises(ReleaseError, match=r"notes\.txt is not in the manifest"):
        load_release(copy)


def test_a_link_is_not_followed(copy: Path, whole: Path) -> None:
    (copy / "model.json").unlink()
    (copy / "model.json").symlink_to(whole / "model.json")
    with pytest.raises(ReleaseError, match=r"model\.json"):
        load_release(copy)


def test_a_pipe_does_not_block(copy: Path) -> None:
    (copy / "model.json").unlink()
    os.mkfifo(copy / "model.json")
    with pytest.raises(ReleaseError, match=r"model\.json is not a regular file"):
        load_release(copy)


def test_a_folder_in_it_is_refused(copy: Path) -> None:
    (copy / "more").mkdir()
    with pytest.raises(ReleaseError, match="more"):
        load_release(copy)


def relisted(folder: Path, **changes: object) -> None:
    """Change the manifest and make its digest fit again, as a forger would."""
    import hashlib

    manifest = json.loads((folder / "manifest.json").read_bytes())
    del manifest["digest"]
    manifest.update(changes)
    for name in manifest["files"] if isinstance(manifest["files"], dict) else ():
        content = (folder / name).read_bytes()
        manifest["files"][name] = {
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    digest = hashlib.sha256(canonical_json(manifest)).hexdigest()
    (folder / "manifest.json").write_bytes(canonical_json({**manifest, "digest": digest}))


class Armed:
    """Unpickling this would leave a mark."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.system, ("touch /tmp/leadscore-was-here",))


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "../model.json", "Model.json"])
def test_a_smuggled_pickle_is_refused_even_if_listed(copy: Path, name: str) -> None:
    manifest = json.loads((copy / "manifest.json").read_bytes())
    (copy / name).write_bytes(pickle.dumps(Armed()))
    relisted(copy, files={**manifest["files"], name: {}})
    with pytest.raises(ReleaseError, match="holds only"):
        load_release(copy)


def test_a_pickle_under_a_good_name_is_refused(copy: Path) -> None:
    (copy / "model.json").write_bytes(pickle.dumps(Armed()))
    relisted(copy)
    with pytest.raises(ReleaseError, match=r"model\.json"):
        load_release(copy)
    assert not Path("/tmp/leadscore-was-here").exists()


def test_a_foreign_feature_set_is_refused(copy: Path) -> None:
    fewer = FeatureSpec(made_up_release.SPEC.features[::-1], made_up_release.SPEC.attributes)
    (copy / "spec.json").write_bytes(canonical_json(fewer.to_dict()))
    with pytest.raises(ReleaseError, match=r"spec\.json"):
        load_release(copy)
    relisted(copy)
    with pytest.raises(ReleaseError, match=r"spec\.json: the feature set is not the one"):
        load_release(copy)


def test_a_changed_model_with_fitting_digests_fails_its_golden_rows(copy: Path) -> None:
    model = json.loads((copy / "model.json").read_bytes())
    model["intercept"] += 1e-12
    (copy / "model.json").write_bytes(canonical_json(model))
    relisted(copy)
    with pytest.raises(ReleaseError, match=r"golden\.json"):
        load_release(copy)


FORGED = {
    "format": {"format": 99},
    "no cuts": {"cuts": None},
    "cuts out of order": {"cuts": {"warm": 0.9, "hot": 0.1}},
    "no files": {"files": None},
    "nothing listed": {"files": {}},
    "documents": {"documents": ["passwd.txt"]},
    "horizon": {"horizon_days": "30"},
}


@pytest.mark.parametrize("changes", FORGED.values(), ids=FORGED.keys())
def test_a_forged_manifest_is_an_error_of_ours(copy: Path, changes: dict[str, object]) -> None:
    relisted(copy, **changes)
    with pytest.raises(ReleaseError):
        load_release(copy)


def test_deep_and_huge_json_is_refused(copy: Path) -> None:
    for content in (b"[" * 200_000, b'{"a":' * 100_000, b"1" * 10_000, b"", b"\xff\xfe"):
        (copy / "model.json").write_bytes(content)
        relisted(copy)
        with pytest.raises(ReleaseError, match=r"model\.json"):
            load_release(copy)


def test_no_folder_at_all(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="no release folder"):
        load_release(tmp_path / "nowhere")
    with pytest.raises(ReleaseError, match=r"manifest\.json is missing"):
        load_release(tmp_path)


def test_same_contents_same_bytes(whole: Path, tmp_path: Path) -> None:
    write_release(tmp_path / "again", made_up_release.contents())
    assert bytes_of(tmp_path / "again") == bytes_of(whole)


def test_a_release_is_replaced_in_one_step(copy: Path) -> None:
    before = load_release(copy).release_id
    after = write_release(copy, made_up_release.contents(name="other")).release_id
    assert before != after
    assert load_release(copy).name == "other"
    assert [path.name for path in copy.parent.iterdir()] == ["copy"]


def test_what_is_no_release_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.md").write_text("years of work")
    with pytest.raises(StorageError, match="choose another folder"):
        write_release(tmp_path / "thesis", made_up_release.contents())
    assert (tmp_path / "thesis" / "chapter.md").read_text() == "years of work"


def test_contents_that_are_not_plain_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"metrics\.json"):
        write_release(tmp_path / "r", made_up_release.contents(metrics={"auc": float("nan")}))
    with pytest.raises(DataError, match="may not be called"):
        write_release(tmp_path / "r", made_up_release.contents(documents={"model.json": b"{}"}))
    assert not (tmp_path / "r").exists()


def signed(folder: Path, key: Ed25519PrivateKey) -> Release:
    sign_release(folder, key)
    return load_release(folder, public_keys=[key.public_key()])


def test_a_signature_by_a_trusted_key_is_accepted(copy: Path) -> None:
    key = Ed25519PrivateKey.generate()
    release = signed(copy, key)
    assert release.signed_by == key.public_key().public_bytes_raw().hex()
    assert [path.name for path in copy.parent.iterdir()] == ["copy"]
    assert load_release(copy).signed_by == release.signed_by


def test_an_unsigned_release_is_refused_where_signatures_are_asked_for(copy: Path) -> None:
    with pytest.raises(ReleaseError, match="only signed releases"):
        load_release(copy, public_keys=[Ed25519PrivateKey.generate().public_key()])


def test_a_stranger_s_signature_is_refused(copy: Path) -> None:
    signed(copy, Ed25519PrivateKey.generate())
    with pytest.raises(ReleaseError, match="not trusted"):
        load_release(copy, public_keys=[Ed25519PrivateKey.generate().public_key()])


def test_a_signature_of_another_release_is_refused(copy: Path, tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    other = tmp_path / "other"
    write_release(other, made_up_release.contents(name="other"))
    signed(other, key)
    shutil.copy(other / "signature.json", copy / "signature.json")
    for keys in (None, [key.public_key()]):
        with pytest.raises(ReleaseError, match="does not fit"):
            load_release(copy, public_keys=keys)
