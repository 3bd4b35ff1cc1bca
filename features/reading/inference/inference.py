"""What was inferred of a dataset: sentences, settings, losses, and what must be asked."""

from __future__ import annotations

from dataclasses import dataclass, field

from features.cleaning import NumberSigns
from features.dataset_settings import AttributeSettings


@dataclass
class Inference:
    """Collects the sentences, the settings found and the columns left out."""

    sentences: list[str] = field(default_factory=list)
    attributes: dict[str, AttributeSettings] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    losses: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    signs: dict[str, NumberSigns] = field(default_factory=dict)

    def say(self, sentence: str) -> None:
        """Add a sentence once."""
        if sentence not in self.sentences:
            self.sentences.append(sentence)

    def lose(self, sentence: str) -> None:
        """Add a loss once: it is reported before anything else."""
        if sentence not in self.losses:
            self.losses.append(sentence)

    def ask(self, question: str) -> None:
        """Add what must be declared before the data can be read."""
        if question not in self.questions:
            self.questions.append(question)

    def leave_out(self, name: str, why: str) -> None:
        """Leave a column out, and say why."""
        self.left_out[name] = why
        self.say(f"{name}: left out: {why}")
