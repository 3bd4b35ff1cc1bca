"""A message goes where it may, is signed, and no receiver can hold it for long or send it on."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat
from cryptography.x509.oid import NameOID
from standardwebhooks import Webhook, WebhookVerificationError

from features.errors import UsageError
from serving.outbox.send import Sender, SendResult
from serving.outbox.url_safety import AddressRefused, checked_addresses, checked_url
from serving.outbox.webhooks import new_secret

BODY = '{"type":"webhook.test","data":{"name":"Zoë"}}'
Answer = Callable[[BaseHTTPRequestHandler], None]


class Quiet(HTTPServer):
    """Prints nothing when a caller goes away."""

    def handle_error(self, *_: object) -> None:
        pass


@contextmanager
def receiving(
    answer: Answer, context: ssl.SSLContext | None = None
) -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    got: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((dict(self.headers), body))
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = Quiet(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook?tenant=7", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def status(code: int, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()

    return answer


def send(url: str, *secrets: str, timeout_s: float = 5.0) -> SendResult:
    sender = Sender(timeout_s, allow_private=True)
    return sender.send(url, secrets or [new_secret()], "chg_7", BODY, datetime.now(UTC))


def test_a_message_is_signed_by_both_secrets() -> None:
    new, old = new_secret(), new_secret()
    with receiving(status(204)) as (url, got):
        assert send(url, new, old).taken
    ((headers, body),) = got
    for secret in (new, old):
        assert Webhook(secret).verify(body, headers)["data"] == {"name": "Zoë"}
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(body + b" ", headers)
    assert headers["webhook-id"] == "chg_7"
    assert headers["Content-Type"] == "application/json"


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate of the loopback and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


def test_a_certificate_must_be_trusted_and_of_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with receiving(status(204), context) as (url, got):
        by_name = url.replace("http://127.0.0.1", "https://localhost")
        by_address = url.replace("http://", "https://")
        assert send(by_name) == SendResult(None, "tls")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert send(by_address) == SendResult(None, "tls")
        assert send(by_name).taken
    assert len(got) == 1


def test_redirects_are_not_followed() -> None:
    with receiving(status(204)) as (other, reached):
        with receiving(status(307, Location=other)) as (url, _):
            assert send(url) == SendResult(307, "redirect")
        assert reached == []


@pytest.mark.parametrize(
    ("header", "wait"), [("7", 7.0), ("999999", 3600.0), ("soon", None), ("-1", None)]
)
def test_retry_after_is_heeded_within_bounds(header: str, wait: float | None) -> None:
    with receiving(status(503, Retry_After=header)) as (url, _):
        assert send(url) == SendResult(503, "status 503", wait)


def test_a_receiver_that_trickles_is_given_up() -> None:
    def trickle(handler: BaseHTTPRequestHandler) -> None:
        with contextlib.suppress(OSError):  # the connection is closed in the middle
            for _ in range(1500):
                handler.wfile.write(b"H")
                time.sleep(0.02)

    with receiving(trickle) as (url, _):
        begun = time.monotonic()
        assert send(url, timeout_s=0.3) == SendResult(None, "timeout")
        assert time.monotonic() - begun < 15  # the receiver would go on for thirty


def test_nobody_there_and_nonsense_are_outcomes_not_exceptions() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert send(f"http://127.0.0.1:{port}/").error == "no response (ConnectionRefusedError)"

    def nonsense(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"SMTP ready\r\n\r\n")

    with receiving(nonsense) as (url, _):
        assert send(url).status is None


@pytest.mark.parametrize(
    "url",
    ["http://crm.example.com/hook", "ftp://crm.example.com/", "https://", "https:///x",
     "crm.example.com", "https://user:secret@crm.example.com/", "https://crm.example.com/#x",
     "https://crm.example.com:0/",
     "https://crm.example.com/a b", "https://crm.example.com/\r\nX: 1", "https://[::1",
     "https://crm.example.com:x/",
     "https://münchen.example/", "https://10.0.0.1/", "https://127.0.0.1/", "http://127.0.0.1:9000/",
     "http://localhost/", "https://169.254.169.254/latest", "https://[::1]/", "https://[fd00::1]/",
     "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::a00:1]/", "https://0.0.0.0/", "https://224.0.0.1/",
     "https://x.example/" + 2000 * "a"],
)  # fmt: skip
def test_urls_that_no_webhook_may_have(url: str) -> None:
    with pytest.raises(UsageError):
        checked_url(url, allow_private=False)


@pytest.mark.parametrize("url", ["https://crm.example.com/hook?x=1", "https://93.184.216.34:8443/"])
def test_urls_that_a_webhook_may_have(url: str) -> None:
    assert checked_url(url, allow_private=False).geturl() == url


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/", "https://10.0.0.1/", "http://[::1]:9/"])
def test_private_addresses_are_a_setting(url: str) -> None:
    assert checked_url(url, allow_private=True).geturl() == url


@pytest.mark.parametrize("address", ["10.1.2.3", "127.0.0.1", "169.254.169.254", "192.168.1.1"])
def test_a_name_that_leads_to_a_private_address_is_not_called(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """Also when it led elsewhere before: it is looked up for each connection."""
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 443)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(AddressRefused):
        checked_addresses("crm.example.com", 443, allow_private=False)
    sender = Sender(1.0, allow_private=False)
    outcome = sender.send(
        "https://crm.example.com/", [new_secret()], "chg_1", BODY, datetime.now(UTC)
    )
    assert outcome == SendResult(None, "private address")
