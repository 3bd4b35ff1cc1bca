"""What a promotion says of its evidence, and which versions may be compared."""

from __future__ import annotations

from commands.registry import evidence_lines, same_test_letters
from training.registry.resolve import ModelRow


def row(version: str, dataset: str, references: int, log_loss: float | None = 0.3) -> ModelRow:
    return ModelRow(
        version, f"r{version}", (), dataset, log_loss, None, None, 0.7, references, "2026-01-01"
    )


def test_versions_of_one_test_have_one_letter() -> None:
    rows = [row("4", "a", 50), row("3", "b", 50), row("2", "a", 50), row("1", "a", 50, None)]
    assert same_test_letters(rows) == ["A", "B", "A", None]


def test_a_forced_promotion_says_what_the_gate_had_said_and_seen() -> None:
    gap = {"value": 0.02, "low": 0.01, "high": 0.03}
    told = evidence_lines(
        {
            "passed": False,
            "refusals": ["it is worse"],
            "references": 1200,
            "leads": 400,
            "positives": 90,
            "log_loss": 0.32,
            "champion_log_loss": 0.30,
            "difference": gap,
            "auc_gap": {"value": -0.01, "low": -0.02, "high": 0.0},
            "band_change": 0.12,
        }
    )
    assert told[0] == "promoted by force; the gate had said: it is worse"
    assert "0.3200 against 0.3000 (+0.0200, 95 %: +0.0100 to +0.0300; below 0 is better)" in told[1]
    assert told[2].startswith("AUC -0.0100")
    assert told[3] == "12% of the references change their band"
    assert evidence_lines({}) == []
