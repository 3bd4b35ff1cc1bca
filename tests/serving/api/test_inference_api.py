"""The Open Inference Protocol gives the same scores as our own routes."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

V2 = "/v2/models/leadscore"


def tensor(leads: list[Any], **changes: Any) -> dict[str, Any]:
    texts = [json.dumps(lead) for lead in leads]
    inputs = {"name": "lead", "shape": [len(texts)], "datatype": "BYTES", "data": texts}
    return {"inputs": [{**inputs, **changes}]}


def test_the_scores_are_those_of_our_own_routes(client: httpx.Client, lead: dict[str, Any]) -> None:
    leads = [{**lead, "lead_id": f"oip-{i}", "interactions": lead["interactions"][:i]}
             for i in range(4)]  # fmt: skip
    own = client.post("/v1/scores/batch", json={"leads": leads}).json()["items"]
    body = {"id": "call-1", "parameters": {"reasons": 2, "record": False}, **tensor(leads)}
    said = client.post(f"{V2}/infer", json=body).json()
    assert said["id"] == "call-1"
    outputs = {output["name"]: output for output in said["outputs"]}
    assert all(output["shape"] == [4] for output in outputs.values())
    assert outputs["probability"]["data"] == [item["score"]["probability"] for item in own]
    assert outputs["band"]["data"] == [item["score"]["band"] for item in own]
    answer = json.loads(outputs["answer"]["data"][3])
    assert answer["lead_id"] == "oip-3"
    assert len(answer["reasons"]) == 2


def test_only_the_outputs_asked_for_are_given(client: httpx.Client, lead: Any) -> None:
    body = {**tensor([lead]), "outputs": [{"name": "probability"}]}
    (output,) = client.post(f"{V2}/infer", json=body).json()["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("probability", "FP64", [1])


def test_metadata_and_health(client: httpx.Client) -> None:
    assert client.get("/v2").json()["name"] == "leadscore"
    assert client.get("/v2/health/live").json()["live"] is True
    assert client.get("/v2/health/ready").json()["ready"] is True
    about = client.get(V2).json()
    assert about["inputs"] == [{"name": "lead", "datatype": "BYTES", "shape": [-1]}]
    (version,) = about["versions"]
    for path in (f"{V2}/ready", f"{V2}/versions/{version}/ready", "/v2/models/hand_made/ready"):
        assert client.get(path).json()["ready"] is True
    for path in (f"{V2}/versions/none", "/v2/models/other", "/v2/models/other/ready"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.json()["error"] == answer.json()["detail"]


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"shape": [2]}, "$.inputs[0].shape"),
        ({"datatype": "FP64"}, "$.inputs[0]"),
        ({"name": "x"}, "$.inputs[0]"),
        ({"data": [1]}, "$.data[0]"),
        ({"data": ["{}"]}, "$.inputs[0].data[0]"),
        ({"data": ['{"lead_id":"a","lead_id":"b"}']}, "$.inputs[0].data[0]"),
    ],
)
def test_what_is_wrong_is_named(
    client: httpx.Client, lead: Any, changes: dict[str, Any], at: str
) -> None:
    answer = client.post(f"{V2}/infer", json=tensor([lead], **changes))
    assert answer.status_code == 422
    said = answer.json()
    assert said["errors"][0]["at"] == at
    assert said["error"]
