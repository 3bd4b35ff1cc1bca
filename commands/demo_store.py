"""The demo's simulated leads put into the service's store, so that its page shows something."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from features.compute.array_types import DAY_US

if TYPE_CHECKING:
    import sqlalchemy as sa

    from features.dataset import Dataset
    from features.histories.arrays import Histories
    from serving.predictor.predictor import Predictor
    from serving.settings import Settings

MAX_LEADS = 800
"""The newest leads are stored; more would make the demo wait and show nothing else."""

WEEK_US = 7 * DAY_US
ROWS_AT_ONCE = 5_000


def fill_store(
    dataset: Dataset, predictor: Predictor, settings: Settings, now: datetime
) -> int | None:
    """Store the newest leads with their histories and weekly scores; how many, None if left alone.

    All moments move by the same whole number of weeks, so that the data end in the week before
    ``now``: a page shows leads as of now. A store that holds leads already is left alone.
    """
    import sqlalchemy as sa

    from features.histories.build import histories_from_dataset
    from serving.store import tables
    from serving.store.database import connect, store_url
    from serving.store.migrate import migrate
    from serving.store.tombstones import load_tombstones
    from serving.store.worklist_lines import chosen_of, prepare
    from serving.timestamps import microseconds
    from training.labels.references import closings

    engine = connect(store_url(settings))
    try:
        migrate(engine)
        with engine.execution_options(writes=True).begin() as connection:
            prepare(connection, chosen_of(settings))
            if connection.scalar(sa.select(tables.lead.c.lead_id).limit(1)) is not None:
                return None
            histories = histories_from_dataset(dataset)
            closed_us, converted = closings(dataset, histories)
            until = dataset.settings.observed_until
            if until is None:
                return None
            until_us = microseconds(until)
            now_us = microseconds(now)
            shift_us = (now_us - until_us) // WEEK_US * WEEK_US
            newest = sorted(range(len(histories)), key=lambda i: -int(histories.created_at_us[i]))[
                :MAX_LEADS
            ]
            tombstones = load_tombstones(connection, settings.home)
            filling = _Filling(connection, tombstones, shift_us, now_us)
            filling.put_leads(histories, newest)
            outcomes = [
                (i, int(closed_us[i]), bool(converted[i]))
                for i in newest
                if int(closed_us[i]) <= until_us
            ]
            ends = {i: at for i, at, _ in outcomes}
            filling.score_weekly(predictor, histories, newest, ends, until_us)
            filling.put_outcomes(histories, outcomes)
            return len(newest)
    finally:
        engine.dispose()


class _Filling:
    """One transaction that fills the store through its own functions."""

    def __init__(
        self, connection: sa.Connection, tombstones: Any, shift_us: int, now_us: int
    ) -> None:
        self.connection, self.tombstones = connection, tombstones
        self.shift_us, self.now_us = shift_us, now_us

    def put_leads(self, histories: Histories, rows: list[int]) -> None:
        """Leads, interactions and answers, moved in time."""
        from serving.store import tables
        from serving.store.leads import NewLead, put_leads

        leads = []
        for i in rows:
            attributes = {
                name: value
                for name, column in histories.attributes.items()
                if (value := column[i]) is not None and value == value
            }
            created_us = int(histories.created_at_us[i]) + self.shift_us
            leads.append(NewLead(str(histories.lead_ids[i]), created_us, attributes))
        put_leads(self.connection, leads, self.now_us, self.tombstones)
        self._add(tables.interaction, self._interactions(histories, rows))
        self._add(tables.answer, self._answers(histories, rows))

    def put_outcomes(self, histories: Histories, closed: list[tuple[int, int, bool]]) -> None:
        """How leads ended, moved in time."""
        from serving.store import tables
        from serving.store.worklist_lines import CONVERTED, LOST

        self._add(
            tables.outcome,
            (
                {
                    "lead_id": str(histories.lead_ids[i]),
                    "outcome": CONVERTED if converted else LOST,
                    "occurred_us": at + self.shift_us,
                    "received_us": self.now_us,
                }
                for i, at, converted in closed
            ),
        )

    def score_weekly(
        self,
        predictor: Predictor,
        histories: Histories,
        rows: list[int],
        closed_us: dict[int, int],
        until_us: int,
    ) -> None:
        """Scores at creation and at week ends while open, logged as the service logs them."""
        import msgspec

        from serving.http.request import encode
        from serving.predictor.predictor import predict_one
        from serving.predictor.query import QueryContext
        from serving.predictor.score_log import STORE, row_of
        from serving.predictor.stored_lead import query_of_stored_lead
        from serving.store.histories import history
        from serving.store.scores import move_in
        from serving.timestamps import Clock, moment_of

        found = []
        for i in rows:
            created_us, end_us = int(histories.created_at_us[i]), closed_us.get(i, until_us)
            stored = history(self.connection, str(histories.lead_ids[i]))
            assert stored is not None, "it was put a moment ago"  # noqa: S101
            for at_us in _moments(created_us, end_us, until_us):
                moment = moment_of(at_us + self.shift_us)
                context = QueryContext(Clock(moment, moment), "en", 6, moment)
                prediction = predict_one(
                    predictor, query_of_stored_lead(stored, context, predictor)
                )
                read, answer = msgspec.json.encode(stored.read), encode(prediction.answer)
                found.append(row_of(predictor, prediction, answer, context, read, STORE))
        move_in(self.connection, sorted(found, key=lambda row: row.as_of_us), self.tombstones)

    def _interactions(self, histories: Histories, rows: list[int]) -> Iterator[dict[str, Any]]:
        acts = histories.interactions
        for i in rows:
            for k in range(int(acts.offsets[i]), int(acts.offsets[i + 1])):
                value, seconds = float(acts.value[k]), float(acts.duration_s[k])
                yield {
                    "lead_id": str(histories.lead_ids[i]), "kind": acts.kinds[acts.kind[k]],
                    "occurred_us": int(acts.at_us[k]) + self.shift_us, "channel": None,
                    "value": None if value != value else value,
                    "duration_s": None if seconds != seconds else seconds,
                    "source": "demo", "event_id": str(k), "received_us": self.now_us,
                }  # fmt: skip

    def _answers(self, histories: Histories, rows: list[int]) -> Iterator[dict[str, Any]]:
        answers = histories.answers
        for i in rows:
            for k in range(int(answers.offsets[i]), int(answers.offsets[i + 1])):
                yield {
                    "lead_id": str(histories.lead_ids[i]),
                    "attribute": answers.attributes[answers.attribute[k]],
                    "value": answers.values[answers.value[k]],
                    "answered_us": int(answers.at_us[k]) + self.shift_us,
                    "received_us": self.now_us,
                }

    def _add(self, table: sa.Table, rows: Iterator[dict[str, Any]]) -> None:
        from serving.store.ingest import add_rows

        while part := list(islice(rows, ROWS_AT_ONCE)):
            add_rows(self.connection, table, part, self.tombstones)


def _moments(created_us: int, end_us: int, until_us: int) -> list[int]:
    """A lead's creation and every week end until it closes, ascending.

    From its creation, whenever it closes: the first scores of leads that were chosen by when they
    closed would be judged on leads that all closed soon after.

    >>> _moments(0, 10 * DAY_US, 21 * DAY_US) == [0, 7 * DAY_US]
    True
    >>> _moments(20 * DAY_US, 21 * DAY_US, 21 * DAY_US) == [20 * DAY_US, 21 * DAY_US]
    True
    """
    first = until_us - (until_us - created_us - 1) // WEEK_US * WEEK_US
    ends = range(first, end_us + (end_us == until_us), WEEK_US)
    return [created_us, *ends]
