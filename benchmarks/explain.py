"""How long a score with all its contributions takes: our kernels, and LightGBM beside them."""

from __future__ import annotations

import time
from collections.abc import Callable

import lightgbm as lgb
import numpy as np

from scoring.model.additive import additive_component_of
from scoring.model.model import Model
from scoring.model.trees import TreeComponent

FEATURES, TREES, ROWS = 60, 300, 5_000


def table(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Vectors with unknowns, and outcomes that depend on a few of them."""
    x = rng.normal(size=(ROWS, FEATURES))
    x[rng.random(x.shape) < 0.2] = np.nan
    known = np.nan_to_num(x)
    chance = 1 / (1 + np.exp(1 - known[:, 0] - known[:, 1] * known[:, 2] - known[:, 3]))
    return x, (rng.random(ROWS) < chance).astype(float)


def microseconds(ask: Callable[[], object], times: int) -> float:
    """Median time of ``times`` calls, after one to warm up."""
    ask()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken) * 1e6)


def main() -> None:
    """Print the table."""
    x, y = table(np.random.default_rng(0))
    plain = {"objective": "binary", "learning_rate": 0.03, "verbose": -1, "num_threads": 1}
    one = x[:1].copy()
    for depth in (3, 5):
        settings = {**plain, "max_depth": depth, "num_leaves": 2**depth}
        booster = lgb.train(settings, lgb.Dataset(x, y), TREES)
        part = TreeComponent.from_text(booster.model_to_string())
        model = Model((part,), (1.0,), 1.0, 0.0, FEATURES)
        shap = np.asarray(booster.predict(x[:500], pred_contrib=True))
        gap = float(np.abs(model.explain(x[:500]).contributions - shap[:, :-1]).max())
        mine = microseconds(lambda m=model: m.explain(one), 300)
        theirs = microseconds(lambda b=booster: b.predict(one, pred_contrib=True), 100)
        batch = microseconds(lambda m=model: m.explain(x), 3) / ROWS
        print(
            f"{TREES} trees, depth {depth}: one row {mine:.0f} us (LightGBM {theirs:.0f} us), "
            f"batch {batch:.0f} us a row; largest difference {gap:.1e}"
        )
    alone = {"interaction_constraints": [[i] for i in range(FEATURES)], "max_depth": 3}
    booster = lgb.train({**plain, **alone, "num_leaves": 8}, lgb.Dataset(x, y), TREES)
    steps = additive_component_of(booster.model_to_string(), FEATURES)
    model = Model((steps,), (1.0,), 1.0, 0.0, FEATURES)
    batch = microseconds(lambda: model.explain(x), 3) / ROWS
    mine = microseconds(lambda: model.explain(one), 300)
    print(f"the same as steps: one row {mine:.0f} us, batch {batch:.1f} us a row")


if __name__ == "__main__":
    main()
