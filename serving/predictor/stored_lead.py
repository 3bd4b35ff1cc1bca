"""TODO."""

from __future__ import annotations

from serving.predictor.predictor import Predictor
from serving.predictor.query import QueryContext, ScoreQuery
from serving.problems import Problem, validation_problem
from serving.store.histories import Stored
from serving.timestamps import microseconds, moment_of


def question_of(stored: Stored, asking: QueryContext, answering: Predictor) -> ScoreQuery:
    """What is asked about a stored history."""
    as_of_us = microseconds(asking.default_as_of or asking.clock.now)
    if stored.created_us is not None and as_of_us < stored.created_us:
        if asking.default_as_of is not None:
            raise validation_problem(
                "?as_of", "as_of lies before created_at: the lead did not exist"
            )
        as_of_us = stored.created_us
    elif stored.created_us is None and answering.release.has_time:
        raise Problem(422, "invalid-request", "This model needs to know the lead's created_at.")
    return ScoreQuery(
        stored.lead, moment_of(as_of_us), as_of_us, asking.language, asking.n_reasons,
        stored.histories,
    )  # fmt: skip
