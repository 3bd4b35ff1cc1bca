"""Reading and writing scorecards; every fault names its line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import DataError
from scoring.scorecard.scorecard import Scorecard, default_scorecard, load_scorecard
from scoring.scorecard.toml import card_to_toml, line_index, parse_card

GOOD = """name = "small"
outbound_kinds = ["our_call"]
[bands]
warm = 20
hot = 50
[groups."web site"]
max = 12.5
[[rules]]
name = 'Says "yes" — é'
group = "web site"
interaction = ["page_view", "offer_view"]
count = "each"
half_life_days = 14
points = -2.25
[[rules]]
name = "Fits"
attribute = "size class"
is = ["big", 3, true]
points = 5
[[exclusions]]
name = "Gone"
attribute = "gone"
is = true
"""


def test_written_cards_read_back_equal() -> None:
    for card in (parse_card(GOOD, "good.toml"), default_scorecard().card):
        assert parse_card(card_to_toml(card, "Made by a test.\nTwo lines."), "again") == card
        assert Scorecard.from_dict(Scorecard(card).to_dict()).card == card


def test_a_card_round_trips_through_a_file(tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    path.write_text(default_scorecard().to_toml(), encoding="utf-8")
    assert load_scorecard(path) == default_scorecard()
    assert load_scorecard(path).spec.digest == default_scorecard().spec.digest


FAULTS = [
    # changed                       into                         line and key, what is said
    ("hot = 50", "hot = 10", ":5: bands.hot: must be above warm (20)"),
    ("warm = 20", "warm = 0", ":4: bands.warm: must be greater than 0"),
    ("max = 12.5", "maxx = 12", ":7: groups.web site.maxx: unknown key; did you mean 'max'?"),
    ("points = 5", "point = 5", ":19: rules[2].point: unknown key; did you mean 'points'?"),
    ("points = 5", "point = 5", ":15: rules[2].points: is missing"),
    ("points = 5", 'points = "5"', ":19: rules[2].points: must be a valid number, not '5'"),
    ("points = 5", "points = nan", ":19: rules[2].points: must be a finite number, not nan"),
    ("half_life_days = 14", "half_life_days = 0", ":13: rules[1].half_life_days: must be greater"),
    ('group = "web site"', 'group = "wbe"', ":10: rules[1].group: unknown group 'wbe'"),
    ('name = "Fits"', 'name = "Gone"', ":21: exclusions[1].name: 'Gone' is used twice"),
    ('count = "each"', 'count = "all"', ":12: rules[1].count: must be 'first' or 'each'"),
    ('is = ["big", 3, true]', "", ":17: rules[2].attribute: an attribute needs one of"),
    (
        'is = ["big", 3, true]',
        'is = "big"\nwithin_days = 3',
        ":19: rules[2].within_days: within_days belongs to interactions",
    ),
    (
        'name = "Fits"',
        'name = "Fits"\ninteraction = "x"',
        ":16: rules[2].name: needs either attribute = … or interaction = …",
    ),
    (
        "half_life_days = 14",
        "half_life_days = 14\nwithin_days = 3",
        ':14: rules[1].within_days: count = "each" takes half_life_days or within_days, not both',
    ),
    (
        'attribute = "gone"\nis = true',
        'attribute = "size class"\nbelow = 3',
        ":23: exclusions[1].below: 'size class' is compared with words elsewhere",
    ),
    (
        'interaction = ["page_view", "offer_view"]',
        'interaction = "unanswered"',
        ':13: rules[1].half_life_days: "unanswered" counts since the last reply',
    ),
]


@pytest.mark.parametrize(("old", "new", "message"), FAULTS)
def test_a_fault_names_line_and_key(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(DataError) as caught:
        parse_card(GOOD.replace(old, new), "card.toml")
    assert f"card.toml{message}" in str(caught.value)


def test_every_fault_is_listed_at_once() -> None:
    text = GOOD.replace("points = 5", "pts = 5").replace("hot = 50", "hot = 1")
    with pytest.raises(DataError) as caught:
        parse_card(text, "card.toml")
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", "card.toml: not valid TOML: Invalid value (at end of document)"),
        ('name = "x"\nname = "y"', "not valid TOML: Cannot overwrite a value"),
        ("", "card.toml: name: is missing"),
        ('name = "x"\nrules = 3\n[bands]\nwarm = 1\nhot = 2', "card.toml:2: rules"),
    ],
)
def test_broken_files(text: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        parse_card(text, "card.toml")
    assert message in str(caught.value)


def test_a_missing_file_and_a_binary_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read the scorecard .*No such file"):
        load_scorecard(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="is not UTF-8 text"):
        load_scorecard(tmp_path / "binary.toml")


def test_lines_are_found_in_tables_lists_and_dotted_keys() -> None:
    lines = line_index('a.b = 1\n[x."y z"]\nk = 2\n[[r]]\n  p = 1\n[[r]]\n"q w" = [\n 1]\n')
    assert lines["a", "b"] == 1
    assert lines["x", "y z", "k"] == 3
    assert lines["r", 0, "p"] == 5
    assert lines["r", 1] == 6
    assert lines["r", 1, "q w"] == 7
