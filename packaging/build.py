"""Build the wheels: ``leadscore``, and each smaller distribution of ``distributions.toml``.

    python packaging/build.py OUT
    python packaging/build.py --requirements NAME    # what a distribution asks for, line by line

A smaller distribution is a copy of some packages of this tree with its own ``pyproject.toml``;
versions of packages are those that the root's ``pyproject.toml`` asks for, so they cannot differ.
Needs pip and setuptools, and no index.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DISTRIBUTIONS = ROOT / "packaging" / "distributions.toml"


def requirements() -> dict[str, str]:
    """Package name (with its extra) to the requirement that ``pyproject.toml`` states."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    stated = [*project["dependencies"], *project["optional-dependencies"]["client"]]
    return {re.split(r"[<>=!~;]", line)[0].strip(): line for line in stated}


def pyproject(name: str, settings: dict[str, Any]) -> str:
    """The ``pyproject.toml`` of one distribution; KeyError names a package nobody asks for."""
    known = requirements()
    root = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    version = re.search(r'VERSION = "(.+)"', (ROOT / "features/version.py").read_text())
    assert version is not None
    lines = [
        "[build-system]", f"requires = {json.dumps(root['build-system']['requires'])}",
        'build-backend = "setuptools.build_meta"',
        "[project]", f'name = "{name}"', f'version = "{version[1]}"',
        f"description = {json.dumps(settings['about'])}",
        f"requires-python = {json.dumps(root['project']['requires-python'])}",
        'license = "Apache-2.0"', 'license-files = ["LICENSE"]',
        f"dependencies = {json.dumps([known[each] for each in settings['dependencies']])}",
        "[tool.setuptools]", f"py-modules = {json.dumps(settings['modules'])}",
        "[tool.setuptools.packages.find]",
        f"include = {json.dumps([f'{each}*' for each in settings['packages']])}",
        "[tool.setuptools.package-data]",
        f'"*" = {json.dumps(root["tool"]["setuptools"]["package-data"]["*"])}',
    ]  # fmt: skip
    if settings["command"]:
        lines += ["[project.scripts]", 'leadscore = "leadscore:main"']
    return "\n".join(lines) + "\n"


def build(source: Path, out: Path) -> None:
    """One wheel from a folder with a ``pyproject.toml``."""
    subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet",
         "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(out), str(source)],
        check=True,
    )  # fmt: skip


def copied(name: str, settings: dict[str, Any], to: Path) -> Path:
    """A folder that holds what one distribution needs and nothing else."""
    skip = shutil.ignore_patterns("__pycache__")
    for package in settings["packages"]:
        shutil.copytree(ROOT / package, to / package, ignore=skip)
    for module in settings["modules"]:
        shutil.copy(ROOT / f"{module}.py", to)
    shutil.copy(ROOT / "LICENSE", to)
    (to / "pyproject.toml").write_text(pyproject(name, settings), encoding="utf-8")
    return to


def main(out: Path) -> None:
    """Build all of them into ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    distributions = tomllib.loads(DISTRIBUTIONS.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "leadscore"
        skip = shutil.ignore_patterns(
            ".*", "build", "dist", "var", "*.egg-info", "__pycache__", "tests"
        )
        shutil.copytree(ROOT, whole, ignore=skip)
        build(whole, out)
        for name, settings in distributions.items():
            folder = Path(scratch) / name
            folder.mkdir()
            build(copied(name, settings, folder), out)
    for wheel in sorted(out.glob("*.whl")):
        print(f"{wheel.name}  {wheel.stat().st_size / 1e6:.2f} MB")


def requirements_of(name: str) -> list[str]:
    """What one smaller distribution asks for, and the driver of PostgreSQL; for a lock of it."""
    known = requirements()
    wanted = tomllib.loads(DISTRIBUTIONS.read_text(encoding="utf-8"))[name]["dependencies"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*(known[each] for each in wanted), *project["optional-dependencies"]["postgres"]]


if __name__ == "__main__" and "--requirements" in sys.argv:
    print("\n".join(requirements_of(sys.argv[-1])))
elif __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist")
