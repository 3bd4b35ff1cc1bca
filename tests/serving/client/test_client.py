"""The client: every call against the real service, retries that do no harm, no server imported."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from leadscore_client.client import AsyncClient, Client, Problem, RetryPolicy

QUICK = RetryPolicy(attempts=3, first_s=0.001)
ROW: Any = {"lead_id": "client", "kind": "page_view", "occurred_at": "2026-03-05T00:00:00Z"}


def test_every_call(client: httpx2.Client, lead: Any) -> None:
    with Client(str(client.base_url), language="fr") as crm:
        assert crm.score(lead, reasons=1)["label"] in ("froid", "tiède", "chaud")
        assert crm.score_batch([lead])["scored"] == 1
        assert crm.put_lead("client", lead["created_at"], {"sector": "retail"})["became"]
        assert crm.put_leads([{"lead_id": "client", "created_at": lead["created_at"]}])[
            "unchanged"
        ] == 1  # fmt: skip
        assert crm.add_interactions([ROW])["taken"] == 1
        assert crm.add_interactions([ROW])["repeated"] == 1  # a script that is run again
        answer: Any = {"lead_id": "client", "attribute": "budget", "value": "none"}
        told = crm.add_answers([{**answer, "answered_at": "2026-03-06T00:00:00Z"}])
        assert told["taken"] == 1
        end: Any = {"lead_id": "client", "outcome": "lost", "occurred_at": "2026-03-07T00:00:00Z"}
        assert crm.add_outcomes([end])["taken"] == 1
        assert crm.lead_score("client", as_of="2026-03-06T12:00:00Z")["lead_id"] == "client"
        assert isinstance(list(crm.lead_history("client")), list)
        assert isinstance(list(crm.leads("hot")), list)
        assert list(crm.leads(owner="nobody", status="all")) == []
        changes, cursor = crm.changes()
        assert cursor.isdigit()
        assert crm.changes("latest")[0] == []
        assert all(one["id"] for one in changes)
        correct_and_erase(crm, lead)
        with pytest.raises(Problem) as refused:
            crm.lead_score("client")
        assert refused.value.status == 404
        assert refused.value.request_id


@pytest.mark.parametrize("lead_id", ["Deal/L11", "../..", "a%2Fb?c#d", "Müller & Frères"])
def test_any_id_reaches_its_lead(client: httpx2.Client, lead: Any, lead_id: str) -> None:
    with Client(str(client.base_url)) as crm:
        assert crm.put_lead(lead_id, lead["created_at"], {})["lead_id"] == lead_id
        assert crm.lead_score(lead_id)["lead_id"] == lead_id
        assert crm.erase(lead_id)["erased"] is True


def test_the_asynchronous_client(client: httpx2.Client, lead: Any) -> None:
    async def talk() -> None:
        async with AsyncClient(str(client.base_url)) as crm:
            scores = await asyncio.gather(*(crm.score(lead) for _ in range(8)))
            assert len({said["probability"] for said in scores}) == 1
            await crm.put_lead("awaited", lead["created_at"], {})
            await crm.lead_score("awaited")
            assert len([past async for past in crm.lead_history("awaited")]) <= 1
            with pytest.raises(Problem):
                [past async for past in crm.lead_history("nobody")]
            assert all([row["band"] == "cold" async for row in crm.leads("cold")])

    asyncio.run(talk())


def correct_and_erase(crm: Client, lead: Any) -> None:
    assert crm.patch_lead("client", {"attributes": {"sector": "mining"}})["became"] == "changed"
    assert crm.set_outcome("client", None)["outcome"] is None
    assert crm.set_outcome("client", "converted", "2026-03-08T00:00:00Z")["became"] == "changed"
    (row,) = crm.stored_lead("client")["tables"]["interaction"]
    key = {"source": row["source"], "event_id": row["event_id"]}
    assert crm.withdraw_interactions([key])["withdrawn"] == 1
    key = {"lead_id": "client", "attribute": "budget", "answered_at": "2026-03-06T00:00:00Z"}
    assert crm.withdraw_answers([key])["withdrawn"] == 1
    crm.put_lead("client-2", lead["created_at"], {})
    assert crm.merge_leads("client-2", "client")["became"] == "merged"
    crm.put_lead("client-3", lead["created_at"], {})
    assert crm.erase_many(["client-3"])["erased"] == 1
    assert crm.erase("client")["erased"] is True


def flaky(failures: int, status: int) -> tuple[Callable[[httpx2.Request], httpx2.Response], list]:
    seen: list[bytes] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.content)
        if len(seen) <= failures:
            if status == 0:
                raise httpx2.ConnectError("down")
            return httpx2.Response(status, json={"type": "t", "detail": "d"})
        return httpx2.Response(200, json={"taken": 1})

    return answer, seen


@pytest.mark.parametrize("status", [0, 429, 503])
def test_it_tries_again_with_the_same_event(status: int) -> None:
    answer, seen = flaky(2, status)
    crm = Client("http://x", retrying=QUICK, transport=httpx2.MockTransport(answer))
    assert crm.add_interactions([ROW]) == {"taken": 1}
    assert len(seen) == 3
    assert len(set(seen)) == 1
    assert b"event_id" not in seen[0]  # the service derives it from what the event says


def test_it_gives_up_and_never_repeats_a_refusal() -> None:
    for status, attempts in ((503, 3), (422, 1), (401, 1)):
        answer, seen = flaky(99, status)
        crm = Client("http://x", retrying=QUICK, transport=httpx2.MockTransport(answer))
        with pytest.raises(Problem):
            crm.add_interactions([ROW])
        assert len(seen) == attempts
    answer, seen = flaky(99, 0)
    crm = Client("http://x", retrying=QUICK, transport=httpx2.MockTransport(answer))
    with pytest.raises(httpx2.TransportError):
        crm.erase("x")
    assert len(seen) == 3


def test_it_waits_as_long_as_it_is_reported() -> None:
    answer = httpx2.Response(503, headers={"retry-after": "7"})
    assert RetryPolicy().wait_s(0, answer) == 7.0
    assert RetryPolicy(most_s=2).wait_s(0, answer) == 2.0
    assert 0.1 <= RetryPolicy().wait_s(0, None) <= 0.3


def test_it_needs_nothing_of_the_server() -> None:
    code = (
        "import sys, leadscore_client;"
        "print([m for m in ('fastapi', 'numba', 'numpy', 'sqlalchemy', 'msgspec', 'pydantic')"
        " if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
