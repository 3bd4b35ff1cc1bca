"""Law 7: a release is data; a bit flipped anywhere in it is refused, and nothing runs."""

import shutil
import sys
import time

import made_up_release
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from killable import killable

from features.errors import ReleaseError
from scoring.release.release import load_release, sign_release, write_release


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    path = tmp_path_factory.mktemp("law7") / "release"
    write_release(path, made_up_release.contents())
    sign_release(path, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    return path


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_any_flipped_bit_is_refused(release, data):
    names = sorted(path.name for path in release.iterdir())
    name = data.draw(st.sampled_from(names))
    content = (release / name).read_bytes()
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << (bit % 8)
    try:
        (release / name).write_bytes(changed)
        with pytest.raises(ReleaseError, match=name.replace(".", r"\.")):
            load_release(release)
    finally:
        (release / name).write_bytes(content)


@pytest.mark.parametrize("name", ["manifest.json", "signature.json"])
def test_a_bit_of_every_byte_of_what_vouches_for_the_rest(release, name):
    content = (release / name).read_bytes()
    try:
        for at in range(len(content)):
            changed = bytearray(content)
            changed[at] ^= 1 << (at % 8)
            (release / name).write_bytes(changed)
            with pytest.raises(ReleaseError):
                load_release(release)
    finally:
        (release / name).write_bytes(content)


FORBIDDEN = (
    "exec",
    "compile",
    "import",
    "pickle.",
    "os.system",
    "os.exec",
    "subprocess.",
    "socket.",
)


def test_loading_executes_imports_and_connects_to_nothing(release):
    load_release(release)  # so that kernels are compiled and modules are there
    seen, armed = [], [True]

    def listen(event, _):
        if armed[0] and event.startswith(FORBIDDEN):
            seen.append(event)

    sys.addaudithook(listen)  # cannot be removed again, hence disarmed
    try:
        load_release(release)
    finally:
        armed[0] = False
    assert seen == []


IMPORTS = """
import sys, made_up_release
from pathlib import Path
from scoring.release.release import write_release
names = [made_up_release.contents(name=f"n{i}") for i in range(2)]
"""
WRITES = """
while True:
    for contents in names:
        write_release(Path(sys.argv[1]), contents)
"""


def test_a_killed_writer_leaves_the_old_release_or_the_new_one(tmp_path):
    target = tmp_path / "release"
    write_release(target, made_up_release.contents())
    with killable(IMPORTS, WRITES, str(target)) as parent:
        for round_ in range(3):
            writer = parent.begin()
            time.sleep(0.05 + 0.037 * round_)
            parent.kill(writer)
            assert load_release(target).name in ("made-up", "n0", "n1")
    shutil.rmtree(tmp_path)
