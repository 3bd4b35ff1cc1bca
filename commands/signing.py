"""The key that signs releases: an Ed25519 private key in a PEM file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MAKE_ONE = "make one with: openssl genpkey -algorithm ed25519 -out signing.pem"


def signing_key(file: Path) -> Ed25519PrivateKey:
    """The private key in ``file``. Raises UsageError if it is not an unencrypted Ed25519 PEM."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}; {MAKE_ONE}") from error
    except (ValueError, TypeError) as error:
        raise UsageError(f"{file} holds no unencrypted private key as PEM; {MAKE_ONE}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{file} holds another kind of key than Ed25519; {MAKE_ONE}")
    return key
