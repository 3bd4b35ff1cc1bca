"""Who may see and do what on the pages: keys, sessions, tokens of forms, exports."""

from __future__ import annotations

import csv
import io
import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from live_service import served
from pages_service import FORMULA, page_home

from serving.http.api_keys import create_key, revoke_key
from serving.settings import Settings

PAGES = (
    "/", "/lead?id=L-1", "/what-if", "/forecast", "/funnel", "/comparison", "/models",
    "/worklist.csv",
)  # fmt: skip

FOREIGN = r'<[^>]* (style|on\w+)=|<style|<script(?! src=)|(src|href|action)="?https?://'
"""Inline styles and scripts, and what would be loaded from another host; texts may name one."""


@pytest.fixture(scope="module")
def closed_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page_home(tmp_path_factory.mktemp("closed"))


@pytest.fixture(scope="module")
def secrets(closed_home: Path) -> dict[str, str]:
    scopes = {"reader": ["read"], "admin": ["admin"], "scorer": ["score"]}
    return {name: create_key(closed_home, name, given)[1] for name, given in scopes.items()}


@pytest.fixture(scope="module")
def closed(closed_home: Path, secrets: dict[str, str]) -> Iterator[httpx.Client]:
    with served(Settings(home=closed_home)) as client:
        yield client


@pytest.fixture
def visitor(closed: httpx.Client) -> Iterator[httpx.Client]:
    """A browser of its own, without cookies."""
    with httpx.Client(base_url=closed.base_url) as client:
        yield client


def token(response: httpx.Response) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', response.text)
    assert found is not None
    return found[1]


def sign_in(client: httpx.Client, secret: str, place: str = "/") -> httpx.Response:
    form = {"csrf": token(client.get("/sign-in")), "key": secret, "next": place}
    return client.post("/sign-in", data=form)


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_is_sent_to_sign_in(visitor: httpx.Client, path: str) -> None:
    answer = visitor.get(path)
    assert answer.status_code == 303
    place = "/sign-in?" + urlencode({"next": path})
    assert answer.headers["location"] == place


def test_signing_in_needs_a_live_key(visitor: httpx.Client, secrets: dict[str, str]) -> None:
    wrong = sign_in(visitor, "ls_nobody")
    assert wrong.status_code == 401
    assert "No live key" in wrong.text
    assert visitor.get("/").status_code == 303
    right = sign_in(visitor, secrets["reader"], "/funnel")
    assert (right.status_code, right.headers["location"]) == (303, "/funnel")
    cookie = right.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert secrets["reader"] not in cookie
    assert visitor.get("/").status_code == 200


def test_signing_out_ends_the_session(visitor: httpx.Client, secrets: dict[str, str]) -> None:
    sign_in(visitor, secrets["reader"])
    visitor.post("/sign-out", data={"csrf": token(visitor.get("/"))})
    assert visitor.get("/").status_code == 303


def test_a_revoked_key_ends_its_sessions(
    visitor: httpx.Client, closed: httpx.Client, closed_home: Path
) -> None:
    key, secret = create_key(closed_home, "leaver", ["read"])
    wait_for_keys()
    sign_in(visitor, secret)
    assert visitor.get("/").status_code == 200
    revoke_key(closed_home, key.id)
    wait_for_keys()
    assert visitor.get("/").status_code == 303


def wait_for_keys() -> None:
    """The service looks at its keys once a second."""
    time.sleep(1.1)


def test_the_scopes_are_those_of_the_api(visitor: httpx.Client, secrets: dict[str, str]) -> None:
    sign_in(visitor, secrets["reader"])
    assert visitor.get("/funnel").status_code == 200
    refused = visitor.get("/what-if")
    assert refused.status_code == 403
    assert "scope score" in refused.text
    form = {"csrf": token(visitor.get("/")), "what": "rollback"}
    assert visitor.post("/models/confirm", data=form).status_code == 403
    assert visitor.post("/models/change", data=form).status_code == 403
    form |= {"id": "L-1", "band": "hot", "reason": "because"}
    assert visitor.post("/lead/override", data=form).status_code == 403


def test_a_scorer_reads_no_stored_lead_by_what_if(
    visitor: httpx.Client, secrets: dict[str, str]
) -> None:
    sign_in(visitor, secrets["scorer"])
    assert visitor.get("/what-if").status_code == 200
    assert visitor.get("/what-if?id=L-1").status_code == 403


@pytest.mark.parametrize("change", ["none", "wrong", "another session's", "from elsewhere"])
def test_a_form_without_its_token_does_nothing(
    visitor: httpx.Client, closed: httpx.Client, secrets: dict[str, str], change: str
) -> None:
    sign_in(visitor, secrets["admin"])
    right = token(visitor.get("/"))
    form = {"what": "rollback"}
    headers = {}
    if change == "wrong":
        form["csrf"] = "0" * 64
    elif change == "another session's":
        with httpx.Client(base_url=closed.base_url) as other:
            sign_in(other, secrets["admin"])
            form["csrf"] = token(other.get("/"))
    elif change == "from elsewhere":
        form["csrf"], headers = right, {"origin": "http://evil.example"}
    answer = visitor.post("/models/confirm", data=form, headers=headers)
    assert answer.status_code == 403
    assert visitor.post("/models/confirm", data={**form, "csrf": right}).status_code == 200


@pytest.mark.parametrize("place", ["//evil.example/", "http://evil.example/", "/v1/leads", "/\\x"])
def test_signing_in_leads_nowhere_else(
    visitor: httpx.Client, secrets: dict[str, str], place: str
) -> None:
    assert sign_in(visitor, secrets["reader"], place).headers["location"] == "/"


def test_a_session_made_up_or_changed_is_none(
    visitor: httpx.Client, secrets: dict[str, str]
) -> None:
    sign_in(visitor, secrets["reader"])
    cookie = visitor.cookies["leadscore_session"]
    text, _, signature = cookie.partition(".")
    for forged in (f"{text}x.{signature}", f"{text}.{'0' * 64}", ".", "x", "é"):
        headers = {"cookie": f"leadscore_session={forged}".encode()}
        with httpx.Client(base_url=visitor.base_url) as other:
            assert other.get("/", headers=headers).status_code == 303


def test_without_keys_only_this_machine_is_answered(service: httpx.Client) -> None:
    assert service.get("/").status_code == 200
    refused = service.get("/", headers={"host": "evil.example"})
    assert refused.status_code == 403
    assert "Ada" not in refused.text


def test_headers_forbid_everything_from_elsewhere(service: httpx.Client) -> None:
    for path in ("/", "/docs", "/static/page.css"):
        policy = service.get(path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
    for path in ("/?q=ada", "/lead?id=L-hot", "/docs"):
        text = service.get(path).text
        assert not re.search(FOREIGN, text)


def test_another_body_than_a_form_is_refused(service: httpx.Client) -> None:
    assert service.post("/what-if", json={"a": 1}).status_code == 415
    assert service.post("/v1/scores", data={"a": "1"}).status_code == 415


def test_exports_hold_the_list_and_no_formula(service: httpx.Client) -> None:
    rows = list(
        csv.DictReader(io.StringIO(service.get("/worklist.csv").content.decode("utf-8-sig")))
    )
    assert rows[0]["lead"] == "L-hot"
    assert {"L-won", "L-lost", "L-out", "L-called"}.isdisjoint(row["lead"] for row in rows)
    assert f"'{FORMULA}" in {row["name"] for row in rows}
    only = service.get("/worklist.csv?owner=Nina").content.decode("utf-8-sig")
    assert {row["owner"] for row in csv.DictReader(io.StringIO(only))} == {"Nina"}
    with zipfile.ZipFile(io.BytesIO(service.get("/worklist.xlsx").content)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        words = book.read("xl/sharedStrings.xml").decode()
    assert "<f>" not in sheet
    assert "HYPERLINK" in words


def test_a_lead_that_was_only_sent_can_be_looked_at(service: httpx.Client) -> None:
    body = {
        "lead_id": "sent", "created_at": "2026-03-01T09:00:00Z",
        "attributes": {"sector": "software", "name": "Sent Only"},
        "interactions": [{"kind": "webinar", "occurred_at": "2026-03-02T09:00:00Z"}],
    }  # fmt: skip
    assert service.post("/v1/scores", json=body).status_code == 200
    deadline = time.monotonic() + 60
    while "Sent Only" not in service.get("/?q=sent").text:
        assert time.monotonic() < deadline, "the score did not arrive in the store"
        time.sleep(0.05)
    page = service.get("/lead?id=sent")
    assert page.status_code == 200
    assert "1 webinar so far" in page.text
    assert service.get("/what-if?id=sent").status_code == 200
    assert service.delete("/v1/leads/sent").status_code == 200  # other tests count the leads


def test_faults_of_a_form_are_reported(service: httpx.Client) -> None:
    csrf = token(service.get("/what-if"))
    said = service.post("/what-if", data={"csrf": csrf, "a.employees": "many"})
    assert said.status_code == 200
    assert "employees: expected a number" in said.text
    form = {"csrf": csrf, "id": "L-hot", "band": "tepid", "reason": "x"}
    assert service.post("/lead/override", data=form).status_code == 422
    form |= {"band": "cold", "reason": ""}
    assert service.post("/lead/override", data=form).status_code == 422
    missing = service.get("/lead?id=nobody")
    assert missing.status_code == 404
    assert "No such lead" in missing.text
