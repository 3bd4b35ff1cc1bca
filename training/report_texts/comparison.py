"""Sentences of the comparison: calibration, verdict, charts, tables and the page of the report."""

from __future__ import annotations

from features.language.current import N_

COMPARISON_TEXTS: tuple[str, ...] = (
    # calibration/report.py
    N_("up to {cut:g}"),
    N_("{low:g} to {high:g}"),
    N_("above {x:g}"),
    # calibration/segments.py
    N_("too high"),
    N_("too low"),
    N_("{by} = {name}: probabilities are {side}; {expected:.1%} expected, {observed:.1%} "
       "observed among {leads:,} leads"),
    # comparison: each lead and conversion once, probabilities as given
    N_("At the same workload. Leads that only the learned score makes hot convert {gap:+.1f} "
       "points against those that only the rules do (95 %: {low:+.1f} to {high:+.1f})."),
    N_("Cannot tell: the learned score would be better if it were recalibrated, but its "
       "probabilities as given are not, and the two find about as many conversions."),
    N_("Cannot tell: the {better} {verb} over all leads, yet the leads that the {called} would"
       " call convert more. Decide by what the score is for."),
    N_("Of the {n:,} leads that only the learned score makes hot, {rate:.1%} convert; of the "
       "{m:,} that only the rules make hot, {other:.1%} (difference {gap:+.1f} points, 95 %: "
       "{low:+.1f} to {high:+.1f})."),
    N_("Recalibrated on these leads, the learned score has a log loss of {loss:.4f}, {gap:.4f}"
       " {side} than the {other:.4f} of the rules (95 %: {low:+.4f} to {high:+.4f})."),
    N_("The probabilities of the learned score have a log loss of {loss:.4f} as a user gets "
       "them (recalibrated on these leads it would be {recalibrated:.4f}), {gap:.4f} {side} "
       "than the {other:.4f} of the rules, which give no probabilities and were recalibrated "
       "on these leads (95 %: {low:+.4f} to {high:+.4f})."),
    N_("Use the learned score to choose whom to call: those leads convert more. Do not count "
       "on its probabilities yet: as given they are no better than the rules'."),
    N_("The same rules with points as leads turned out; signs and groups as before."),
    N_("{name}, the same rules, signs and groups; points as leads turned out"),
    N_("gives better probabilities"),
    N_("ranks better"),
    N_("hot: the best tenth, warm: the next two tenths, by both (the rules set no example)"),
    N_("hot: {capacity} (capacity), warm: the next twice as many, by both"),
    N_("one in ten of the {n:.0f} leads open in a week"),
    N_("{hot_per_week:g} of the {n:.0f} leads open in a week"),
    N_("A conversion is worth {value}, a contact costs {cost}; earnings per 100 leads of the "
       "test, each lead and each conversion once."),
    N_("All recalibrated alike. Right of the line: worse than the learned score. An interval "
       "that crosses the line is within chance."),
    N_("By source and by band of the learned score, each lead and each conversion once."),
    N_("First the same rules with better points (refitted, rounded, written as a new "
       "scorecard), then what only the model’s features bring; all recalibrated alike."),
    N_("How many of all conversions are found when the best-scored leads are called first, "
       "each lead once."),
    N_("In every week the best-scored of the open leads are on the list: those that have been "
       "asked about and have neither closed nor passed their horizon, with their latest score."
       " A lead on several lists is called once; leads with equal scores share what capacity "
       "is left."),
    N_("Recalibrated"),
    N_("The same workload for both: {cuts}. Each lead counts once, in the highest band that it"
       " reached. Bars show what happened, with Wilson’s 95 % intervals; grey figures come "
       "from fewer than {n} leads."),
    N_("called"),
    N_("recalibrated"),
    N_("recalibrated, worse"),
    N_("{n} leads have no known cost and are not counted here."),
    N_("{found:,} of {all:,}"),
    N_("{name} = unknown"),
    N_("{title}, recalibrated on these leads"),
    N_("{title}, as a user gets them"),
    N_("“Called” is what the team can do: {capacity}, each lead once. “Log loss” is of the "
       "probabilities that a user gets; a score that gives none has a dash. “Recalibrated” is "
       "every score refitted alike on other leads of this test. Brackets are 95 % intervals "
       "over leads; differences are paired, from the same resampled leads."),
    # comparison/bands.py
    N_("as many hot ({hot:.1%}) and as many warm ({above:.1%}) as the rules call"),
    N_("only learned"),
    N_("only rules"),
    # comparison/charts.py
    N_("share of leads called, best first"),
    N_("Share of conversions found by share of leads called"),
    N_("tenth of the leads, best first"),
    N_("Lift by tenth of leads"),
    N_("{title}: what happened"),
    N_("better weights (same rules)"),
    N_("better features"),
    N_("in all"),
    N_("lower log loss than the rules (nats a lead)"),
    N_("Where the gain comes from"),
    N_("Value by share of leads called"),
    N_("by rules"),
    N_("Observed conversion by band"),
    N_("by the learned score"),
    N_("{x} by rules"),
    N_("Migration of leads between bands"),
    N_("{rate:.1%} convert"),
    # comparison/report.py
    N_("convert of the called"),
    N_("log loss above the learned score's"),
    N_("tested by grouped folds"),
    N_("Each lead was scored by a model and by baselines made from other leads (grouped "
       "folds; identical rows stay together). The future could not be held back."),
    N_("tested on references since {day}"),
    N_("Model and baselines were fitted on what was known on {day}; every reference since, "
       "of leads they had not seen, was then scored by all of them."),
    N_("One of the two sides is empty: there is nothing to swap."),
    N_("For whom"),
    N_("Groups with ten conversions or more; below zero favours the learned score."),
    N_("By age of the lead"),
    N_("How long after its creation a lead was scored."),
    # comparison/reweighted.py
    N_("{name}, the same rules with points refitted to what leads did"),
    N_("{name} re-weighted"),
    # comparison/rule_coverage.py
    N_("matches no lead here"),
    N_("no interaction of kind {absent} in the data"),
    N_("the data have no attribute {attribute!r}"),
    N_("{attribute!r} is a number in the data, the rule compares words"),
    N_("{attribute!r} holds words in the data, the rule compares numbers"),
    # comparison/run.py
    N_("Rules and learned score compared"),
    N_("Rules, re-weighted"),
    N_("the same rules, points refitted and rounded"),
    N_("the model ({ensemble})"),
    N_("naive Bayes on closed leads' attributes"),
    N_("Percentile tiers"),
    N_("rule points in five tiers"),
    N_("Newest first"),
    N_("no score at all"),
    # comparison/segments.py
    N_("1 to 7 days"),
    N_("14 to 30 days"),
    N_("30 to 60 days"),
    N_("7 to 14 days"),
    N_("first day"),
    N_("60 days or more"),
    # comparison/test_set.py
    N_("the highest tenth"),
    # comparison/verdict.py
    N_("use the learned score"),
    N_("keep the rules"),
    N_("cannot tell"),
    N_("The scorecard gives all these leads the same points: none of its rules matches these "
       "data. Write one that does before you call the rules worse (leadscore rules check shows "
       "the matches)."),
    N_("decile {p}"),
    N_("Tested on {leads:,} leads with {conversions:,} conversions that neither had seen."),
    N_("Use the learned score, or write other rules: these do not match the leads."),
    N_("Use the learned score: it is better, and the team would convert more leads."),
    N_("Use the learned score: its probabilities are better. At the team's capacity the two "
       "find about as many conversions."),
    N_("Keep the rules: they are better than what could be learned from these data."),
    N_("learned score"),
    N_("Cannot tell: the difference is within chance."),
    N_("Far more leads than these would be needed."),
    N_("A gap this small would take about {leads:,.0f} leads to tell."),
    N_("higher (worse)"),
    N_("lower (better)"),
    N_("Of the leads called ({capacity_words}), {learned_rate:.1%} convert if the learned "
       "score picks them and {converted_of_called:.1%} if the rules do (difference "
       "{rate:+.1f} points, 95 %: {high:+.1f} to {low:+.1f})."),
    N_("The area under the curve is not known."),
    N_("Area under the curve: learned {auc:.3f}, rules {auc_2:.3f} (DeLong's 95 % of the "
       "difference: {high:+.3f} to {low:+.3f})."),
    # training/comparison/report.html.j2
    N_("{dataset} · converts within {g} days · {tested}"),
    N_("Are the rules or the learned score better?"),
    N_("These figures are optimistic."),
    N_("leads tested, asked about {references} times"),
    N_("of them converted in time"),
    N_("of the leads called convert if the rules pick"),
    N_("if the learned score picks"),
    N_("Every score on the same leads"),
    N_("Rules or learned score? {dataset}"),
    N_("(smaller is better)"),
    N_("convert of"),
    N_("the called"),
    N_("conversions"),
    N_("found"),
    N_("calibration"),
    N_("error"),
    N_("than learned by"),
    N_("Conversion of the leads that each score would have the team call."),
    N_("What would change for the team"),
    N_("Who moves where"),
    N_("Rows: band by the rules. Columns: band by the learned score. Darker: more convert."),
    N_("The swap set: hot by one, not by the other"),
    N_("Do the probabilities hold?"),
    N_("On the dashed line, of the leads given 30 %, 30 % convert. The stairs are what "
       "happened, without bins (isotonic regression); in the grey band they would lie nine "
       "times in ten if every probability were true."),
    N_("What calling earns"),
    N_("at capacity"),
    N_("at best"),
    N_("calling"),
    N_("AUC rules"),
    N_("AUC learned"),
    N_("log loss, learned minus rules"),
    N_("What leads cost"),
    N_("per lead"),
    N_("per conversion"),
    N_("What was tested"),
    N_("Each score becomes a probability by the same two-number line in log-odds (Platt), "
       "fitted on other leads of the test; a score that says nothing becomes the base rate."),
    N_("Chance that a lead that converts is ranked above one that does not; 0.5 is chance. "
       "Intervals by DeLong, leads as the unit."),
    N_("Convert of the called"),
    N_("Odoo’s formula"),
    N_("Odoo's formula"),
    N_("Learned"),
    N_("Naive Bayes with 0.1 smoothing on attributes of closed leads, as Odoo CRM publishes "
       "it; numbers in deciles."),
    N_("Scorecard “{scorecard}”. Counted by the same engine as the learned features; "
       "nothing at or after the question is seen."),
    # comparison/given.py
    N_("given, as of its own past"),
    N_("{name} has no moments: it may have been written after the outcome, and then it "
       "looks better than it was. As answers with their moments it is judged by its past"),
    N_("before its first answer {name} is the column of leads, taken as known at creation"),
    N_("{name} is unknown at {x:.1%} of the references, which are ranked in the middle"),
    N_("Whether {name} would have called better cannot be told from these leads."),
    N_("of the leads called ({capacity}), {converted_of_called:.1%} convert if {name} picks "
       "them and {converted_of_called_2:.1%} if the learned score does (difference {x:+.1f} "
       "points, 95 %: {x_2:+.1f} to {x_3:+.1f})"),
    N_("With {name} the team would have called better: {rates}."),
    N_("With {name} the team would have called worse: {rates}."),
    N_("With {name} the team would have called about as well, within chance: {rates}."),
    N_("Per 100 leads {name} earns {given:,.0f} and the learned score {learned:,.0f} "
       "({gain:+,.0f}) at the same number of calls."),
    N_("{name} is on no scale of probabilities (0 to 1, or 0 to 100): only ranks count."),
    N_("right on average"),
    N_("Taken at its word ({reading}), {name} says {mean:.1%} where {rate:.1%} convert (95 "
       "%: {low:.1%} to {high:.1%}): {side}; log loss {log_loss:.4f} ({low_2:.4f} to "
       "{high_2:.4f}) uncalibrated."),
)  # fmt: skip
