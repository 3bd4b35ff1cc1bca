"""The playbook: the next step with a lead, by band, with exceptions by reason."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from features.errors import DataError
from features.language.language import ENGLISH, Language
from scoring.bands import Band, label
from scoring.reasons import Reason
from scoring.scorecard.rules import Strict, Words, one_or_many, schema_error
from scoring.scorecard.toml import faults_of, line_index, packaged_text

DEFAULT_PLAYBOOK = "default_playbook.toml"
STEP_CONTEXT = "next step"
"""The context of a playbook's texts in a catalogue."""


TopicAndSide = tuple[str, str]
"""The topic of a reason, and its side: "for" or "against" the conversion."""


class Step(Strict):
    """What to do: where, how often, what to say."""

    channel: str = Field(min_length=1)
    rhythm: str = Field(min_length=1)
    message: str = Field(min_length=1)


class OverrideRule(Step):
    """A step that replaces the band's when its conditions hold.

    ``topic``: one of these topics is among the strongest reasons; ``speaks`` restricts the side.
    ``rule``: one of these rules of the scorecard gave or took points, or excluded the lead.
    ``bands``: only in these; empty means in all.
    """

    name: str = Field(min_length=1)
    topic: Words = ()
    direction: Literal["for", "against"] | None = Field(default=None, alias="speaks")
    rule: Words = ()
    bands: Words = ()

    @model_validator(mode="after")
    def _has_a_condition(self) -> OverrideRule:
        if bool(self.topic) == bool(self.rule):
            raise schema_error("name", "needs either topic = … or rule = …")
        if self.direction and not self.topic:
            raise schema_error("speaks", "belongs to topic")
        unknown = set(self.bands) - {band.value for band in Band}
        if unknown:
            raise schema_error("bands", f"unknown band {sorted(unknown)[0]!r}; cold, warm or hot")
        return self

    def matches(self, band: Band, reasons: Sequence[TopicAndSide], rules: frozenset[str]) -> bool:
        """Whether the exception holds for these reasons and these matching rules."""
        if self.bands and band.value not in self.bands:
            return False
        if self.rule:
            return not rules.isdisjoint(self.rule)
        topics = self.topic
        sides = [side for topic, side in reasons if topic in topics]
        return bool(sides) if self.direction is None else self.direction in sides


class Bands(Strict):
    """One step for each band."""

    cold: Step
    warm: Step
    hot: Step


class PlaybookDefinition(Strict):
    """The contents of a playbook file."""

    name: str = Field(min_length=1)
    bands: Bands
    exceptions: Annotated[tuple[OverrideRule, ...], BeforeValidator(one_or_many)] = ()


@dataclass(frozen=True)
class NextStep:
    """The step for one lead. ``because``: the band, or the exception's name."""

    channel: str
    rhythm: str
    message: str
    because: str

    def to_dict(self) -> dict[str, str]:
        """Plain data, as a response holds it."""
        return asdict(self)

    def translated(self, language: Language) -> NextStep:
        """The step in a language; texts of one's own playbook stay as they were written."""
        if language is ENGLISH:
            return self
        is_band = self.because in set(Band)
        because = label(self.because, language) if is_band else self.because
        channel, rhythm, message, reason = (
            language.pgettext(STEP_CONTEXT, text)
            for text in (self.channel, self.rhythm, self.message, because)
        )
        return NextStep(channel, rhythm, message, because if is_band else reason)


@dataclass(frozen=True)
class Playbook:
    """Steps by band with exceptions, read from TOML."""

    plays: PlaybookDefinition

    def next_step(
        self, band: Band, reasons: Sequence[Reason] = (), rules: frozenset[str] = frozenset()
    ) -> NextStep:
        """The step of the first exception that matches, else the band's.

        ``reasons``: the strongest of a score. ``rules``: names of scorecard rules and exclusions
        with a share in its points.
        """
        sides = [
            (topic_of(reason.feature), "for" if reason.contribution > 0 else "against")
            for reason in reasons
        ]
        for rule, step in self._overrides:
            if rule.matches(band, sides, rules):
                return step
        return self._by_band[band]

    @cached_property
    def _overrides(self) -> list[tuple[OverrideRule, NextStep]]:
        """Each exception with its step."""
        return [(rule, _step(rule, rule.name)) for rule in self.plays.exceptions]

    @cached_property
    def _by_band(self) -> dict[Band, NextStep]:
        return {band: _step(getattr(self.plays.bands, band.value), band.value) for band in Band}

    def to_dict(self) -> dict[str, Any]:
        """Plain data that :meth:`from_dict` reads back equal."""
        data: dict[str, Any] = self.plays.model_dump(
            mode="json", by_alias=True, exclude_defaults=True
        )
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Playbook:
        """Read what :meth:`to_dict` wrote; DataError with the key of each fault."""
        return _checked(data, "playbook", {})


def _step(step: Step, because: str) -> NextStep:
    return NextStep(step.channel, step.rhythm, step.message, because)


@lru_cache(maxsize=10_000)
def topic_of(feature: str) -> str:
    """The topic of a feature, from its name.

    >>> [topic_of(n) for n in ("page_view.count_7d", "sector=health", "o_sent.complete.count_all")]
    ['page_view', 'sector', 'o_sent.complete']
    """
    return feature.split("=", 1)[0] if "=" in feature else feature.rpartition(".")[0] or feature


def _checked(data: Mapping[str, Any], source: str, lines: Mapping[Any, int]) -> Playbook:
    try:
        return Playbook(PlaybookDefinition.model_validate(dict(data)))
    except ValidationError as error:
        raise DataError(faults_of(error, source, lines)) from None


def load_playbook(path: Path | str) -> Playbook:
    """Read a playbook; DataError with line and key of every fault."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except OSError as error:
        raise DataError(f"cannot read the playbook {path}: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"{path}: not valid TOML: {error}") from None
    return _checked(data, str(path), line_index(text))


@lru_cache(maxsize=1)
def default_playbook() -> Playbook:
    """The playbook that ships with leadscore."""
    text = packaged_text(DEFAULT_PLAYBOOK)
    return _checked(tomllib.loads(text), DEFAULT_PLAYBOOK, line_index(text))
