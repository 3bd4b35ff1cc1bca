"""From a stored lead to the query that its score answers."""

from __future__ import annotations

from serving.predictor.predictor import Predictor
from serving.predictor.query import QueryContext, ScoreQuery
from serving.problems import Problem, validation_problem
from serving.store.histories import Stored
from serving.timestamps import microseconds, moment_of


def query_of_stored_lead(stored: Stored, context: QueryContext, predictor: Predictor) -> ScoreQuery:
    """The query for a stored lead; a 422 if its creation is not known and the model needs it."""
    as_of_us = microseconds(context.default_as_of or context.clock.now)
    if stored.created_us is not None and as_of_us < stored.created_us:
        if context.default_as_of is not None:
            raise validation_problem(
                "?as_of", "as_of lies before created_at: the lead did not exist"
            )
        as_of_us = stored.created_us
    elif stored.created_us is None and predictor.release.has_time:
        raise Problem(422, "invalid-request", "This model needs to know the lead's created_at.")
    return ScoreQuery(
        stored.lead, moment_of(as_of_us), as_of_us, context.language, context.n_reasons,
        stored.histories,
    )  # fmt: skip
