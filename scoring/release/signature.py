"""Signatures: the proof of who made a release; its digests prove that it is complete."""

from __future__ import annotations

from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from features.errors import ReleaseError, UsageError
from scoring.canonical_json import canonical_json, parse_json

SIGNATURE_FILE = "signature.json"


MAX_SIGNATURE_BYTES = 4_096


_ALGORITHM = "ed25519"


_CONTEXT = b"leadscore release manifest 1\n"
"""Signed before the manifest, so that the signature is good for nothing else."""


def signature_of(manifest: bytes, key: Ed25519PrivateKey) -> bytes:
    """The content of signature.json: the public key and its Ed25519 signature of the manifest."""
    public = key.public_key().public_bytes_raw()
    return canonical_json(
        {
            "algorithm": _ALGORITHM,
            "public_key": public.hex(),
            "signature": key.sign(_CONTEXT + manifest).hex(),
        }
    )


def verify_signature(
    manifest: bytes, content: bytes, public_keys: Iterable[Ed25519PublicKey] | None
) -> str:
    """Check signature.json against the manifest; the hex of the key that signed.

    ``public_keys`` are those trusted; with None any key will do, which still refuses a damaged
    signature. Raises ReleaseError for anything but a good signature by a trusted key.
    """
    data = parse_json(SIGNATURE_FILE, content)
    if set(data) != {"algorithm", "public_key", "signature"} or data["algorithm"] != _ALGORITHM:
        raise ReleaseError(f"{SIGNATURE_FILE}: not an Ed25519 signature of this format")
    public, signature = _bytes(data["public_key"], 32), _bytes(data["signature"], 64)
    trusted = None if public_keys is None else {key.public_bytes_raw() for key in public_keys}
    if trusted is not None and public not in trusted:
        raise ReleaseError(f"{SIGNATURE_FILE}: signed by a key that is not trusted here")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, _CONTEXT + manifest)
    except (InvalidSignature, ValueError) as problem:
        raise ReleaseError(
            f"{SIGNATURE_FILE}: does not fit manifest.json; one of them was altered"
        ) from problem
    return public.hex()


def trusted_keys(words: str, *, required: bool) -> list[Ed25519PublicKey] | None:
    """The keys that may sign a release, from hex digits separated by commas.

    None, any release will do, when there are none and none are ``required``. Raises UsageError
    for a word that is no key.
    """
    given = [word.strip() for word in words.split(",") if word.strip()]
    if not given and not required:
        return None
    try:
        return [Ed25519PublicKey.from_public_bytes(bytes.fromhex(word)) for word in given]
    except ValueError as error:
        raise UsageError("LEADSCORE_TRUSTED_KEYS: expected 64 hex digits a key") from error


def _bytes(word: object, length: int) -> bytes:
    if isinstance(word, str) and len(word) == 2 * length and set(word) <= set("0123456789abcdef"):
        return bytes.fromhex(word)
    raise ReleaseError(f"{SIGNATURE_FILE}: not {length} bytes in lower-case hexadecimal")
