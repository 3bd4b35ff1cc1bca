"""Sentences of the forecast, and of what calling leads at random showed."""

from __future__ import annotations

from features.language.current import N_

FORECAST_TEXTS: tuple[str, ...] = (
    # exploration.py
    N_("the score finds leads that convert more even if nobody calls them"),
    N_("left alone, the leads at the top convert no more than the others beyond chance: the "
       "score may have made its own truth"),
    N_("whether the score ranks leads that nobody calls cannot be told yet"),
    N_("Being on the list changes the conversion of the leads at the top by {effect}, of "
       "the others by {effect_other}: {effect_2}."),
    N_("Left alone, {best:.1%} of the leads at the top convert and {other:.1%} of the "
       "others (difference {ranks}): {truth}."),
    N_("From {leads:,} leads, of whom {held:,} of the best were held back and {drawn:,} "
       "others called, both at random."),
    N_("calling makes more of them convert"),
    N_("calling makes fewer of them convert"),
    N_("within chance"),
    N_("{x:+.1f} points (95 %: {x_2:+.1f} to {x_3:+.1f})"),
    # forecast/run.py
    N_("{x} days are left out: leads were watched for at most {longest_days:.0f} days after "
       "a reference"),
    N_("{value} is unknown of {sum:,} of {n_worth:,} open leads; they count with the mean "
       "of the others, {mean:,.2f}"),
    N_("{sum:,} of {n_older:,} open leads are older than any learned from ({oldest:g} "
       "days); {share:.0%} of the expected conversions are theirs, and less sure. Add later "
       "reference_ages_days in dataset.toml and train again"),
    N_("this release"),
    N_("the same recipe, fitted on what was known then"),
    N_("{leads:,} leads are open on {day}. Intervals hold in {coverage:.0%} of forecasts."),
    N_("Last {horizon_days:g} days (from {start}, {leads:,} leads open): {expected:,.1f} "
       "conversions forecast ({low:,.0f} to {high:,.0f}) by {by}; {converted:,} came, "
       "{side} the interval."),
    N_("Last period: too little was known at its start to forecast it."),
    N_("within"),
    N_("outside"),
    N_("{low:,.0f} to {high:,.0f}"),
    N_("{by}: {group}"),
    N_("all"),
)  # fmt: skip
