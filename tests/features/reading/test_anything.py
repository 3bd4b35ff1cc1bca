"""Whatever a file holds, reading it ends in a dataset or in an error that was meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.dataset_settings import AttributeSettings, DatasetSettings
from features.errors import LeadscoreError
from features.reading.read import read_dataset

ROOT = Path(__file__).resolve().parents[3]
CELLS = st.sampled_from(
    ["L1", "L2", "", "2026-01-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01", "lost", "win",
     "converted", "1", "-2.5", "1e999", "nan", "inf", "yes", '"a,b"', '"x\ny"', '"', "é", "\x00",
     "99999-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "0000-00-00T00:00:00Z", " "]
)  # fmt: skip
HEADERS = {
    "leads": "lead_id,created_at,budget",
    "outcomes": "lead_id,outcome,occurred_at",
    "interactions": "lead_id,occurred_at,kind,value,duration_s",
    "answers": "lead_id,answered_at,attribute,value",
}


@st.composite
def tables(draw: st.DrawFn) -> dict[str, bytes]:
    content = {}
    for name, header in HEADERS.items():
        width = header.count(",") + 1
        rows = draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=4))
        text = "\n".join([header, *(",".join(row) for row in rows)])
        content[name] = text.encode() + draw(st.sampled_from([b"", b"\n", b"\xff\n", b"\r\n"]))
    return content


@pytest.mark.parametrize("limit", [0.0, 1.0])
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=tables())
def test_any_content_is_read_or_refused(
    content: dict[str, bytes], limit: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    for name, data in content.items():
        (folder / f"{name}.csv").write_bytes(data)
    try:
        dataset = read_dataset(folder, max_bad_fraction=limit)
    except LeadscoreError:
        return
    assert dataset.leads["lead_id"].is_unique
    known = set(dataset.leads["lead_id"])
    assert set(dataset.outcomes["lead_id"]) <= known
    assert set(dataset.interactions.column("lead_id").to_pylist()) <= known
    assert set(dataset.answers.column("lead_id").to_pylist()) <= known
    assert len(dataset.fingerprint) == 64


def test_every_setting_is_on_the_page_of_the_contract() -> None:
    page = (ROOT / "docs" / "reference" / "data-contract.md").read_text(encoding="utf-8")
    for key in (*DatasetSettings.model_fields, *AttributeSettings.model_fields):
        assert f"`{key}`" in page or key == "attributes", key
