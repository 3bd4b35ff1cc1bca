"""The feature specification: plain data that fully determines a vector.

A :class:`FeatureSpec` names every column in order. It is chosen when training, travels inside
the release as JSON, and is compiled to a plan of small arrays for the kernels.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

from features.cleaning import Cleaning
from features.contract import BANT, DEFAULT_OUTBOUND_KINDS, AttributeType, Group
from features.errors import DataError
from features.expressions import Expression, parse_expression
from features.language.language import ENGLISH, N_, Language
from features.vectors.catalogue import (
    ATTRIBUTE_AGGREGATES,
    INTERACTION_AGGREGATES,
    AggregateDef,
    Source,
)
from features.vectors.sentences import SentenceContext

FORMAT = 1
DERIVED = "derived"
"""The aggregate of a declared feature."""


def _number_in_name(value: float) -> str:
    return f"{value:g}"


@dataclass(frozen=True)
class Feature:
    """One column of the vector: what it counts, of what, over which time.

    ``topic`` is an interaction kind, one of ``any``, ``inbound``, ``outbound``, an attribute, a
    BANT group, or ``lead``. ``window_days`` None means without end. ``level``: the level a column
    means, the ordered levels of an ordinal, or the expression of a declared (``derived``) feature.

    >>> Feature("interactions", "page_view", "count", window_days=7).name
    'page_view.count_7d'
    >>> Feature("interactions", "page_view", "count", window_days=7).sentence(12)
    '12 page views in the last 7 days'
    >>> Feature("attribute", "industry", "level", level="software").name
    'industry=software'
    """

    source: str
    topic: str
    aggregate: str
    window_days: float | None = None
    half_life_days: float | None = None
    level: str | None = None

    def __getstate__(self) -> dict[str, Any]:
        """For pickle: without the aggregate, which holds functions and is found again by name."""
        left_out = ("definition", "expression")
        return {key: value for key, value in self.__dict__.items() if key not in left_out}

    @cached_property
    def definition(self) -> AggregateDef:
        """The aggregate behind the column; ``DataError`` when there is none of that name."""
        known = (
            INTERACTION_AGGREGATES if self.source == Source.INTERACTIONS else ATTRIBUTE_AGGREGATES
        )
        if self.aggregate not in known:
            raise DataError(
                f"unknown aggregate {self.aggregate!r} of {self.source}; "
                f"expected one of {', '.join(known)}"
            )
        return known[self.aggregate]

    @cached_property
    def name(self) -> str:
        """The column's name, unique within a specification."""
        if self.aggregate in ("value", "flag", DERIVED):
            return self.topic
        if self.aggregate == "level":
            return f"{self.topic}={self.level}"
        if self.aggregate == "other_level":
            return f"{self.topic}=(other)"
        suffix = ""
        if self.definition.windowed:
            suffix = "_all" if self.window_days is None else (
                f"_{_number_in_name(self.window_days)}d"
            )  # fmt: skip
        if self.definition.decays:
            suffix = f"_{_number_in_name(self.half_life_days or 0)}d"
        return f"{self.topic}.{self.aggregate}{suffix}"

    @cached_property
    def expression(self) -> Expression:
        """Of a declared feature. Raises DataError where its text is no expression."""
        try:
            return parse_expression(self.level or "")
        except DataError as problem:
            raise DataError(f"feature {self.topic!r}: {problem}") from None

    @property
    def unit(self) -> str:
        """What one of it is."""
        return self.definition.unit

    @property
    def null(self) -> str:
        """What the column holds when there is nothing to count."""
        return self.definition.null

    def sentence(self, value: float, language: Language = ENGLISH) -> str:
        """The value as a sentence that a sales person understands; NaN reads as unknown."""
        context = SentenceContext(
            value, self.topic, self.window_days, self.half_life_days, self.level, language
        )
        if math.isnan(value):
            return context.gettext(self.definition.unknown or N_("{attribute} unknown"))
        return self.definition.sentence(context)


@dataclass(frozen=True)
class AttributeSpec:
    """How an attribute is read into numbers.

    ``levels``: of a category, those with a column of their own (least first when ``ordered``);
    any other level shares the column ``(other)``. ``median``: of the training leads, what a
    linear model puts in the place of an unknown number. ``from_answers``: only the answers
    table is believed, never the leads table. ``cleaning``: how raw values are read; the
    specification's, which puts it here.
    """

    name: str
    type: AttributeType
    group: Group = Group.OTHER
    levels: tuple[str, ...] = ()
    ordered: bool = False
    median: float | None = None
    from_answers: bool = False
    cleaning: Cleaning | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, eq=False)
class FeatureSpec:
    """Every column of the vector, in order (dtype float64, NaN unknown).

    ``excluded_kinds``: interactions that no column counts, not even those of ``any``: as if
    their rows were not there. ``opt_out_kinds``: those that count in columns of their own only, so
    that a lead who turns away does not look interested. ``cleaning``: how raw values of
    attributes and answers are read, wherever they come from; None: as they are. Two specifications
    are equal when their digests are.
    """

    features: tuple[Feature, ...]
    attributes: tuple[AttributeSpec, ...] = ()
    outbound_kinds: tuple[str, ...] = DEFAULT_OUTBOUND_KINDS
    excluded_kinds: tuple[str, ...] = ()
    opt_out_kinds: tuple[str, ...] = ()
    cleaning: Cleaning | None = None

    def __post_init__(self) -> None:
        cleaned = tuple(replace(a, cleaning=self.cleaning) for a in self.attributes)
        object.__setattr__(self, "attributes", cleaned)
        if len(set(self.names)) != len(self.names):
            twice = sorted({n for n in self.names if self.names.count(n) > 1})
            raise DataError(f"features named twice: {', '.join(twice[:5])}")
        counted = {f.topic for f in self.features if f.source == Source.INTERACTIONS}
        if both := sorted(counted & set(self.excluded_kinds)):
            raise DataError(f"{both[0]!r} is excluded and yet has features of its own")

    def __len__(self) -> int:
        return len(self.features)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FeatureSpec) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(feature.name for feature in self.features)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the specification's canonical JSON: the identity of a feature set."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def keep(self, positions: list[int]) -> FeatureSpec:
        """The same specification with only the columns at ``positions``, in that order."""
        features = tuple(self.features[p] for p in positions)
        topics = {f.topic for f in features if f.source == Source.ATTRIBUTE}
        topics |= {n for f in features if f.aggregate == DERIVED for n in f.expression.names}
        groups = {str(f.topic) for f in features if f.aggregate == "unknown_answers"}
        bant = any(f.aggregate == "answered_groups" for f in features)
        kept = tuple(
            a
            for a in self.attributes
            if a.name in topics or str(a.group) in groups or (bant and a.group in BANT)
        )
        return replace(self, features=features, attributes=kept)

    def to_dict(self) -> dict[str, Any]:
        """Plain data: strings, numbers, lists."""
        some = {"excluded_kinds": self.excluded_kinds, "opt_out_kinds": self.opt_out_kinds}
        left_out: dict[str, Any] = {name: list(kinds) for name, kinds in some.items() if kinds}
        if self.cleaning is not None:
            left_out["cleaning"] = self.cleaning.to_dict()
        return {
            "format": FORMAT,
            "dtype": "float64",
            "outbound_kinds": list(self.outbound_kinds),
            **left_out,
            "attributes": [_attribute_dict(a) for a in self.attributes],
            "features": [
                {k: v for k, v in asdict(f).items() if v is not None} for f in self.features
            ],
        }

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> FeatureSpec:
        """Read what :meth:`to_dict` wrote; ``DataError`` on anything else."""
        try:
            if data["format"] != FORMAT or data["dtype"] != "float64":
                raise DataError(
                    f"feature specification of format {data['format']!r} ({data['dtype']}); "
                    f"this version reads format {FORMAT} (float64): train again"
                )
            return cls(
                features=tuple(Feature(**f) for f in data["features"]),
                attributes=tuple(
                    AttributeSpec(
                        **{
                            **a,
                            "type": AttributeType(a["type"]),
                            "group": Group(a["group"]),
                            "levels": tuple(a["levels"]),
                        }
                    )
                    for a in data["attributes"]
                ),
                outbound_kinds=tuple(data["outbound_kinds"]),
                excluded_kinds=tuple(data.get("excluded_kinds", ())),
                opt_out_kinds=tuple(data.get("opt_out_kinds", ())),
                cleaning=Cleaning.from_dict(data["cleaning"]) if "cleaning" in data else None,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"not a feature specification: {error!r}") from error


def _attribute_dict(attribute: AttributeSpec) -> dict[str, Any]:
    plain = asdict(replace(attribute, cleaning=None))
    del plain["cleaning"]
    return plain
