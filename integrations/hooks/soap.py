"""Outbound messages of Salesforce as XML, read without what XML can do to a reader.

A document type (and with it every entity) is refused, so nothing can be expanded or fetched; so is
deep nesting. https://developer.salesforce.com/docs/platform/api/guide/sforce-api-om-outboundmessaging-wsdl.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

OUTBOUND = "http://soap.sforce.com/2005/09/outbound"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
MAX_DEPTH = 16
MAX_NOTIFICATIONS = 100
"""Notifications of a message, by its WSDL."""

ACKNOWLEDGED = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>'
    b"</notificationsResponse></soapenv:Body></soapenv:Envelope>"
)


@dataclass
class Notification:
    """One record: its type (Lead, Task, …), and the fields that are in the message."""

    kind: str = ""
    fields: dict[str, str | None] = field(default_factory=dict)


@dataclass
class Message:
    """An outbound message: the organisation that sent it, and its notifications."""

    organisation: str = ""
    notifications: list[Notification] = field(default_factory=list)


def message_of(body: bytes) -> Message:
    """Read a message. ValueError if it is no XML, has a document type, or is no such message."""
    reader = _Reader()
    try:
        reader.parser.Parse(body, True)
    except expat.ExpatError as error:
        raise ValueError(f"no well-formed XML (line {error.lineno})") from None
    if not reader.message.organisation or not reader.message.notifications:
        raise ValueError("no outbound message: OrganizationId or Notification is missing")
    return reader.message


class _Reader:
    def __init__(self) -> None:
        self.message = Message()
        self._path: list[str] = []
        self._text: list[str] = []
        self._nil = False
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartDoctypeDeclHandler = _refuse
        self.parser.EntityDeclHandler = _refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name)
        if len(self._path) > MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH}")
        self._text, self._nil = [], attributes.get(f"{INSTANCE} nil") == "true"
        if name == f"{OUTBOUND} Notification":
            self.message.notifications.append(Notification())
            if len(self.message.notifications) > MAX_NOTIFICATIONS:
                raise ValueError(f"more than {MAX_NOTIFICATIONS} notifications")
        elif name == f"{OUTBOUND} sObject" and self.message.notifications:
            kind = attributes.get(f"{INSTANCE} type", "")
            self.message.notifications[-1].kind = kind.rpartition(":")[2]

    def _characters(self, text: str) -> None:
        self._text.append(text)

    def _end(self, name: str) -> None:
        text = None if self._nil else "".join(self._text).strip()
        if name == f"{OUTBOUND} OrganizationId":
            self.message.organisation = text or ""
        elif len(self._path) > 1 and self._path[-2] == f"{OUTBOUND} sObject":
            fields = self.message.notifications[-1].fields
            fields[name.rpartition(" ")[2]] = text or None
        self._path.pop()
        self._text, self._nil = [], False


def _refuse(*_: object) -> None:
    raise ValueError("a document type is not accepted")
