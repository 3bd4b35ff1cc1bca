"""The model card: every fact of the release, the same bytes every time, a readable diff."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_release import FEATURES, small_release
from small_training import DATA, METRICS

from scoring.release.release import Release
from training.model_card.card import card_of
from training.model_card.changes import PreviousRelease
from training.model_card.importance import feature_effects, feature_shares
from training.model_card.render import card_html, card_markdown

VIEWS = [0, 0, 0, 1, 1, 2, 2, 3, 4, 6, 9]
STATISTICS: dict[str, Any] = {
    "features": {
        "page_view.count_7d": {"unknown": 0.0, "mean": 2.0, "deciles": VIEWS},
        "any.count_all": {"unknown": 0.0, "mean": 1.0, "deciles": [1] * 11},
        "employees": {"unknown": 0.5, "mean": 60.0, "deciles": [float(10 * i) for i in range(11)]},
        "sector=software": {"unknown": 1.0, "mean": None, "deciles": []},
    }
}


def release(folder: Path, coefficient: float = 0.8, **changes: Any) -> Release:
    contents = {"metrics": METRICS, "data": DATA, "statistics": STATISTICS} | changes
    return small_release(folder, coefficient=coefficient, **contents)


def markdown(made: Release) -> str:
    return card_markdown(card_of(made))


def test_the_card_says_what_a_person_asks(tmp_path: Path) -> None:
    made = release(tmp_path / "R", settings={"seed": 7, "excluded": ["duration"]})
    card = markdown(made)
    for fact in (
        "# Model card: small",
        "better than the base rate.",
        f"- release: {made.release_id}",
        "converts within 30 days",
        "- seed: 7",
        "- excluded: duration",
        "- references: 40",
        "- immature share: 10.0%",
        "| Log loss (nats) | 0.41 | 0.38 to 0.44 |",
        "- warm: from 0.2",
        "| page_view.count_7d | 6 page views in the last 7 days |",
        "- It has seen nothing after 2026-06-01.",
    ):
        assert fact in card


def test_the_same_release_gives_the_same_card(tmp_path: Path) -> None:
    one, two = (card_of(release(tmp_path / name)) for name in "AB")
    assert card_markdown(one) == card_markdown(two)
    assert card_html(one) == card_html(two)


def changed_lines(before: str, after: str) -> list[str]:
    return [
        line
        for line in difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
        if line.startswith(("+", "-")) and not line.startswith(("+++", "---"))
    ]


def test_a_retrain_shows_as_a_short_diff(tmp_path: Path) -> None:
    better = METRICS | {"log_loss": {"value": 0.39, "low": 0.36, "high": 0.42}}
    before = markdown(release(tmp_path / "A"))
    after = markdown(release(tmp_path / "B", metrics=better))
    changed = changed_lines(before, after)
    assert len(changed) == 4
    assert changed[0].startswith("-- release:")
    assert "+| Log loss (nats) | 0.39 | 0.36 to 0.42 |  |" in changed


def test_a_new_name_alone_changes_the_name_and_nothing_else(tmp_path: Path) -> None:
    before = release(tmp_path / "A")
    after = release(tmp_path / "B", settings={"note": "again"})
    changed = changed_lines(markdown(before), markdown(after))
    assert [line[:11] for line in changed] == ["-- release:", "+- release:", "+- note: ag"]


def test_optimistic_figures_are_marked(tmp_path: Path) -> None:
    said = "the figures are optimistic."
    for key in ("optimistic", "flatters"):  # the second in older releases
        honest, optimistic = ({"test": {key: flag}} for flag in (False, True))
        assert said not in markdown(release(tmp_path / f"A-{key}", metrics=METRICS | honest))
        assert said in markdown(release(tmp_path / f"B-{key}", metrics=METRICS | optimistic))


def test_a_release_without_figures_has_a_card_that_says_so(tmp_path: Path) -> None:
    made = small_release(tmp_path / "R")
    card = markdown(made)
    assert "Log loss" not in card
    assert "No feature moves it, or none was recorded." in card
    assert "nan" not in card.lower()
    assert card.count("not recorded") == 8
    assert (
        card_html(card_of(made, PreviousRelease("A", release(tmp_path / "A")))).count(
            "not recorded"
        )
        > 8
    )


def test_words_from_the_data_stay_words(tmp_path: Path) -> None:
    named = [{"name": "<script>alert(1)</script>", "what": "attribute", "by": "a|b",
              "evidence": "x"}]  # fmt: skip
    from scoring.canonical_json import canonical_json

    record = canonical_json({"left_out": named, "audit": None})
    made = release(tmp_path / "R", documents={"card.json": record})
    page, text = card_html(card_of(made)), markdown(made)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "| &lt;script&gt;alert(1)&lt;/script&gt; | attribute | a\\|b | x |" in text


def test_the_page_is_one_file(tmp_path: Path) -> None:
    made = release(tmp_path / "R")
    page = card_html(card_of(made, PreviousRelease("version 1", release(tmp_path / "A", 0.5))))
    assert not re.search(r"(?:src|href)=(?!\"#)", page)
    assert not re.search(r"url\(|@import|<script|<link|<iframe", page)
    places = re.findall(r'href="#([^"]+)"', page)
    assert places
    assert set(places) <= set(re.findall(r'id="([^"]+)"', page))


def test_the_share_of_a_feature_is_how_far_it_moves_typical_leads(tmp_path: Path) -> None:
    shares = feature_shares(release(tmp_path / "R", coefficient=0.8))
    values = 0.8 * np.log1p(VIEWS)
    weight = np.array([0.05, *[0.1] * 9, 0.05])
    expected = weight @ np.abs(values - weight @ values)
    assert shares[0] == pytest.approx(expected)
    assert shares[1] == pytest.approx(0)  # never changes
    assert shares[2] > 0
    assert shares[3] == pytest.approx(0)  # never known
    assert len(shares) == len(FEATURES)


def test_a_moving_feature_is_reported_with_value_direction_and_share(tmp_path: Path) -> None:
    first, second = feature_effects(release(tmp_path / "R", coefficient=-0.8))
    assert (first.name, first.sentence) == (
        "page_view.count_7d",
        "6 page views in the last 7 days",
    )
    assert first.effect == pytest.approx(-0.8 * (np.log1p(6) - np.log1p(2)))
    assert first.direction == "lowers it (odds × 0.508)"
    assert second.effect == pytest.approx(0.02 * np.log1p(90) - 0.02 * np.log1p(50))
    assert first.share + second.share == pytest.approx(1.0)


def test_what_most_leads_are_is_compared_with_what_the_others_are(tmp_path: Path) -> None:
    mostly = {"unknown": 0.0, "mean": 0.8, "deciles": [0.0] * 2 + [1.0] * 9}
    features = STATISTICS["features"] | {"any.count_all": mostly}
    found = {m.name: m for m in feature_effects(release(tmp_path / "R", statistics={
        "features": features}))}  # fmt: skip
    assert found["any.count_all"].sentence == "1 interaction so far"
    assert found["any.count_all"].effect == pytest.approx(0.1 * np.log(2))


def test_without_time_a_card_claims_none(tmp_path: Path) -> None:
    timeless = {name: value for name, value in DATA.items() if name != "observed_until"}
    card = markdown(release(tmp_path / "R", has_time=False, data={**timeless, "immature": 0}))
    assert "- predicts: converts, whenever that is (the data know no time), as a prob" in card
    assert "The data know no time: it does not say when" in card
    assert "within 30 days" not in card
    assert "Immature references are no negatives" not in card


def test_a_feature_that_rises_and_falls_is_reported_to(tmp_path: Path) -> None:
    from training.model_card.importance import FeatureEffect

    up_and_down = FeatureEffect("age", "28 days", -0.1, False, 0.2)
    assert up_and_down.direction == "lowers it (odds × 0.905, others otherwise)"
    assert FeatureEffect("age", "28 days", 0.0, True, 0.2).direction == "changes little there"
