"""Whatever id is accepted can be read, scored, and erased; what is not UTF-8 is refused."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import quote

import httpx
import pytest

CREATED = {"created_at": "2026-03-01T09:00:00Z", "attributes": {"employees": 3}}

IDS = [
    "Deal/L9", "a%2Fb", "100%", "..", ".", "...", " blanks ", "Müller & Söhne", "Mu\u0308ller",
    "a?b#c;d", "tab\tand\nline", "😀", "score", "x/score", "/", "//", "\\", "a+b", "'\"<>", "\x7f",
    "é" * 200,
]  # fmt: skip


def path_of(lead_id: str, rest: str = "") -> str:
    """As the guide says: every byte that is no letter or digit percent-encoded, dots too."""
    return f"/v1/leads/{quote(lead_id, safe='').replace('.', '%2E')}{rest}"


@pytest.mark.parametrize("lead_id", IDS)
def test_an_accepted_id_can_be_found_and_erased(client: httpx.Client, lead_id: str) -> None:
    put = client.put(path_of(lead_id), json=CREATED)
    assert put.status_code == 201, put.text
    assert put.json()["lead_id"] == lead_id
    row = {"lead_id": lead_id, "kind": "page_view", "occurred_at": "2026-03-05T00:00:00Z"}
    taken = client.post("/v1/interactions", json={"interactions": [row]}).json()
    assert taken["taken"] == 1
    assert client.get(path_of(lead_id, "/score")).json()["lead_id"] == lead_id
    assert client.get(path_of(lead_id, "/history")).json()["lead_id"] == lead_id
    gone = client.delete(path_of(lead_id)).json()
    assert gone["rows"]["lead"] == 1
    assert client.get(path_of(lead_id, "/score")).status_code == 404
    assert client.put(path_of(lead_id), json=CREATED).status_code == 410


def raw(client: httpx.Client, request: bytes) -> bytes:
    address = (client.base_url.host, client.base_url.port or 0)
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(request)
        parts = []
        while part := connection.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize("segment", ["M%FCller", "M%F6ller", "%C3", "%ED%A0%80", "a%00b", "%FF"])
def test_bytes_that_are_not_utf_8_are_refused(client: httpx.Client, segment: str) -> None:
    """M%FCller and M%F6ller were one lead, called M\ufffdller."""
    for method, rest in (("GET", "/score"), ("DELETE", "")):
        said = raw(
            client,
            f"{method} /v1/leads/{segment}{rest} HTTP/1.1\r\nHost: localhost\r\n"
            "Connection: close\r\n\r\n".encode(),
        )
        assert said[9:12] in (b"400", b"422")
        assert b"application/problem+json" in said


def test_a_body_that_is_scored_can_be_erased_under_its_id(
    client: httpx.Client, lead: dict[str, Any]
) -> None:
    assert client.post("/v1/scores", json={**lead, "lead_id": "Deal/L10"}).status_code == 200
    assert client.delete(path_of("Deal/L10")).json()["rows"]["score"] == 1


def test_nothing_is_redirected_to_the_host_that_a_caller_names(client: httpx.Client) -> None:
    for path in ("/v1/scores/", "/v1/model/", "/docs/", "/health/live/"):
        answer = client.get(path, headers={"host": "localhost.evil.example"})
        assert answer.status_code in (403, 404)
        assert "location" not in answer.headers


def test_head_is_get_without_a_body(client: httpx.Client) -> None:
    for path in ("/health/live", "/v1/model", "/v1/leads"):
        get, head = client.get(path), client.head(path)
        assert head.status_code == get.status_code == 200
        assert head.content == b""
        assert head.headers["content-length"] == str(len(get.content))


def test_another_method_is_reported_which_there_are(client: httpx.Client) -> None:
    answer = client.post("/v1/leads/Deal%2FL9/score", json={})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.json()["title"] == "Method not allowed"


def test_what_is_read_has_an_etag(client: httpx.Client) -> None:
    first = client.get("/v1/model")
    again = client.get("/v1/model", headers={"if-none-match": f'"other", {first.headers["etag"]}'})
    assert again.status_code == 304
    assert again.content == b""
    assert client.get("/v1/model", headers={"if-none-match": '"other"'}).content == first.content


def put(client: httpx.Client, lead_id: str, attributes: dict[str, Any]) -> httpx.Response:
    body = {"created_at": "2026-03-01T09:00:00Z", "attributes": attributes}
    return client.put(f"/v1/leads/{lead_id}", json=body)


def test_an_attribute_has_one_spelling(client: httpx.Client) -> None:
    """One PUT of ``Region`` took the place of ``region`` in what training reads."""
    assert put(client, "spelled-1", {"region": "north"}).status_code == 201
    for attributes in ({"Region": "south"}, {"REGION": "x", "employees": 3}):
        refused = put(client, "spelled-2", attributes)
        assert refused.status_code == 422
        assert "region" in refused.json()["errors"][0]["message"]
    assert put(client, "spelled-2", {"Straße": 1, "STRASSE": 2}).status_code == 422
    assert put(client, "spelled-2", {"region": "south"}).status_code == 201
