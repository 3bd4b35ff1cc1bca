"""``leadscore mcp`` over stdio, asked by the protocol's own client."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from typing import Any

import httpx
import pytest
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult

from commands.cli import run

ACTS = [
    {"lead_id": "assisted", "kind": kind, "occurred_at": f"2026-03-{day:02}T10:00:00Z"}
    for kind, day in (("page_view", 3), ("inbound_call", 5), ("page_view", 5))
]


@pytest.fixture
def stored(client: httpx.Client, lead: dict[str, Any]) -> httpx.Client:
    """The service with one stored lead that has interactions and answers of every type."""
    body = {"created_at": lead["created_at"], "attributes": lead["attributes"]}
    client.put("/v1/leads/assisted", json=body)
    client.post("/v1/interactions", json={"interactions": ACTS})
    learned = {"budget": "planned", "employees": 250, "decision_maker": True, "sector": None}
    answers = [
        {"lead_id": "assisted", "attribute": n, "value": v, "answered_at": "2026-03-06T09:00:00Z"}
        for n, v in learned.items()
    ]
    assert client.post("/v1/answers", json={"answers": answers}).json()["taken"] == len(answers)
    return client


def started(url: str) -> Client:
    arguments = ["-m", "leadscore", "mcp", "--url", url, "--lang", "fr"]
    command = StdioServerParameters(
        command=sys.executable, args=arguments, env={"LEADSCORE_API_KEY": "ls_unused"}
    )
    return Client(command, read_timeout_seconds=60)


def result_of(called: CallToolResult) -> dict[str, Any]:
    assert not called.is_error, called.content
    assert called.structured_content is not None
    return called.structured_content


def test_an_assistant_asks_for_scores_reasons_the_list_and_what_ifs(stored: httpx.Client) -> None:
    async def talk() -> None:
        async with started(str(stored.base_url)) as assistant:
            tools = {tool.name: tool for tool in (await assistant.list_tools()).tools}
            assert set(tools) == {"score", "explain", "worklist", "what_if"}
            assert all(tool.description and tool.output_schema for tool in tools.values())

            score = result_of(await assistant.call_tool("score", {"lead_id": "assisted"}))
            asked = {"as_of": score["as_of"], "record": "false"}
            same = stored.get("/v1/leads/assisted/score", params=asked).json()
            assert (score["probability"], score["band"]) == (same["probability"], same["band"])
            assert score["label"] in ("froid", "tiède", "chaud")

            told = result_of(await assistant.call_tool("explain", {"lead_id": "assisted"}))["score"]
            shares = sum(reason["contribution"] for reason in told["reasons"])
            assert told["base"] + shares == pytest.approx(told["log_odds"], abs=1e-9)
            assert told["other_reasons"] == pytest.approx(0.0, abs=1e-9)

            rows = result_of(await assistant.call_tool("worklist", {"limit": 1}))
            assert set(rows["bands"]) == {"cold", "warm", "hot"}

            nothing = {"lead_id": "assisted"}
            assert result_of(await assistant.call_tool("what_if", nothing))["change"] == 0.0
            more = {
                "lead_id": "assisted", "attributes": {"budget": "approved"},
                "interactions": [{"kind": "inbound_call", "count": 3, "days_ago": 1}],
            }  # fmt: skip
            supposed = result_of(await assistant.call_tool("what_if", more))
            assert supposed["change"] == (
                supposed["then"]["probability"] - supposed["now"]["probability"]
            )
            assert supposed["change"] != 0.0

            for status, wrong in ((404, {}), (422, {"as_of": "yesterday"})):
                refused = await assistant.call_tool("score", {"lead_id": "nobody", **wrong})
                assert refused.is_error
                assert f"{status}: " in refused.content[0].text

    asyncio.run(talk())


def test_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "mcp" else found(name)
    )
    assert run(["mcp"]) == 2
    assert "pip install 'leadscore[mcp]'" in capsys.readouterr().err
