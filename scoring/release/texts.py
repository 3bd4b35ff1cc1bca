"""Sentences that a release keeps, for :mod:`features.language.sentence_translator`."""

from __future__ import annotations

from features.language.current import N_, current
from features.language.language import Language
from features.language.sentence_translator import SentenceTranslator

KEPT: tuple[str, ...] = (
    # of this version
    N_("capacity: {per_week:g} of the {n:.1f} leads open in a week are hot, and {times:g} "
       "times as many warm or hot"),
    N_("default: warm from the average probability ({warm:.1%}), hot from {times:g} times its "
       "odds ({hot:.1%})"),
    N_("no signal: every lead has a probability of {rate:.1%} and is cold; no band separates "
       "leads"),
    N_("value: a contact pays from {warm:.1%} (cost {cost:g} / value {value:g}); hot from "
       "{hot:.1%}, where it returns {times:g} times its cost"),
    N_("no signal: no model was clearly better than the base rate out of time, so every lead "
       "gets the base rate of {rate:.1%} and the same band"),
    N_("{ensemble}: better than the base rate, beyond chance"),
    # also of versions before
    # the verdict
    N_("no signal: no model was clearly better than the base rate out of time, so everybody gets "
       "the base rate of {base_rate:.3f}"),
    N_("{name}: better than the base rate by {errors}"),
    N_("{gain_z_score:.1f} standard errors"),
    N_("{text}; {optimistic_note}"),
    N_("there is no time to hold back (or too little of it), so these figures come from grouped "
       "folds and are optimistic"),
    # the thresholds between the bands
    N_("default: warm from the average probability ({warm:.3f}), hot from {hot_times_odds:g} times "
       "its odds ({hot:.3f})"),
    N_("capacity: about {per_week:g} hot of {leads_per_week:.1f} leads a week, and "
       "{warm_times_hot_capacity:g} times as many warm or hot"),
    N_("value: a contact pays from {warm:.3f} (cost {cost:g} / value {value:g}); hot from "
       "{hot:.3f}, where it returns {hot_return:g} times its cost"),
    # how it was learned
    N_("all of the score is learned"),
    N_("{rule} % of the score is rule, {x} % is learned"),
    N_("left out until their horizon has passed"),
    N_("those closed teach their outcome; one still open teaches by its chance of converting in "
       "the rest of its horizon"),
    N_("those closed already teach, weighted for the ones still open (inverse probability of "
       "censoring)"),
    N_("expected labels where there are enough of them, else left out"),
    N_("open leads left out, whatever their age (optimistic)"),
    N_("called negative (wrong: kept for comparison)"),
    N_("{leads:,} of {of_leads:,} leads; it is fitted on all of them"),
    N_("{leads:,} of {of_leads:,} leads; it is fitted on all of them. One recipe's log loss "
       "beside another's is known there to ± {standard_error:.2g} (one standard error, "
       "{share:.2%} of the loss)"),
    N_("{name} (the history is too short to check it)"),
    N_("{name}; on {references:,} references that matured later the log loss is "
       "{expected_labels:.4f} with expected labels, {mature_only:.4f} with mature ones only"),
)  # fmt: skip
"""Each as it stands, or stood, in the code that makes it."""


_kept = SentenceTranslator(KEPT)


def translated_text(text: str, language: Language | None = None) -> str:
    """A kept sentence in a language, that in use if None; as it is where no message fits."""
    return _kept.of(text, current() if language is None else language)
