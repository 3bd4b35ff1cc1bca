"""The rules as a part of a model: the card's own points, told by the features it counts."""

from __future__ import annotations

import json
from pathlib import Path

import made_up_release
import numpy as np
import pytest
from many_leads import DAY_US, START, made_up_folder

from features.errors import DataError, ReleaseError
from features.histories.arrays import References
from features.histories.build import histories_from_dataset
from features.reading.read import read_dataset
from features.vectors.compute import compute_vectors
from features.vectors.spec import AttributeSpec, FeatureSpec
from scoring.canonical_json import canonical_json
from scoring.model.model import Model
from scoring.model.scorecard import computable_subset, spec_with_rules
from scoring.scorecard.scorecard import Scorecard
from scoring.scorecard.toml import parse_card

X = made_up_release.table()[0]
PART = made_up_release.rules_part()
CARD = parse_card(
    """
name = "all kinds of rules"
[bands]
warm = 20
hot = 50
[[rules]]
name = "fresh pages"
interaction = "page_view"
count = "each"
half_life_days = 5
points = 3
max_points = 20
[[rules]]
name = "met us lately"
interaction = "meeting"
half_life_days = 9
points = 10
[[rules]]
name = "met us, no form"
interaction = "any"
without = "contact_form"
within_days = 3
at_least = 2
points = 4
[[rules]]
name = "sector"
attribute = "sector"
is = ["software", "mining", "unheard of"]
points = 6
[[rules]]
name = "sector told"
attribute = "sector"
known = true
points = 1
[[exclusions]]
name = "small"
attribute = "employees"
below = 40
""",
    "test",
)


def test_the_part_is_the_cards_points_on_a_line() -> None:
    model = Model((PART,), (1.0,), 1.0, 0.0, X.shape[1])
    points = PART.points(X)
    wanted = PART.intercept + PART.coef * (points - PART.mean.sum())
    np.testing.assert_allclose(model.log_odds(X), wanted, atol=1e-12)
    assert len(np.unique(points)) > 20


def test_points_by_hand_after_caps_and_exclusions() -> None:
    reads, again, meets, seats, decides, software = 1, 0, 3, 4, 5, 6
    rows = np.zeros((4, X.shape[1]))
    rows[:, seats] = [60, 20, np.nan, 14]
    rows[0, [reads, again, meets]] = [4, 2, 1]  # 8 + 9, capped at 12; 30; 7
    rows[1, [decides, software]] = 1  # 11 + 5
    rows[3, meets] = 1  # 30, taken by the exclusion
    assert PART.points(rows).tolist() == [49.0, 16.0, 0.0, 0.0]


def test_a_rules_share_belongs_to_what_it_counted() -> None:
    rows = np.zeros((2, X.shape[1]))
    rows[:, 4] = 20
    rows[0, 3] = 1
    shares = np.zeros(rows.shape)
    PART.accumulate_contributions(rows, 1.0, shares)
    moved = (shares[0] - shares[1]).round(12)
    assert np.flatnonzero(moved).tolist() == [3]
    assert moved[3] == pytest.approx(PART.coef * 30)


def test_more_points_are_never_less_likely() -> None:
    order = np.argsort(PART.points(X))
    chance = Model((PART,), (1.0,), 1.0, 0.0, X.shape[1]).log_odds(X)[order]
    assert (np.diff(chance) >= -1e-12).all()
    with pytest.raises(DataError, match="negative"):
        type(PART)(PART.card, PART.columns, PART.n_features, -0.1, 0.0, PART.mean)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"columns": [[99]]}, "columns"),
        ({"columns": [[0.5]]}, "columns"),
        ({"card": {"name": "x"}}, "scorecard"),
        ({"coef": -1.0}, "negative"),
        ({"mean": [0.0]}, "mean"),
    ],
)
def test_what_does_not_fit_is_refused(wrong: dict[str, object], said: str) -> None:
    model = Model((PART,), (1.0,), 1.0, 0.0, X.shape[1])
    data = json.loads(model.to_files()["model.json"])
    data["parts"][0] |= wrong
    with pytest.raises(ReleaseError, match=said):
        Model.from_files({"model.json": canonical_json(data)})


def _leads(folder: Path):
    histories = histories_from_dataset(read_dataset(made_up_folder(folder / "made", 120, 2000)))
    n = len(histories)
    return histories, References(np.arange(n), np.full(n, START + 35 * DAY_US))


SECTOR = AttributeSpec("sector", "category", levels=("mining", "retail", "software"))
EMPLOYEES = AttributeSpec("employees", "number")


def test_the_part_gives_the_points_that_the_card_gives(tmp_path: Path) -> None:
    histories, references = _leads(tmp_path)
    found = spec_with_rules(FeatureSpec((), (SECTOR, EMPLOYEES)), CARD)
    assert found is not None
    spec, part = found
    assert "sector=software" in spec.names
    points = part.points(compute_vectors(spec, histories, references))
    wanted = Scorecard(CARD).points(histories, references).points
    np.testing.assert_allclose(points, wanted, atol=1e-9)
    assert len(np.unique(points)) > 50


def test_columns_that_are_there_are_not_made_twice() -> None:
    spec, part = spec_with_rules(FeatureSpec((), (SECTOR, EMPLOYEES)), CARD) or (None, None)
    assert spec is not None
    again, same = spec_with_rules(spec, CARD) or (None, None)
    assert again == spec
    assert same is not None
    assert part is not None
    assert same.columns == part.columns


def test_rules_on_attributes_that_may_not_be_used_are_left_out() -> None:
    left = computable_subset(CARD, FeatureSpec((), (EMPLOYEES,)))
    assert [rule.name for rule in left.rules] == [
        "fresh pages", "met us lately", "met us, no form",
    ]  # fmt: skip
    numbers = FeatureSpec((), (AttributeSpec("sector", "number"), EMPLOYEES))
    assert [rule.name for rule in computable_subset(CARD, numbers).rules][-1] == "sector told"
    assert (
        spec_with_rules(FeatureSpec((), ()), CARD.model_copy(update={"rules": CARD.rules[3:]}))
        is None
    )


def test_kinds_left_out_are_not_counted_by_rules() -> None:
    spec = FeatureSpec((), (SECTOR, EMPLOYEES), excluded_kinds=("meeting",))
    assert "met us lately" not in [rule.name for rule in computable_subset(CARD, spec).rules]
