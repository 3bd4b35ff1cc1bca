"""The operator's page and alerts speak of what there is, and of all of it."""

from __future__ import annotations

import re
from pathlib import Path

from serving.settings import Settings
from serving.telemetry.metrics import Metrics

ROOT = Path(__file__).resolve().parents[2]


def test_every_setting_is_explained() -> None:
    page = (ROOT / "docs" / "guide" / "operations.md").read_text()
    explained = set(re.findall(r"`([A-Z_]+)`", page))
    assert {name.upper() for name in Settings.model_fields} <= explained


def test_every_alert_has_advice_and_watches_a_metric_that_is_there() -> None:
    alerts = (ROOT / "deploy" / "alerts.yml").read_text()
    page = (ROOT / "docs" / "guide" / "operations.md").read_text()
    names = re.findall(r"alert: (\w+)", alerts)
    assert len(names) >= 10
    for name in names:
        assert f"| {name} |" in page, name
    known = {
        f"{metric.name}{suffix}"
        for metric in Metrics().registry.collect()
        for suffix in ("", "_total", "_bucket")
    }
    for name in set(re.findall(r"leadscore_\w+", alerts)):
        assert name in known, name


def test_the_unit_and_the_image_start_the_same_command() -> None:
    unit = (ROOT / "deploy" / "leadscore.service").read_text()
    image = (ROOT / "deploy" / "Dockerfile").read_text()
    assert "leadscore serve" in unit
    assert 'CMD ["leadscore", "serve"]' in image
    for name in re.findall(r"LEADSCORE_([A-Z_]+)", unit + image):
        assert name.lower() in Settings.model_fields, name
