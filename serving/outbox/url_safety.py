"""Which URLs a webhook may have, and connections that go to no other address than the one checked.

Whoever may add webhooks could otherwise make the service call machines that only it can reach. The
address is checked when the webhook is added and again at every connection, and the connection goes
to the address that was checked, so a name that resolves to another address later gains nothing.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from features.errors import UsageError

MAX_URL = 2000

PRIVATE_HINT = "set LEADSCORE_WEBHOOK_PRIVATE=true to allow it"


class AddressRefused(OSError):
    """The name resolves to an address that webhooks may not go to."""


def checked_url(url: str, *, allow_private: bool) -> SplitResult:
    """The parts of a URL that a webhook may have; UsageError says why it may not.

    https, or http to a loopback address; no user, password or fragment. The name is not resolved.
    """
    if len(url) > MAX_URL or not url.isascii() or any(c <= " " or c == "\x7f" for c in url):
        raise UsageError(f"a webhook's URL has at most {MAX_URL} ASCII characters and no blanks")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise UsageError("this is not a URL; expected https://host/path") from None
    if parts.scheme not in ("https", "http") or not host or port == 0:
        raise UsageError("a webhook's URL begins with https://")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise UsageError("a webhook's URL has no user, password or #fragment; sign by the secret")
    if parts.scheme == "http" and not _is_loopback_name(host):
        raise UsageError("a webhook's URL begins with https://; http is for the loopback alone")
    if not allow_private and (_is_loopback_name(host) or _is_refused_literal(host)):
        raise UsageError(f"webhooks do not go to private addresses; {PRIVATE_HINT}")
    return parts


def _is_loopback_name(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_refused_literal(host: str) -> bool:
    try:
        return not is_public(host)
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """Whether an address belongs to the public internet; ValueError if it is none.

    >>> [is_public(a) for a in ("93.184.216.34", "10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1")]
    [True, False, False, False]
    """
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inside = ip.ipv4_mapped or ip.sixtofour
        if inside is not None:
            return is_public(str(inside))
        if ip in _NAT64:  # the last 32 bits are an address of version 4
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
    return ip.is_global and not ip.is_multicast


_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def checked_addresses(
    host: str, port: int, *, allow_private: bool
) -> Sequence[tuple[socket.AddressFamily, tuple[str, int]]]:
    """Where a name leads to; AddressRefused if any of it may not be called, OSError if nowhere."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [(family, (str(where[0]), int(where[1]))) for family, _, _, _, where in found]
    if not allow_private and not all(is_public(ip) for _, (ip, _) in addresses):
        raise AddressRefused("the name leads to a private address")
    return addresses


def connection_to(
    parts: SplitResult, timeout_s: float, *, allow_private: bool
) -> http.client.HTTPConnection:
    """A connection to the URL's host, opened when it is used, to an address that was checked."""
    host = parts.hostname or ""
    if parts.scheme == "http":
        return _Plain(host, parts.port or 80, timeout_s, allow_private)
    return _Encrypted(host, parts.port or 443, timeout_s, allow_private)


def _connected(host: str, port: int, timeout_s: float, allow_private: bool) -> socket.socket:
    problem: OSError = AddressRefused("no address")
    for family, address in checked_addresses(host, port, allow_private=allow_private):
        one = socket.socket(family, socket.SOCK_STREAM)
        try:
            one.settimeout(timeout_s)
            one.connect(address)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            one.close()
            problem = error
            continue
        return one
    raise problem


class _Plain(http.client.HTTPConnection):
    def __init__(self, host: str, port: int, timeout_s: float, allow_private: bool) -> None:
        super().__init__(host, port, timeout=timeout_s)
        self._where = host, port, timeout_s, allow_private

    def connect(self) -> None:
        self.sock = _connected(*self._where)


class _Encrypted(http.client.HTTPSConnection):
    def __init__(self, host: str, port: int, timeout_s: float, allow_private: bool) -> None:
        self._trusted = ssl.create_default_context()
        super().__init__(host, port, timeout=timeout_s, context=self._trusted)
        self._where = host, port, timeout_s, allow_private

    def connect(self) -> None:
        plain = _connected(*self._where)
        try:
            self.sock = self._trusted.wrap_socket(plain, server_hostname=self._where[0])
        except OSError:
            plain.close()
            raise
