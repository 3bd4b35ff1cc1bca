"""Which features a model may use, chosen from the training references alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

import numpy as np

from features.compute.array_types import Float64, Int64
from features.contract import BANT, AttributeType, Available
from features.dataset_settings import AttributeSettings, DatasetSettings
from features.histories.arrays import NO_TIME, Histories, References
from features.vectors.catalogue import Source
from features.vectors.compute import compute_vectors
from features.vectors.interaction_kernel import first_at_or_after
from features.vectors.nouns import ANY, INBOUND, OUTBOUND
from features.vectors.sentences import LEVELS_IN_ORDER
from features.vectors.spec import DERIVED, AttributeSpec, Feature, FeatureSpec
from training.labels.splits import identical_rows
from training.labels.training_data import TrainingData

WINDOWS_DAYS = (1.0, 7.0, 30.0, 90.0, None)
HALF_LIVES_DAYS = (1.0, 7.0, 30.0)
MAX_KINDS = 40
MAX_LEVELS = 60
UNWINDOWED_AGGREGATES = (
    "days_since_last",
    "days_silent",
    "days_since_first",
    "gap_mean_days",
    "gap_longest_days",
    "trend",
    "share_weekend",
    "share_office_hours",
    "usual_hour",
)


def choose_spec(
    settings: DatasetSettings,
    histories: Histories,
    references: References,
    *,
    max_kinds: int = MAX_KINDS,
) -> FeatureSpec:
    """Declare the features that vary over these references.

    Kinds seen before ``as_of`` in at least ``max(10, 0.5 %)`` of the references get features of
    their own, the most frequent first; categories get a column for each level that as many
    leads have. Columns that are constant, or repeat another, over the references are dropped.
    """
    attributes = tuple(_attribute_specs(settings, histories, references))
    features = tuple(_lead_features(histories)) + tuple(_attribute_features(attributes, histories))
    features += tuple(_declared_features(settings, attributes))
    if len(histories.interactions.at_us) and (histories.created_at_us != NO_TIME).any():
        kinds = frequent_kinds(histories, references, max_kinds, settings.excluded_kinds)
        features += tuple(_stream_features(settings, histories)) + tuple(
            _kind_features(kinds, histories)
        )
    excluded = tuple(sorted(set(settings.excluded_kinds)))
    there = set(histories.interactions.kinds)
    opt_outs = tuple(sorted(set(settings.opt_out_kinds) & there - set(excluded)))
    spec = FeatureSpec(
        features,
        attributes,
        tuple(settings.outbound_kinds),
        excluded,
        opt_outs,
        settings.cleaning(),
    )
    return spec.keep(informative_columns(spec, histories, references))


def same_attributes_group(data: TrainingData) -> Int64:
    """A number per reference, equal for leads that are the same in every usable attribute, (n,)."""
    references = data.labelled.references
    spec = choose_spec(data.settings, data.histories, references)
    return identical_rows(compute_vectors(spec, data.histories, references))


def informative_columns(
    spec: FeatureSpec, histories: Histories, references: References
) -> list[int]:
    """Positions of the columns that vary and do not repeat an earlier one."""
    kept: list[int] = []
    seen: set[bytes] = set()
    matrix = compute_vectors(spec, histories, references)
    for position in range(len(spec)):
        column = np.ascontiguousarray(matrix[:, position])
        content = column.tobytes()
        varies = len(column) > 0 and not (np.isnan(column).all() or (column == column[0]).all())
        if varies and content not in seen:
            seen.add(content)
            kept.append(position)
    return kept


def frequent_kinds(
    histories: Histories,
    references: References,
    max_kinds: int,
    excluded: Collection[str] = (),
) -> list[str]:
    """Kinds by the number of references that had seen them, most first; none ``excluded``."""
    rows = histories.interactions
    reserved = {ANY, INBOUND, OUTBOUND, *excluded}
    seen: Counter[int] = Counter()
    newest = _newest_per_lead(references, len(histories))
    for lead in np.flatnonzero(newest > NO_TIME):
        low = rows.offsets[lead]
        high = first_at_or_after(rows.at_us, low, rows.offsets[lead + 1], newest[lead])
        seen.update(np.unique(rows.kind[low:high]).tolist())
    least = max(10, 0.005 * int((newest > NO_TIME).sum()))
    common = [(count, rows.kinds[kind]) for kind, count in seen.items() if count >= least]
    ranked = sorted(common, key=lambda pair: (-pair[0], pair[1]))
    return [kind for _, kind in ranked if kind not in reserved][:max_kinds]


def _newest_per_lead(references: References, n_leads: int) -> np.ndarray:
    newest = np.full(n_leads, NO_TIME, dtype=np.int64)
    np.maximum.at(newest, references.lead, references.as_of_us)
    return newest


def _interaction(
    topic: str,
    aggregate: str,
    window_days: float | None = None,
    half_life_days: float | None = None,
) -> Feature:
    return Feature(Source.INTERACTIONS, topic, aggregate, window_days, half_life_days)


def _stream_features(settings: DatasetSettings, histories: Histories) -> Iterator[Feature]:
    """The full set for everything, the lead's own acts and our own attempts."""
    ours = set(settings.outbound_kinds) & set(histories.interactions.kinds)
    rows = histories.interactions
    for topic in (ANY, INBOUND, OUTBOUND) if ours else (ANY,):
        for window in WINDOWS_DAYS:
            for aggregate in ("count", "active_days", "sessions"):
                yield _interaction(topic, aggregate, window_days=window)
        for half_life in HALF_LIVES_DAYS:
            yield _interaction(topic, "decayed", half_life_days=half_life)
        for aggregate in UNWINDOWED_AGGREGATES:
            yield _interaction(topic, aggregate)
        yield from _sums(topic, rows.value, "value")
        yield from _sums(topic, rows.duration_s, "minutes")
    if ours:
        yield _interaction(OUTBOUND, "unanswered")


def _sums(topic: str, known: Float64, what: str) -> Iterator[Feature]:
    if np.isfinite(known).any():
        yield _interaction(topic, f"{what}_total", window_days=30.0)
        yield _interaction(topic, f"{what}_total")
        yield _interaction(topic, f"{what}_mean")


def _kind_features(kinds: list[str], histories: Histories) -> Iterator[Feature]:
    rows = histories.interactions
    for kind in kinds:
        of_kind = rows.kind == rows.kinds.index(kind)
        for window in WINDOWS_DAYS:
            yield _interaction(kind, "count", window_days=window)
        for half_life in HALF_LIVES_DAYS:
            yield _interaction(kind, "decayed", half_life_days=half_life)
        for aggregate in ("days_since_last", "days_since_first", "is_last"):
            yield _interaction(kind, aggregate)
        yield from _sums(kind, rows.value[of_kind], "value")
        yield from _sums(kind, rows.duration_s[of_kind], "minutes")


def _lead_features(histories: Histories) -> Iterator[Feature]:
    if (histories.created_at_us != NO_TIME).any():
        for aggregate in ("age_days", "created_hour", "created_weekday"):
            yield Feature(Source.ATTRIBUTE, "lead", aggregate)


def _attribute_specs(
    settings: DatasetSettings, histories: Histories, references: References
) -> Iterator[AttributeSpec]:
    leads = np.unique(references.lead)
    answered = set(histories.answers.attributes)
    for name in sorted(set(settings.attributes) | set(histories.attributes) | answered):
        declared = settings.attributes.get(name, AttributeSettings())
        if declared.available == Available.AFTER_OUTCOME or declared.type is None:
            continue
        from_answers = declared.available == Available.ANSWERED or (
            name not in histories.attributes
        )
        known = _known_values(name, histories, references, leads, from_answers=from_answers)
        yield _attribute_spec(name, declared, known, from_answers=from_answers)


def _known_values(
    name: str,
    histories: Histories,
    references: References,
    leads: np.ndarray,
    *,
    from_answers: bool,
) -> list[object]:
    """Values of the training leads before their last reference: never anything later."""
    known: list[object] = []
    if not from_answers and name in histories.attributes:
        known += histories.attributes[name][leads].tolist()
    rows = histories.answers
    if name in rows.attributes:
        newest = _newest_per_lead(references, len(histories))
        lead_of = np.repeat(np.arange(len(histories)), np.diff(rows.offsets))
        known_rows = (rows.attribute == rows.attributes.index(name)) & (
            rows.at_us < newest[lead_of]
        )
        known += [rows.values[code] for code in rows.value[known_rows]]
    return [value for value in known if value is not None and value == value and value != ""]


def _attribute_spec(
    name: str, declared: AttributeSettings, known: list[object], *, from_answers: bool
) -> AttributeSpec:
    kind = declared.type or AttributeType.CATEGORY
    group = declared.group or AttributeSpec(name, kind).group
    if kind != AttributeType.CATEGORY:
        numbers = [float(v) for v in known if _is_number(v)]  # type: ignore[arg-type]
        median = float(np.median(numbers)) if numbers else None
        return AttributeSpec(name, kind, group, median=median, from_answers=from_answers)
    levels = declared.levels or _frequent_levels(known)
    ordered = bool(declared.levels)
    return AttributeSpec(
        name, kind, group, levels=levels, ordered=ordered, from_answers=from_answers
    )


def _is_number(value: object) -> bool:
    try:
        return bool(np.isfinite(float(value)))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False


def _frequent_levels(known: list[object]) -> tuple[str, ...]:
    counts = Counter(str(value) for value in known)
    least = max(5, 0.005 * len(known))
    common = sorted(
        (level for level, count in counts.items() if count >= least),
        key=lambda level: (-counts[level], level),
    )
    return tuple(sorted(common[:MAX_LEVELS]))


def _declared_features(
    settings: DatasetSettings, attributes: tuple[AttributeSpec, ...]
) -> Iterator[Feature]:
    """Those of ``[features.NAME]`` whose attributes may all be used."""
    usable = {a.name for a in attributes if a.type != AttributeType.CATEGORY}
    for name, declared in sorted(settings.features.items()):
        feature = Feature(Source.ATTRIBUTE, name, DERIVED, level=declared.sql)
        if usable.issuperset(feature.expression.names):
            yield feature


def _attribute_features(
    attributes: tuple[AttributeSpec, ...], histories: Histories
) -> Iterator[Feature]:
    answered = set(histories.answers.attributes)
    for attribute in attributes:
        if attribute.type == AttributeType.CATEGORY:
            if attribute.ordered:
                order = LEVELS_IN_ORDER.join(attribute.levels)
                yield Feature(Source.ATTRIBUTE, attribute.name, "ordinal", level=order)
            for level in attribute.levels:
                yield Feature(Source.ATTRIBUTE, attribute.name, "level", level=level)
            yield Feature(Source.ATTRIBUTE, attribute.name, "other_level")
        elif attribute.type == AttributeType.BOOLEAN:
            yield Feature(Source.ATTRIBUTE, attribute.name, "flag")
        else:
            yield Feature(Source.ATTRIBUTE, attribute.name, "value")
        yield Feature(Source.ATTRIBUTE, attribute.name, "unknown")
        if attribute.name in answered:
            yield Feature(Source.ATTRIBUTE, attribute.name, "days_since_answer")
    groups = {attribute.group for attribute in attributes}
    for group in BANT:
        if group in groups:
            yield Feature(Source.ATTRIBUTE, str(group), "unknown_answers")
    if groups & set(BANT):
        yield Feature(Source.ATTRIBUTE, "bant", "answered_groups")
