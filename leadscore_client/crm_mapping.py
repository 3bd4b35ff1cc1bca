"""A CRM's own field names as our contract: a mapping in TOML, applied to the CRM's payloads.

It imports the standard library alone. The mappings for HubSpot, Salesforce and Odoo are in
``leadscore_client/mappings/``; ``docs/guide/crm.md`` explains each key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any


class MappingError(ValueError):
    """A mapping that cannot be read, or a payload without what every lead needs."""


@dataclass(frozen=True)
class CrmMapping:
    """One CRM's mapping; every method takes a payload as the CRM's API gives it."""

    name: str
    rules: Mapping[str, Any]

    def lead(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """``lead_id``, ``created_at`` and ``attributes`` for ``PUT /v1/leads/{lead_id}``.

        Fields that are empty in the CRM are left out: unknown is not a value.
        """
        rules = self.rules["lead"]
        values = {
            name: _value(rule, payload) for name, rule in self.rules.get("attributes", {}).items()
        }
        return {
            "lead_id": _needed(rules["lead_id"], payload, "lead_id"),
            "created_at": moment(_needed(rules["created_at"], payload, "created_at")),
            "attributes": {name: value for name, value in values.items() if value is not None},
        }

    def interaction(self, record: str, payload: Mapping[str, Any]) -> dict[str, Any] | None:
        """A row for ``POST /v1/interactions``; None for a record that is no interaction."""
        rules = self._record(record)
        kind = _value(rules["kind"], payload)
        lead_id, at = _value(rules["lead_id"], payload), _value(rules["occurred_at"], payload)
        if kind is None or lead_id is None or at is None:
            return None
        event_id = _needed(rules["event_id"], payload, "event_id")
        row = {
            "lead_id": str(lead_id),
            "kind": kind,
            "occurred_at": moment(at),
            "source": f"{self.name}-{record}",
            "event_id": str(event_id),
        }
        for name in ("duration_s", "value", "channel"):
            found = _value(rules[name], payload) if name in rules else None
            if found is not None:
                row[name] = found
        return row

    def outcome(self, payload: Mapping[str, Any]) -> dict[str, Any] | None:
        """A row for ``POST /v1/outcomes``; None while the lead is open.

        A date without a time counts from its first moment, but never before the creation.
        """
        rules = self.rules["outcome"]
        text = _text(dig(payload, rules["field"]))
        found = {
            word: outcome for outcome in ("converted", "lost") for word in rules.get(outcome, ())
        }.get(text)
        at = _value(rules["at"], payload)
        if found is None or at is None:
            return None
        lead = self.lead(payload)
        return {
            "lead_id": lead["lead_id"],
            "outcome": found,
            "occurred_at": max(moment(at), lead["created_at"]),
        }

    def _record(self, record: str) -> Mapping[str, Any]:
        known = self.rules.get("records", {})
        if record not in known:
            raise MappingError(f"{self.name} maps no {record}; known: {', '.join(known)}")
        rules: Mapping[str, Any] = known[record]
        return rules


def load_mapping(path: Path | str) -> CrmMapping:
    """Read a mapping: a TOML file, or the name of one that ships here (``"hubspot"``).

    Raises MappingError, which says what is missing.

    >>> load_mapping("odoo").name
    'odoo'
    """
    shipped = resources.files(__package__).joinpath("mappings", f"{path}.toml")
    source = shipped if str(path).isidentifier() and shipped.is_file() else Path(path)
    try:
        rules = tomllib.loads(source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MappingError(f"{path} cannot be read as TOML: {error}") from error
    missing = {"name", "lead", "outcome"} - set(rules)
    if missing:
        raise MappingError(f"{path} has no {', '.join(sorted(missing))}")
    return CrmMapping(str(rules["name"]), rules)


def dig(payload: Any, path: str) -> Any:
    """The value at ``a.b.0``; None where there is none, or an empty one.

    >>> dig({"properties": {"industry": "SaaS", "city": ""}}, "properties.industry")
    'SaaS'
    >>> dig({"country_id": [75, "France"]}, "country_id.1"), dig({}, "a.b") is None
    ('France', True)
    """
    found = payload
    for part in path.split("."):
        if isinstance(found, Mapping):
            found = found.get(part)
        elif isinstance(found, list | tuple) and part.isdigit() and int(part) < len(found):
            found = found[int(part)]
        else:
            return None
    return None if found is None or found == "" else found


def moment(value: Any) -> str:
    """A CRM's moment as RFC 3339 in UTC: ISO 8601, Odoo's naive UTC, dates, epoch milliseconds.

    >>> moment("2026-01-02T03:04:05.000+0000"), moment("2026-01-02 03:04:05")
    ('2026-01-02T03:04:05.000000Z', '2026-01-02T03:04:05.000000Z')
    >>> moment(1767323045000), moment("2026-01-02")
    ('2026-01-02T03:04:05.000000Z', '2026-01-02T00:00:00.000000Z')
    """
    if isinstance(value, int | float) or (isinstance(value, str) and value.isdigit()):
        found = datetime.fromtimestamp(float(value) / 1000, UTC)
    else:
        try:
            found = datetime.fromisoformat(re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", str(value)))
        except ValueError:
            raise MappingError("a moment of the CRM is in no format known here") from None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return found.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _value(rule: Any, payload: Mapping[str, Any]) -> Any:
    """What a rule says: a path, or a table of ``from``, ``type``, ``values``, ``scale``."""
    if isinstance(rule, str):
        rule = {"from": rule}
    if "always" in rule:
        return rule["always"]
    found = dig(payload, rule["from"])
    if "values" in rule:
        return rule["values"].get(_text(found), rule.get("otherwise"))
    if rule.get("type") == "boolean":
        return None if found is None else found in (True, 1, "true", "True", "1", "yes")
    if found is None or found is False:  # Odoo writes false for empty
        return None
    if rule.get("type") == "number":
        return _number(found, float(rule.get("scale", 1)))
    return _text(found)


def _number(found: Any, scale: float) -> float | None:
    try:
        number = float(found) * scale
    except (TypeError, ValueError):
        return None
    return number if number - number == 0 else None  # neither NaN nor infinite


def _text(found: Any) -> str | None:
    if found is None:
        return None
    return str(found).lower() if isinstance(found, bool) else str(found)


def _needed(path: Any, payload: Mapping[str, Any], name: str) -> str:
    found = _value(path, payload)
    if found is None:
        raise MappingError(f"the payload has no {path if isinstance(path, str) else name}")
    return str(found)
