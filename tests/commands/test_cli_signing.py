"""The key that signs releases: read, or refused before any work is done."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from commands import cli
from commands.train import signing_key


def pem(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_a_key_is_read_back(tmp_path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    (tmp_path / "key.pem").write_bytes(pem(key))
    assert signing_key(tmp_path / "key.pem").private_bytes_raw() == key.private_bytes_raw()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot read"),
        (b"not a key", "holds no unencrypted private key"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "another kind of key"),
    ],
    ids=["absent", "noise", "another kind"],
)
def test_what_is_no_key_stops_training_before_it_reads_data(
    content: bytes | None, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "key.pem"
    if content is not None:
        file.write_bytes(content)
    assert cli.run(["train", str(tmp_path), "--sign-with", str(file)]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "openssl genpkey" in said
