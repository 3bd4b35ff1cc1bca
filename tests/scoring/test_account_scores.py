"""The roll-up by account, drawn: four leads of two firms, one of none."""

from __future__ import annotations

import pyarrow as pa
import pytest

from scoring.account_scores import ACCOUNT_SCORE_COLUMNS, account_scores

ACCOUNTS = {"L1": "Acme", "L2": "Acme", "L3": "Binford", "L5": "Binford"}
DAY_US = 86_400_000_000


def scores(*rows: tuple[str, int, float | None, str | None]) -> pa.Table:
    lead_id, day, probability, band = zip(*rows, strict=True)
    moments = pa.array([d * DAY_US for d in day], pa.int64()).cast(pa.timestamp("us", tz="UTC"))
    return pa.table(
        {
            "lead_id": pa.array(lead_id, pa.string()),
            "as_of": moments,
            "probability": pa.array(probability, pa.float64()),
            "band": pa.array(band, pa.string()),
        }
    )


def test_probabilities_of_a_firm_add_up_and_the_best_lead_is_named() -> None:
    table = account_scores(
        scores(
            ("L1", 1, 0.9, "hot"),  # asked again later: the newer one counts
            ("L4", 1, 0.9, "hot"),  # of no account
            ("L3", 2, 0.3, "warm"),
            ("L1", 3, 0.2, "warm"),
            ("L5", 1, None, None),  # could not be scored
            ("L2", 1, 0.6, "hot"),
        ),
        ACCOUNTS,
    )
    assert table.schema == ACCOUNT_SCORE_COLUMNS
    acme, binford = table.to_pylist()
    assert (acme["account_id"], acme["leads"]) == ("Acme", 2)
    assert acme["expected_conversions"] == pytest.approx(0.8)
    assert (acme["highest_lead_id"], acme["highest_probability"]) == ("L2", 0.6)
    assert (acme["hot"], acme["warm"], acme["cold"]) == (1, 1, 0)
    assert acme["as_of"].day == 4
    assert (binford["account_id"], binford["leads"], binford["warm"]) == ("Binford", 1, 1)


def test_the_order_of_the_rows_does_not_matter() -> None:
    rows = [("L1", 1, 0.5, "hot"), ("L2", 1, 0.5, "hot"), ("L3", 1, 0.5, "hot")]
    tables = [account_scores(scores(*some), ACCOUNTS) for some in (rows, rows[::-1])]
    assert tables[0].equals(tables[1])
    assert tables[0].column("highest_lead_id").to_pylist() == ["L1", "L3"]


def test_without_a_lead_of_an_account_the_table_is_empty() -> None:
    assert account_scores(scores(("L9", 1, 0.5, "hot")), ACCOUNTS).num_rows == 0
