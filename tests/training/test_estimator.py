"""scikit-learn's own checks hold for the classifier, and the vectorizer fits into a Pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import leadscore as ls

EXPECTED_FAILED: dict[str, str] = {}


@parametrize_with_checks(
    [ls.LeadClassifier(time_budget_s=0.0)],
    expected_failed_checks=lambda _: EXPECTED_FAILED,
)
def test_the_checks_of_scikit_learn_hold(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def leads() -> tuple[pd.DataFrame, pd.Series]:
    """Attributes of words, numbers and unknowns; buyers are mostly large firms of one industry."""
    rng = np.random.default_rng(0)
    n = 400
    X = pd.DataFrame(
        {
            "industry": rng.choice(["food", "steel", "software"], n),
            "employees": rng.integers(1, 500, n).astype(float),
            "newsletter": rng.random(n) < 0.3,
        }
    )
    log_odds = (X["industry"] == "software") * 2.0 + X["employees"] / 200 - 2.5
    y = pd.Series(np.where(rng.random(n) < 1 / (1 + np.exp(-log_odds)), "won", "lost"))
    X.loc[::9, "employees"] = np.nan
    X.loc[::11, "industry"] = None
    return X, y


def test_probabilities_are_calibrated_and_reasons_sum(
    leads: tuple[pd.DataFrame, pd.Series],
) -> None:
    X, y = leads
    made = ls.LeadClassifier(time_budget_s=0.0).fit(X, y)
    chance = made.predict_proba(X)
    assert made.classes_.tolist() == ["lost", "won"]
    assert chance.sum(axis=1) == pytest.approx(1.0)
    assert chance[:, 1].mean() == pytest.approx((y == "won").mean(), abs=0.03)
    shares = made.explain(X)
    log_odds = np.log(chance[:, 1] / chance[:, 0])
    told = shares.to_numpy().sum(axis=1) + shares.attrs["base"]
    np.testing.assert_allclose(told, log_odds, rtol=0, atol=1e-9)
    assert "industry=software" in shares.columns


def test_a_clone_learns_the_same(leads: tuple[pd.DataFrame, pd.Series]) -> None:
    X, y = leads
    made = ls.LeadClassifier(time_budget_s=0.0).fit(X, y)
    again = clone(made).fit(X, y)
    assert (again.predict_proba(X) == made.predict_proba(X)).all()


def test_it_survives_cross_validation_and_a_pipeline(
    leads: tuple[pd.DataFrame, pd.Series],
) -> None:
    X, y = leads
    model = make_pipeline("passthrough", ls.LeadClassifier(time_budget_s=0.0))
    scores = cross_val_score(model, X, y, cv=3, scoring="roc_auc")
    assert scores.min() > 0.6


def test_other_columns_than_at_fit_are_refused(leads: tuple[pd.DataFrame, pd.Series]) -> None:
    X, y = leads
    made = ls.LeadClassifier(time_budget_s=0.0).fit(X, y)
    with pytest.raises(ValueError, match="feature names"):
        made.predict_proba(X.rename(columns={"employees": "staff"}))
    with pytest.raises(ValueError, match="infinity"):
        made.predict_proba(X.assign(employees=np.inf))


def test_histories_become_vectors_in_a_pipeline() -> None:
    data = ls.simulate(250, seed=1).to_dataset()
    asked = ls.label_references(data).dropna(subset="label")
    X, y = asked[["lead_id", "as_of"]], asked["label"]
    vectorizer = ls.HistoryVectorizer(data)
    own = make_pipeline(vectorizer, SimpleImputer(), StandardScaler(), LogisticRegression())
    assert cross_val_score(own, X, y, cv=2, scoring="roc_auc").min() > 0.5
    named = clone(vectorizer).set_output(transform="pandas").fit_transform(X)
    expected = ls.vectorize(data, X)
    assert list(named.columns) == list(expected.columns)
    np.testing.assert_array_equal(named.to_numpy(), expected.to_numpy())


def test_an_unknown_lead_is_named() -> None:
    data = ls.simulate(60, seed=1).to_dataset()
    asked = pd.DataFrame({"lead_id": ["nobody"], "as_of": ["2024-05-01T00:00:00Z"]})
    with pytest.raises(ls.errors.DataError, match="no lead 'nobody'"):
        ls.HistoryVectorizer(data).fit(asked)
