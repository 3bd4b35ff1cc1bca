"""A small release with every kind of part, for tests that need one; made of no lead."""

from dataclasses import replace
from functools import cache

import lightgbm as lgb
import numpy as np
from drawn_attributes import ATTRIBUTES

from features.vectors.spec import Feature, FeatureSpec
from scoring.bands import BandThresholds
from scoring.model.additive import additive_component_of
from scoring.model.component import ConstantComponent
from scoring.model.linear import LinearComponent
from scoring.model.model import Model
from scoring.model.pairwise import PairwiseComponent
from scoring.model.scorecard import spec_with_rules
from scoring.model.trees import TreeComponent
from scoring.release.release import ReleaseContents
from scoring.scorecard.scorecard import default_scorecard
from scoring.scorecard.toml import parse_card
from training.calibration.venn_abers import venn_abers
from training.model_selection.platt import platt

SPEC = FeatureSpec(
    (
        Feature("interactions", "page_view", "count", window_days=7),
        Feature("interactions", "page_view", "count"),
        Feature("interactions", "inbound", "days_since_last"),
        Feature("interactions", "meeting", "count", window_days=30),
        Feature("attribute", "seats", "value"),
        Feature("attribute", "decides", "value"),
        Feature("attribute", "industry", "level", level="software"),
    ),
    tuple(a for a in ATTRIBUTES if a.name in ("seats", "decides", "industry")),
)
WIDTH = len(SPEC)


def table(rows=600, seed=3):
    """Vectors with unknowns and the outcomes they would have."""
    rng = np.random.default_rng(seed)
    x = rng.poisson(2.0, size=(rows, WIDTH)).astype(float)
    x[:, 4] = rng.normal(50, 20, rows)
    x[rng.random(x.shape) < 0.15] = np.nan
    known = np.nan_to_num(x)
    chance = 1 / (1 + np.exp(2.5 - known[:, 0] * 0.6 - known[:, 3] * known[:, 5] * 0.2))
    return x, (rng.random(rows) < chance).astype(float)


def booster(seed=0, **settings):
    plain = {"objective": "binary", "max_depth": 3, "num_leaves": 8, "learning_rate": 0.1}
    fixed = {"verbose": -1, "num_threads": 1, "seed": seed, "deterministic": True}
    return lgb.train({**plain, **fixed, **settings}, lgb.Dataset(*table()), 12)


@cache
def parts():
    alone = [[i] for i in range(WIDTH)]
    linear = LinearComponent(
        transform=("log1p",) * 4 + ("identity",) * 3,
        fill=np.full(WIDTH, 2.0),
        center=np.full(WIDTH, 1.0),
        scale=np.linspace(1.0, 30.0, WIDTH),
        coef=np.linspace(-0.5, 0.9, WIDTH),
        missing_coef=np.linspace(0.3, -0.2, WIDTH),
        intercept=-1.2,
        missing_share=np.full(WIDTH, 0.15),
    )
    return (
        linear,
        additive_component_of(booster(interaction_constraints=alone).model_to_string(), WIDTH),
        TreeComponent.from_text(booster().model_to_string(), WIDTH),
        ConstantComponent(-1.0, WIDTH),
        PairwiseComponent(
            linear,
            left=np.array([0, 3, 5]),
            right=np.array([4, 5, 6]),
            coef=np.array([0.2, -0.4, 0.1]),
            mean=np.array([0.05, 0.0, -0.3]),
        ),
        rules_part(),
    )


RULES = """
name = "made-up"
[bands]
warm = 20
hot = 50
[groups.looking]
max = 12
[[rules]]
name = "reads"
group = "looking"
interaction = "page_view"
count = "each"
points = 2
[[rules]]
name = "reads again"
group = "looking"
interaction = "page_view"
within_days = 7
at_least = 2
points = 9
[[rules]]
name = "meets"
interaction = "meeting"
within_days = 30
points = 30
[[rules]]
name = "a large firm"
attribute = "seats"
at_least = 60
points = 7
[[rules]]
name = "software"
attribute = "industry"
is = ["software", "games"]
points = 5
[[rules]]
name = "decides"
attribute = "decides"
is = true
points = 11
[[exclusions]]
name = "too small"
attribute = "seats"
below = 15
"""


@cache
def rules_part():
    """The rules above, counted from the columns of ``SPEC`` alone."""
    spec, part = spec_with_rules(SPEC, parse_card(RULES, "made-up"))
    assert spec == SPEC
    return replace(part, coef=0.04, intercept=-1.5, mean=np.linspace(0.0, 3.0, 7))


@cache
def model():
    x, y = table(seed=4)
    raw = Model(parts(), (0.3, 0.3, 0.3, 0.1, 0.2, 0.2), 1.0, 0.0, WIDTH)
    slope, intercept = platt(raw.log_odds(x), y)
    return Model(raw.parts, raw.weights, slope, intercept, WIDTH)


def contents(**replaced):
    x, y = table(seed=5)
    known = {
        "name": "made-up",
        "spec": SPEC,
        "model": model(),
        "intervals": venn_abers(model().log_odds(x), y, max_points=50).with_model_sd(
            np.array([-2.0, 1.0]), np.array([0.6, 0.4]), 2.0
        ),
        "thresholds": BandThresholds(0.1, 0.4),
        "horizon_days": 30.0,
        "scorecard": default_scorecard(),
        "data": {"fingerprint": "0" * 64, "from": "2026-01-01", "until": "2026-06-30"},
        "settings": {"seed": 0},
        "metrics": {"log_loss": 0.5},
        "statistics": {"mean": np.nanmean(x, axis=0)},
        "documents": {"card.md": b"# Made up\n"},
    }
    return ReleaseContents(**{**known, **replaced})
