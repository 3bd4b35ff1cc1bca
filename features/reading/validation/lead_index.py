"""Which leads the rows of other tables may belong to, and under which ids."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from features.cleaning import trimmed
from features.compute.string_table import StringTable
from features.contract import (
    IdRule,
)
from features.language.plural import plural
from features.reading.inference.inference import Inference
from features.reading.quarantine import Chunk, Mask, Quarantine, RejectReason
from features.reading.validation.identity import (
    is_salesforce_18,
    mismatch_of,
    renamed_ids,
)
from features.reading.values.text import (
    mask_of,
    to_text,
)


class LeadIndex:
    """Which leads may be spoken of: those kept, and those set aside with their rows.

    ``rule``: how ids of other tables are compared with those of leads. ``lead_of``: ids that are
    other names of leads. ``hidden_until``: of some of these, the moment (microseconds) before which
    their rows were not known to be the lead's.
    """

    def __init__(
        self,
        kept: pa.Array,
        seen: pa.Array,
        rule: IdRule = IdRule.AS_WRITTEN,
        found: Inference | None = None,
        lead_of: Mapping[str, str] | None = None,
        hidden_until: Mapping[str, int] | None = None,
    ) -> None:
        self.lead_of, self.hidden_until = lead_of or {}, hidden_until or {}
        self.kept = kept
        self.seen = seen
        self.rule = rule
        self.found = found or Inference()
        self._names = StringTable(kept)
        self._salesforce: bool | None = None

    def only(self, chunk: Chunk, quarantine: Quarantine) -> Chunk:
        """Set aside rows of leads that are not in ``leads``, or are set aside themselves."""
        chunk = self.renamed(self._without_hidden(chunk, quarantine))
        known = mask_of(pc.is_in(chunk.table.column("lead_id"), value_set=self.kept))
        return chunk if known.all() else self._only(chunk, known, quarantine)

    def renamed(self, chunk: Chunk) -> Chunk:
        """Ids that are a lead's under the rule, as leads write them."""
        ids = chunk.table.column("lead_id")
        unknown = ~mask_of(pc.is_in(ids, value_set=self.kept)) & mask_of(ids.is_valid())
        if not unknown.any():
            return chunk
        texts = pc.unique(ids.filter(pa.array(unknown))).cast(pa.string()).to_pylist()
        to_lead = {t: trimmed(t) for t in texts if trimmed(t) != t}
        if self.lead_of:
            to_lead |= {t: self.lead_of[trimmed(t)] for t in texts if trimmed(t) in self.lead_of}
        rule = self._rule_for([to_lead.get(t, t) for t in texts])
        if rule is not IdRule.AS_WRITTEN:
            leads = self.seen.drop_null().to_pylist()
            by_rule = renamed_ids([to_lead.get(t, t) for t in texts], leads, rule)
            met = {t: by_rule[to_lead.get(t, t)] for t in texts if to_lead.get(t, t) in by_rule}
            to_lead |= met
            if met:
                here, there = next(iter(sorted(met.items())))
                self.found.say(
                    plural(
                        len(met),
                        "{file}: {n:,} id is that of a lead by the rule {rule} ({here!r} is "
                        "{there!r})",
                        "{file}: {n:,} ids are those of leads by the rule {rule} ({here!r} is "
                        "{there!r})",
                        file=chunk.file,
                        rule=rule,
                        here=here,
                        there=there,
                    )
                )
        if not to_lead:
            return chunk
        return chunk.replace("lead_id", _mapped(ids, to_lead))

    def _without_hidden(self, chunk: Chunk, quarantine: Quarantine) -> Chunk:
        """Set aside what an alias did before it was known which lead it is."""
        moment = {"interactions": "occurred_at", "answers": "answered_at"}.get(chunk.name)
        if not self.hidden_until or moment is None:
            return chunk
        ids = to_text(chunk.table.column("lead_id"))
        names = pa.array(list(self.hidden_until), pa.string())
        limits = pa.array([*self.hidden_until.values(), None], pa.int64())
        place = pc.fill_null(pc.index_in(ids, value_set=names), len(names))
        at = chunk.table.column(moment).cast(pa.int64())
        early = mask_of(pc.fill_null(pc.less(at, limits.take(place.combine_chunks())), False))
        reason = RejectReason("of an alias, before it was known whose it is", moment, harmless=True)
        return quarantine.set_aside(chunk, early, reason)

    def _rule_for(self, unknown: list[str]) -> IdRule:
        """The declared rule; Salesforce's where all ids show that they are its own."""
        if self.rule is not IdRule.AS_WRITTEN:
            return self.rule
        leads = self.seen.drop_null()
        if self._salesforce is None:
            sample = leads.slice(0, 2000).to_pylist()
            self._salesforce = bool(sample) and all(_of_salesforce(t) for t in sample)
        ours = self._salesforce and all(_of_salesforce(t) for t in unknown)
        return IdRule.SALESFORCE if ours else IdRule.AS_WRITTEN

    def _only(self, chunk: Chunk, known: Mask, quarantine: Quarantine) -> Chunk:
        ids = chunk.table.column("lead_id")
        seen = mask_of(pc.is_in(ids, value_set=self.seen)) & ~known
        reason = RejectReason("its lead is set aside", "lead_id", harmless=True)
        strangers = ~known & ~seen
        rest = quarantine.set_aside(chunk, seen, reason)
        expected = "the lead_id of a row of leads"
        if strangers.any():
            texts = pc.unique(ids.filter(pa.array(strangers))).cast(pa.string()).to_pylist()
            cause = mismatch_of([t for t in texts if t], self.seen.drop_null().to_pylist())
            if cause is not None:
                quarantine.explain(chunk.file, cause.sentence)
        return quarantine.set_aside(
            rest, strangers[~seen], RejectReason("unknown lead", "lead_id", expected)
        )

    def coded(self, chunk: Chunk, quarantine: Quarantine) -> Chunk:
        """As :meth:`only`, ``lead_id`` as DICTIONARY_STRING: each lead's row among those kept."""
        rows = self._names.codes(chunk.table.column("lead_id"))
        known = rows >= 0
        if not known.all():
            chunk = self.renamed(self._without_hidden(chunk, quarantine))
            rows = self._names.codes(chunk.table.column("lead_id"))
            known = rows >= 0
        if not known.all():
            chunk, rows = self._only(chunk, known, quarantine), rows[known]
        codes = pa.DictionaryArray.from_arrays(pa.array(rows), self.kept, safe=False)
        return chunk.replace("lead_id", pa.chunked_array([codes]))


def _of_salesforce(text: str) -> bool:
    return is_salesforce_18(text) or (
        len(text) == 15
        and text.isascii()
        and text.isalnum()
        and text[:3].strip("0123456789") != text[:3]
    )


def _mapped(ids: pa.ChunkedArray, to_lead: dict[str, str]) -> pa.ChunkedArray:
    coded = to_text(ids).combine_chunks().dictionary_encode()
    words = [to_lead.get(word, word) for word in coded.dictionary.to_pylist()]
    codes = pc.fill_null(coded.indices, len(words))
    return pa.chunked_array([pa.array([*words, None], pa.string()).take(codes)])
