"""The model card: what a release is, what it was made from and how good it is, for a person.

Made from the release alone, without clock or machine, so that two trainings of the same data give
the same card and a retrain shows as a readable diff: one fact a line, fixed order and digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scoring.release.release import Release
from training.model_card.blocks import Card, count, share
from training.model_card.changes import PreviousRelease, change_section
from training.model_card.evaluation_sections import (
    bands_section,
    figures_section,
    gains_section,
    reliability_section,
    segments_section,
)
from training.model_card.importance import feature_effects
from training.model_card.model_sections import (
    candidates_section,
    data_section,
    features_section,
    head_facts,
    left_out_section,
    limits_section,
)
from training.model_card.record import card_record


def card_of(release: Release, earlier: PreviousRelease | None = None) -> Card:
    """The card of ``release``; with ``earlier``, also what changed since then.

    What a release did not record, the card says is not recorded; nothing is made up.
    Raises ReleaseError when what the release keeps for its card cannot be read.
    """
    record = card_record(release)
    calibration = release.metrics.get("calibration", {})
    sections = (
        *((change_section(release, earlier),) if earlier else ()),
        data_section(release, record),
        left_out_section(record),
        figures_section(release),
        reliability_section(calibration),
        gains_section(record),
        bands_section(release, record),
        segments_section(calibration),
        candidates_section(release, record),
        features_section(feature_effects(release)),
        limits_section(release),
    )
    verdict = str(release.metrics.get("verdict", ""))
    tiles = tuple(_tiles(release, record))
    return Card(release.name, head_facts(release), verdict, tiles, sections)


def _tiles(release: Release, record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    data, metrics = release.manifest.get("data", {}), release.metrics
    if "leads" in data:
        yield count(data["leads"]), "leads in the training data"
    auc = metrics.get("auc")
    if isinstance(auc, Mapping):
        yield f"{auc['value']:.3f}", "AUC on later leads (0.5 is chance)"
    lift = metrics.get("top_decile_lift")
    if isinstance(lift, Mapping) and lift["value"] is not None:
        yield f"{lift['value']:.1f} ×", "conversions of the average in the best tenth"
    gains = record.get("gains")
    if gains:
        yield share(gains[4]), "of the conversions found in the best fifth"
