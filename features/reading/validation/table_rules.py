"""How the values of one table are read, and what was said of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from features.cleaning import NumberSigns
from features.dataset_settings import DatasetSettings
from features.reading.inference.inference import Inference
from features.reading.times.day_month_order import TimeEvidence
from features.reading.times.moment_column import TimeRules


@dataclass
class TableRules:
    """How the values of one table are read, and what was said of it.

    ``evidence``: what a whole column shows of the order of day and month, by the column's name;
    without it a part of the table decides for itself.
    """

    settings: DatasetSettings = field(default_factory=lambda: DatasetSettings(name="unnamed"))
    found: Inference = field(default_factory=Inference)
    evidence: Callable[[str], TimeEvidence] | None = None
    signs: dict[str, NumberSigns] = field(default_factory=dict)

    def times(self, table: str) -> TimeRules:
        """What is declared of the table's times."""
        own = self.settings.of_table(table)
        order = str(own.date_order) if own.date_order else None
        return TimeRules(own.time_zone, order, own.date_formats or ())
