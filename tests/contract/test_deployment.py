"""What stands in deploy/ agrees with the service, its commands and itself."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from commands.cli import create_app
from commands.retrain import NO_NEW_OUTCOMES
from serving.settings import Settings
from training.settings import TrackingSettings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
EXAMPLES = sorted((DEPLOY / "retrain").iterdir())


def documents(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def container() -> dict[str, Any]:
    pod = documents(DEPLOY / "kustomize" / "base" / "deployment.yaml")["spec"]["template"]["spec"]
    found: dict[str, Any] = pod["containers"][0]
    return found


def test_the_image_is_built_from_what_the_build_context_holds() -> None:
    held = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.M)
    assert [name for name in held if not (ROOT / name).exists()] == []
    image = (DEPLOY / "Dockerfile").read_text()
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", image, re.M):
        for path in source.split():
            assert path == "." or path.split("/")[0] in held or path in held, path
    assert "deploy/bake.py" in held


def test_the_sample_release_of_the_image_needs_no_test_tool() -> None:
    for name in ("made_up_release", "drawn_attributes"):
        tree = ast.parse((ROOT / "tests" / "support" / f"{name}.py").read_text())
        imported = {
            str(node.module if isinstance(node, ast.ImportFrom) else node.names[0].name)
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
        assert not {"hypothesis", "pytest", "drawn"} & imported, name


def test_the_image_and_the_pod_run_as_the_same_numeric_user() -> None:
    image = (DEPLOY / "Dockerfile").read_text()
    pod = documents(DEPLOY / "kustomize" / "base" / "deployment.yaml")["spec"]["template"]["spec"]
    user = pod["securityContext"]["runAsUser"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert re.findall(r"^USER (\d+):0$", image, re.M) == [str(user)] * 2
    job = documents(DEPLOY / "kustomize" / "first-key" / "job.yaml")
    assert job["spec"]["template"]["spec"]["securityContext"]["runAsUser"] == user


def test_the_version_of_the_label_is_the_version() -> None:
    from features.version import VERSION

    assert f"ARG VERSION={VERSION}\n" in (DEPLOY / "Dockerfile").read_text()


def test_a_pod_is_restarted_for_its_life_alone_and_given_the_time_to_end() -> None:
    probes = container()
    assert probes["livenessProbe"]["httpGet"]["path"] == "/health/live"
    assert probes["startupProbe"]["httpGet"]["path"] == "/health/live"
    assert probes["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    pod = documents(DEPLOY / "kustomize" / "base" / "deployment.yaml")["spec"]["template"]["spec"]
    unit = (DEPLOY / "leadscore.service").read_text()
    stop = re.search(r"TimeoutStopSec=(\d+)", unit)
    assert stop is not None
    assert pod["terminationGracePeriodSeconds"] == int(stop[1]) > Settings().shutdown_grace_s + 20
    compose = documents(DEPLOY / "compose.yaml")["services"]["service"]
    assert compose["stop_grace_period"] == f"{stop[1]}s"


def test_every_variable_is_a_setting() -> None:
    known = {f"LEADSCORE_{name.upper()}" for name in (
        *Settings.model_fields, *TrackingSettings.model_fields,
    )}  # fmt: skip
    given = {each["name"] for each in container()["env"]}
    for service in documents(DEPLOY / "compose.yaml")["services"].values():
        given |= {name for name in service.get("environment", {}) if "LEADSCORE_" in name}
    assert {"LEADSCORE_DATABASE_URL", "LEADSCORE_TRACKING_URI"} <= given
    assert given <= known


def test_the_serving_lock_holds_what_the_wheel_asks_for_and_the_versions_of_the_tests() -> None:
    asked = subprocess.run(
        [sys.executable, ROOT / "packaging" / "build.py", "--requirements", "leadscore-serve"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    names = [re.split(r"[\[<>=;!~ ]", line)[0] for line in asked.splitlines()]
    lines = [name.replace(".", "-") for name in names]  # as a lock writes them

    def pins(name: str) -> set[str]:
        text = (ROOT / "requirements" / name).read_text()
        return set(re.findall(r"^([a-z0-9_.-]+==[^ ]+)", text, re.M))

    serve = pins("serve.txt")
    assert set(lines) <= {pin.split("==")[0] for pin in serve}
    assert serve <= pins("dev.txt")
    assert not {"pandas", "mlflow", "scikit-learn"} & {pin.split("==")[0] for pin in serve}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda file: file.name)
def test_an_example_of_retraining_uses_the_command_as_it_is(example: Path) -> None:
    text = example.read_text(encoding="utf-8")
    if example.suffix == ".py":
        ast.parse(text)
    if example.suffix == ".yml":
        yaml.safe_load(text)
    if example.suffix == ".timer":
        assert (DEPLOY / "retrain" / f"{example.stem}.service").exists()
        return
    group: Any = typer.main.get_command(create_app())
    retrain = group.commands["retrain"]
    options = {flag for parameter in retrain.params for flag in parameter.opts}
    called = [line for line in text.splitlines() if "leadscore retrain " in line]
    assert called
    for line in called:
        used = line.split("leadscore retrain ")[1]
        assert set(re.findall(r"(?<!\S)--[a-z-]+", used)) <= options
    assert re.search(rf"(-eq |SuccessExitStatus=|skip_on_exit_code=){NO_NEW_OUTCOMES}\b", text), (
        "no new outcomes is no failure"
    )
