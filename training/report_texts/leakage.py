"""Sentences of the leakage audit."""

from __future__ import annotations

from features.language.current import N_

LEAKAGE_TEXTS: tuple[str, ...] = (
    # leakage/audit.py
    N_("fewer than {min_leads_per_outcome} leads of each outcome: nothing can be said"),
    N_("no created_at: the order of time could not be used"),
    # leakage/binned_columns.py
    N_("a rare value"),
    N_("any more"),
    N_("{low:g} to {high}"),
    # leakage/history.py
    N_("{name} of interactions"),
    N_("number of {kind}"),
    N_("total {name}"),
    N_("time until closing"),
    N_("it follows the {name} after creation (rank correlation {follows:.2f})"),
    N_("it is the last interaction's kind for {agree:.0%} of leads"),
    N_("it follows the moment of the last interaction (rank correlation {follows:.2f})"),
    N_("its distance from creation follows the time until closing ({gap:.2f})"),
    N_("it holds what was answered to '{name}' later ({mean:.0%} of {sum:,} leads agree "
       "with the last answer)"),
    # leakage/kinds.py
    N_("{share:.0%} of its answers on closed leads come with the closing or later"),
    N_("{share:.0%} of its {n_lead:,} rows lie at or after the outcome, where no reference "
       "sees them"),
    N_("{share:.0%} of the {n_first:,} leads that show it before closing close within an "
       "hour"),
    N_("of the {n_leads:,} closed leads that showed it {won:,} converted, where {base:,.0f} "
       "would be usual"),
    # leakage/missingness.py
    N_("any value"),
    N_("filled in only after closing: {seen:,} leads still open have {label!r}, where "
       "{expected:,.0f} closed ones of the same time would"),
    N_("filled in by batches: for {max:.0%} of the leads of some periods and {min:.0%} in "
       "others, with {n_same_rows} other attributes for the same leads; it seems to be "
       "computed afterwards"),
    N_("it repeats {name!r} except where {word!r} has replaced it ({mean:.0%} of leads); of "
       "those {x:.0%} convert, of the others {x_2:.0%}"),
    N_("its distance from '{other}' {tail}"),
    N_("its distance from '{other}' explains {gain:.0%} (AUC {auc:.2f}), the values "
       "themselves {best:.0%}: two moments whose gap is a duration"),
    # leakage/report.py
    N_("month of the year"),
    N_("day of the month"),
    N_("day of the week"),
    N_("year, month and day"),
    N_("it is the day of the closing for {same:.0%} of {sum:,} leads"),
    N_("each of its values belongs to one {name} of closing ({agrees:.0%} of {sum:,} leads), not "
       "of creation ({before:.0%})"),
    N_("with {name} {sum:,.0f} of {sum_2:,.0f} converted where {sum_3:,.0f} would be usual"),
    N_("number of decimals or final zeros"),
    N_("digit {place} from the end"),
    N_("remainder by {modulus}"),
    N_("character {place} from the end"),
    N_("character {place}"),
    N_("its {best_name} explains {gain:.0%} of what is to be known (AUC {auc:.2f}), its value "
       "{gain_2:.0%}: how it is written knows the outcome"),
    N_("alone its {best_name} explains {gain:.0%} of what is to be known"),
    N_("a leak: training stops"),
    N_("find out when it is filled in, then say so in dataset.toml"),
    N_("there is evidence, but dataset.toml says it is known at creation"),
    N_("comes with the outcome; no reference sees it"),
    N_("left out, by dataset.toml or --exclude; never used"),
    N_("cost of excluding"),
    N_("{cost:+.4f} log loss"),
    N_("way out"),
    N_("Leakage audit"),
    N_("no suspect"),
    N_("{attributes} and {kinds} of {leads} looked at: {listed}"),
    N_("AUC {auc:.2f}, {gain:.0%} of log loss"),
    # leakage/values.py
    N_("alone it explains {gain:.0%} of what is to be known (AUC {auc:.2f})"),
    N_("alone it explains {gain:.0%} (AUC {auc:.2f}), the {n_others} others together "
       "{others:.0%}"),
    N_("it is nearly the outcome itself: alone it explains {gain:.0%}"),
    N_("with {column} {sum:,.0f} converted where {sum_2:,.0f} would be usual"),
    N_("its values read like a verdict: with {column} {sum:.0%} convert, with {column_2} "
       "{sum_2:.1%}"),
    N_("whether it is known predicts the outcome: {x:.1%} convert where it is known, "
       "{x_2:.1%} where it is not"),
)  # fmt: skip
