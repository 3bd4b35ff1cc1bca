"""What `features` and `scoring` export is there, and is loaded only when it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import features
import scoring


@pytest.mark.parametrize("package", [features, scoring])
def test_every_exported_name_is_there(package: object) -> None:
    for name in package.__all__:  # type: ignore[attr-defined]
        assert getattr(package, name) is not None
        assert name in dir(package)


@pytest.mark.parametrize("package", [features, scoring])
def test_another_name_is_an_attribute_error(package: object) -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        package.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_importing_the_packages_loads_nothing_heavy() -> None:
    code = "import sys, features, scoring; print({'numpy', 'pandas', 'pyarrow'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_star_import_in_a_fresh_process() -> None:
    code = "from scoring import *; from features import *; print(vectorize.__name__, Band.HOT)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "compute_vectors hot"
