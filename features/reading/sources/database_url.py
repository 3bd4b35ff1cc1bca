"""URLs of databases as they may be shown: never with a password, whatever characters it has."""

from __future__ import annotations

import re

import sqlalchemy as sa

from features.errors import UsageError

_SECRET = re.compile(
    r"([?&;][^=&;]*(?:password|pwd|secret|token|key)[^=&;]*=)[^&;]*", re.IGNORECASE
)


def without_password(url: str) -> str:
    """A URL fit for a message. A password may hold anything, an unencoded ``@`` too: all that
    stands before the last one is hidden.

    >>> without_password("postgresql://reader:p@ss:w/rd@localhost/crm?sslpassword=x&a=b")
    'postgresql://reader:***@localhost/crm?sslpassword=***&a=b'
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    userinfo, at, place = rest.rpartition("@")
    user, colon, _ = userinfo.partition(":")
    hidden = f"{user}:***" if colon else user
    shown = _SECRET.sub(r"\1***", place)
    return f"{scheme}://{hidden}{at}{shown}"


def refuse_unencoded(url: sa.URL) -> None:
    """UsageError for a password with an ``@`` that is not encoded: what follows it would be taken
    for the host, and would be named in every message about it."""
    if "@" in (url.host or ""):
        raise UsageError("the password in the database URL holds an @; write it as %40")
