"""Who must not be contacted: unsubscribed, asked not to be, or excluded by a rule.

A list to call leaves these leads out, whatever their score. What is looked at, as of the moment of
the list: interactions of the opt-out kinds, attributes and answers whose name says that the lead
must not be contacted (``do_not_call``, ``opted_out`` …) and whose value is yes, and the exclusions
of the scorecard.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from features.compute.array_types import Object
from features.contract import AttributeType
from features.histories.arrays import Histories, References
from scoring.contact_names import YES, forbids_contact
from scoring.scorecard.rules import PointThresholds, Rule, ScorecardDefinition
from scoring.scorecard.scorecard import Scorecard

UNSUBSCRIBED = "unsubscribed"
EXCLUDED = "excluded by a rule"


def contact_card(
    attributes: Mapping[str, AttributeType | None], opt_out_kinds: Iterable[str]
) -> Scorecard | None:
    """The rules that forbid contact, as a scorecard to be matched; None where nothing can."""
    rules = [
        Rule.model_validate(
            {"name": name, "attribute": name, "points": 1.0, "is": _yes(attributes[name])}
        )
        for name in sorted(attributes)
        if forbids_contact(name)
    ]
    kinds = tuple(sorted(set(opt_out_kinds)))
    if kinds:
        rules.append(Rule(name=UNSUBSCRIBED, interaction=kinds, points=1.0))
    if not rules:
        return None
    bands = PointThresholds(warm=1.0, hot=2.0)
    return Scorecard(ScorecardDefinition(name="contact", bands=bands, rules=tuple(rules)))


def _yes(kind: AttributeType | None) -> list[str | bool | int]:
    if kind is AttributeType.NUMBER:
        return [1]
    return [True] if kind is AttributeType.BOOLEAN else [True, *YES]


def not_to_contact(
    histories: Histories,
    references: References,
    attributes: Mapping[str, AttributeType | None],
    opt_out_kinds: Iterable[str],
    scorecard: Scorecard | None = None,
) -> Object:
    """Why each reference's lead must not be contacted, (n,) of str; empty where it may be.

    ``attributes``: name → type, of leads and answers. ``opt_out_kinds``: interactions by which a
    lead turns away. ``scorecard``: whose exclusions count as well.
    """
    why = np.full(len(references), "", dtype=object)
    if scorecard is not None and scorecard.card.exclusions:
        excluded = scorecard.points(histories, references)
        n_rules = len(scorecard.card.rules)
        for place, name in enumerate(scorecard.rule_names[n_rules:], start=n_rules):
            why[excluded.matched[:, place]] = f"{EXCLUDED}: {name}"
    card = contact_card(attributes, opt_out_kinds)
    if card is not None:
        matched = card.points(histories, references).matched
        for place, name in enumerate(card.rule_names):
            why[matched[:, place]] = name.replace("_", " ")
    return why
