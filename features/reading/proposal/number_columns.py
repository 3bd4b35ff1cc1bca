"""Propose how numbers are written: for all columns where they agree, else for some alone."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.cleaning import NumberSigns, parse_number
from features.contract import AttributeType
from features.dataset_settings import AttributeSettings, DatasetSettings, signs_of
from features.reading.files.headers import toml_key
from features.reading.proposal.proposal import Proposal
from features.reading.proposal.seen_files import SeenFile
from features.reading.values.number_signs import NumberColumn, number_column


@dataclass(frozen=True)
class Numbers:
    """A column of numbers: its words with the rows that hold each, and what they are as numbers."""

    seen: SeenFile
    name: str
    rows: Mapping[str, int]
    column: NumberColumn

    @property
    def section(self) -> str:
        """The section of dataset.toml for the numbers of this column, or of its table, alone."""
        if self.seen.table == "leads":
            return f"attributes.{toml_key(self.name)}"
        return f"tables.{self.seen.table}"

    def agrees(self, signs: NumberSigns) -> bool:
        """Whether the column can be read with these signs, and no number of it changes."""
        own = self.column
        read = number_column(self.name, self.rows, signs, own.signs.units)
        if read is None or read.question is not None:
            return False
        return own.question is not None or all(
            parse_number(w, own.signs) == parse_number(w, read.signs) for w in self.rows
        )


def numbers_of(
    seen: SeenFile, name: str, rows: Mapping[str, int], settings: DatasetSettings
) -> Numbers | None:
    """What the words of a column are as numbers, as far as the settings say; None if none are."""
    own = settings.attributes.get(name, AttributeSettings())
    if own.type is not None and own.type is not AttributeType.NUMBER:
        return None
    table = settings.of_table(seen.table or "leads")
    signs = signs_of(own, table)
    given = signs if table.decimal or table.thousands or own.decimal or own.thousands else None
    plain = {w: n for w, n in rows.items() if seen.table == "leads" or ":" not in w}
    found = number_column(f"{name} of {seen.name}", plain, given, signs.units) if plain else None
    return None if found is None else Numbers(seen, name, plain, found)


def propose_signs(proposal: Proposal, numeric: Sequence[Numbers]) -> None:
    """Propose the signs that the values settle, and leave open what they do not.

    A sign that one column settles is proposed for all only where the other columns agree.
    """
    for each in numeric:
        question = each.column.question
        keys = _settled(question) if question is not None else {}
        if question is not None and keys:
            signs = _as_signs(keys)
            for_all = all(o.agrees(signs) for o in numeric if o is not each)
            why = question.split("; say", 1)[0]
            for key, value in keys.items():
                if for_all:
                    proposal.key(key, value, why)
                else:
                    proposal.within(each.section, key, value, why)
        elif question is not None:
            says = question.rsplit("; say ", 1)[1].removesuffix(" in dataset.toml").rstrip(",")
            proposal.leave_open(question, says.split(", or ")[0].replace(" and ", "\n# "))
        asked = each.column.unit_question
        if asked is not None:
            says = asked.rsplit("; say ", 1)[1].removesuffix(" in dataset.toml")
            proposal.leave_open(asked, says)


def _settled(question: str) -> dict[str, str]:
    """The keys that a question names, as TOML, where its column leaves but one reading."""
    if question.count(" is the decimal sign") != 1 and "both signs" not in question:
        return {}
    says = question.rsplit("; say ", 1)[1].removesuffix(" in dataset.toml").rstrip(",")
    pairs = (part.partition(" = ") for part in says.split(" and "))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _as_signs(keys: Mapping[str, str]) -> NumberSigns:
    given = tomllib.loads("\n".join(f"{key} = {value}" for key, value in keys.items()))
    return signs_of(AttributeSettings.model_validate(given))
