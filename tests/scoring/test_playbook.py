"""The next step: by band, with exceptions by reason and by rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import DataError
from scoring.bands import Band
from scoring.playbook import Playbook, default_playbook, load_playbook
from scoring.reasons import Reason
from scoring.scorecard.scorecard import default_scorecard
from scoring.scorecard.toml import packaged_text


def reason(feature: str, contribution: float) -> Reason:
    return Reason(feature, "in words", 1.0, contribution)


CASES = [
    # band, strongest reasons, rules that speak                       because
    (Band.COLD, [], set(), "cold"),
    (Band.WARM, [reason("page_view.count_7d", 0.5)], set(), "warm"),
    (Band.HOT, [reason("meeting.count_all", 0.5)], set(), "hot"),
    (Band.HOT, [reason("cart_abandonment.count_30d", 0.5)], set(), "Left a full cart"),
    (Band.HOT, [reason("cart_abandonment.count_30d", -0.5)], set(), "hot"),
    (Band.COLD, [reason("cart_abandonment.count_30d", 0.5)], set(), "cold"),
    (Band.WARM, [reason("inbound_call.days_since_last", 0.5)], set(), "Asked us"),
    (Band.WARM, [reason("outbound.unanswered", -0.3)], set(), "Called too often"),
    (Band.HOT, [reason("outbound.unanswered", -0.3)], set(), "hot"),
    (Band.HOT, [], {"Unsubscribed", "Called us"}, "Unsubscribed"),
    (
        Band.HOT,
        [],
        {"Six attempts or more in a month without a reply"},
        "Called too often by the rules",
    ),
]


@pytest.mark.parametrize(("band", "reasons", "rules", "because"), CASES)
def test_the_first_exception_that_fits_else_the_band(
    band: Band, reasons: list[Reason], rules: set[str], because: str
) -> None:
    step = default_playbook().next_step(band, reasons, frozenset(rules))
    assert step.because == because
    assert step.channel
    assert step.message


def test_rules_named_by_the_default_playbook_exist() -> None:
    known = set(default_scorecard().rule_names)
    for play in default_playbook().plays.exceptions:
        assert set(play.rule) <= known


def test_plain_data_reads_back_equal() -> None:
    assert Playbook.from_dict(default_playbook().to_dict()) == default_playbook()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('speaks = "against"', 'speaks = "loudly"', ": exceptions[3].speaks: must be 'for' or"),
        ('bands = ["cold", "warm"]', 'bands = ["icy"]', "exceptions[3].bands: unknown band 'icy'"),
        ('rule = "Unsubscribed"', "", "exceptions[1].name: needs either topic = … or rule = …"),
        ("[bands.hot]", "[bands.boiling]", "bands.hot: is missing"),
        ('rhythm = "once a month"', "rhythm = 3", ":8: bands.cold.rhythm: must be a valid string"),
    ],
)
def test_a_fault_names_line_and_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = packaged_text("default_playbook.toml")
    assert old in text
    path = tmp_path / "plays.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_playbook(path)
    assert message in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read the playbook"):
        load_playbook(tmp_path / "none.toml")
