"""Every call of the API as a request; shared by the client and the asynchronous one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from leadscore_client.rows import AnswerRow, InteractionRow, Lead, LeadRow, OutcomeRow, Value


@dataclass(frozen=True)
class PreparedRequest:
    """One request, ready to be sent any number of times."""

    method: str
    path: str
    json: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)


def score(lead: Lead, reasons: int | None = None) -> PreparedRequest:
    """Score one lead."""
    return PreparedRequest("POST", "/v1/scores", lead, _given(reasons=reasons))


def score_batch(leads: Sequence[Lead], as_of: str | None = None) -> PreparedRequest:
    """Score many."""
    return PreparedRequest("POST", "/v1/scores/batch", {"leads": leads, **_given(as_of=as_of)})


def put_lead(lead_id: str, created_at: str, attributes: Mapping[str, Value]) -> PreparedRequest:
    """Create or change a lead."""
    body = {"created_at": created_at, "attributes": attributes}
    return PreparedRequest("PUT", _lead_path(lead_id), body)


def add_interactions(rows: Iterable[InteractionRow]) -> PreparedRequest:
    """Append interactions."""
    return PreparedRequest("POST", "/v1/interactions", {"interactions": list(rows)})


def add_answers(rows: Iterable[AnswerRow]) -> PreparedRequest:
    """Append answers."""
    return PreparedRequest("POST", "/v1/answers", {"answers": list(rows)})


def add_outcomes(rows: Iterable[OutcomeRow]) -> PreparedRequest:
    """Add outcomes."""
    return PreparedRequest("POST", "/v1/outcomes", {"outcomes": list(rows)})


def put_leads(leads: Iterable[LeadRow]) -> PreparedRequest:
    """Create or change many leads."""
    return PreparedRequest("POST", "/v1/leads", {"leads": list(leads)})


def stored_lead(lead_id: str, cursor: str | None = None) -> PreparedRequest:
    """All that is stored of a lead."""
    return PreparedRequest("GET", _lead_path(lead_id), None, _given(cursor=cursor))


def patch_lead(lead_id: str, changes: Mapping[str, Any]) -> PreparedRequest:
    """Correct a lead."""
    return PreparedRequest("PATCH", _lead_path(lead_id), changes)


def merge_leads(lead_id: str, into: str) -> PreparedRequest:
    """Make two leads one."""
    body = {"lead_id": lead_id, "into": into}
    return PreparedRequest("POST", "/v1/leads/merge", body)


def set_outcome(lead_id: str, outcome: str | None, occurred_at: str | None) -> PreparedRequest:
    """Set an outcome, or take it back."""
    if outcome is None:
        return PreparedRequest("DELETE", _lead_path(lead_id, "/outcome"))
    body = {"outcome": outcome, "occurred_at": occurred_at}
    return PreparedRequest("PUT", _lead_path(lead_id, "/outcome"), body)


def withdraw(name: str, keys: Iterable[Mapping[str, str]]) -> PreparedRequest:
    """Withdraw interactions or answers."""
    return PreparedRequest("POST", f"/v1/{name}/withdraw", {name: list(keys)})


def erase_many(lead_ids: Sequence[str]) -> PreparedRequest:
    """Erase many people."""
    return PreparedRequest("POST", "/v1/leads/erase", {"lead_ids": list(lead_ids)})


def lead_score(
    lead_id: str,
    as_of: str | None = None,
    reasons: int | None = None,
    record: bool = True,
) -> PreparedRequest:
    """Score a stored lead."""
    params = _given(as_of=as_of, reasons=reasons, record=None if record else "false")
    return PreparedRequest("GET", _lead_path(lead_id, "/score"), None, params)


def lead_history(lead_id: str, cursor: str | None = None) -> PreparedRequest:
    """A page of past scores."""
    return PreparedRequest("GET", _lead_path(lead_id, "/history"), None, _given(cursor=cursor))


def leads(band: str | None, cursor: str | None = None, **filters: str | float) -> PreparedRequest:
    """A page of the list of leads to call; of 200 unless ``limit`` is among the filters."""
    params = _given(band=band, cursor=cursor, **{"limit": 200, **filters})
    return PreparedRequest("GET", "/v1/leads", None, params)


def changes(after: str, limit: int) -> PreparedRequest:
    """Changes of scores after a cursor."""
    return PreparedRequest("GET", "/v1/changes", None, _given(after=after, limit=limit))


def erase(lead_id: str) -> PreparedRequest:
    """Erase a person."""
    return PreparedRequest("DELETE", _lead_path(lead_id))


def _lead_path(lead_id: str, rest: str = "") -> str:
    # dots too: ".." would leave the path on its way
    segment = quote(lead_id, safe="").replace(".", "%2E")
    return f"/v1/leads/{segment}{rest}"


def _given(**params: Any) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}
