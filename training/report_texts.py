"""Sentences of reports and cards, for :mod:`features.language.sentence_translator`.

They are composed where the figures are; each stands here as it does there, which a test checks.
"""

from __future__ import annotations

from features.language.current import N_, current
from features.language.sentence_translator import SentenceTranslator
from scoring.release.texts import KEPT

COUNTED: tuple[tuple[str, str], ...] = (
    ("{n:,} attribute", "{n:,} attributes"), ("{n:,} kind", "{n:,} kinds"),
    ("{n:,} lead", "{n:,} leads"),
)  # fmt: skip
"""Marked for translation where they are made."""


REPORT_TEXTS: tuple[str, ...] = (
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
    N_("{leads:,} leads"),
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
    # model_card/blocks.py
    N_("not recorded"),
    N_("Model card of {name}"),
    N_("{low:+.4f} to {high:+.4f}"),
    N_("{low} to {high}"),
    # model_card/card.py
    N_("leads in the training data"),
    N_("AUC on later leads (0.5 is chance)"),
    N_("conversions of the average in the best tenth"),
    N_("of the conversions found in the best fifth"),
    # model_card/changes.py
    N_("What changed since {called}"),
    N_("Nothing: it is the same release."),
    N_("What differs"),
    N_("compared with release {release_id}, {then}"),
    N_("among the {top_features} that move the score most"),
    N_("which was trained on {name}: other leads, so figures do not compare"),
    N_("which answers for {horizon_days:g} days: figures do not compare"),
    N_("for the same horizon on the same kind of leads"),
    N_("both on the same references, and share of leads whose band changes: {not_recorded}"),
    N_("on the same {references} references ({by}): log loss {log_loss:.4f}, "
       "{log_loss_then:.4f} before ({gap:+.4f}, 95 % interval {low:+.4f} to {high:+.4f}); "
       "{gap_2}"),
    N_("band changed for {band_change:.1%} of them"),
    N_("no difference that chance would not make"),
    N_("{what}: the same"),
    N_("{what}, new: {added}"),
    N_("{what}, gone: {removed}"),
    N_("{title}, each on its own test"),
    N_("warm from"),
    N_("hot from"),
    N_("reference ages (days)"),
    N_("answers for (days)"),
    N_("weight of {name}"),
    N_("{value} ({span})"),
    N_("{name}: share of the test"),
    N_("{name}: converted in the test"),
    N_("Drift of inputs and scores: {not_recorded}."),
    N_("Drift (population stability index; above {min_psi_large:g} another distribution): "
       "{shifted} of {n_features} features moved that far."),
    N_("by chance up to"),
    N_("unknown before"),
    N_("unknown now"),
    N_("line: {min_psi_large:g}"),
    # model_card/charts.py
    N_("called by chance"),
    N_("Calling the better half finds {half:.0%} of the conversions; chance finds 50 %."),
    N_("Gains: conversions found by share called"),
    N_("The best tenth converts {x:.1f} times as often as all, the worst {x_2:.1f}."),
    N_("Lift by tenth of the leads"),
    N_("converted within the horizon"),
    N_("{band} {value:.1%}"),
    N_("Observed: {rates}."),
    N_("none in the test"),
    N_("{value:.1%}, predicted {predicted:.1%}"),
    # model_card/evaluation_sections.py
    N_("Log loss (nats)"),
    N_("Brier score"),
    N_("Calibration error"),
    N_("Lift of the best tenth"),
    N_("tested on references from"),
    N_("references tested"),
    N_("leads tested"),
    N_("references that converted"),
    N_("rate of conversions"),
    N_("ensemble chosen then"),
    N_("the figures are optimistic"),
    N_("Log loss minus base rate's"),
    N_("How good it is"),
    N_("base rate"),
    N_("this model"),
    N_("Figures of the backtest"),
    N_("no moment: folds, not time"),
    N_("A random split, which this test is not, would have shown an AUC of {auc:.3f}."),
    N_("Do the probabilities mean what they say"),
    N_("log loss"),
    N_("The log loss: miscalibration - discrimination + uncertainty"),
    N_("{outside:.0%} of leads"),
    N_("chance of so much miscalibration if every probability were true"),
    N_("outside the {level:.0%} consistency band"),
    N_("On the dashed line, of the leads given 30 %, 30 % convert. The stairs are what "
       "happened (isotonic regression, no bins); in the grey band they would lie nine times "
       "in ten if every probability were true."),
    N_("of the leads"),
    N_("The stairs of the reliability diagram"),
    N_("Gains and lift"),
    N_("conversions found"),
    N_("leads called, best first"),
    N_("Conversions found when the best-scored are called first."),
    N_("Conversion of each tenth against the average (1)."),
    N_("Lift by tenth"),
    N_("Gains in the backtest"),
    N_("below {warm}"),
    N_("from {warm}"),
    N_("from {hot}"),
    N_("Observed rates: {not_recorded}."),
    N_("What became of each band in the backtest; Wilson's intervals, leads as the unit"),
    N_("What became of the leads of each band in the test, with Wilson's 95 % intervals."),
    N_("{low:.1%} to {high:.1%}"),
    N_("By segment"),
    N_("No failure beyond what {n_tests} tests give by chance (Holm 1979)."),
    N_("95 % of calibrated models"),
    N_("observed (dot) in the range of calibrated models (bar)"),
    N_("Calibration by segment"),
    # model_card/importance.py
    N_("lowers it"),
    N_("raises it"),
    N_("changes little there"),
    N_(", others otherwise"),
    N_("{verb} (odds × {effect:.3g}{caveat})"),
    # model_card/model_sections.py
    N_("What was tried"),
    N_("Chosen: {x}{by_rule}."),
    N_("log loss when choosing"),
    N_("minus base rate's"),
    N_("left of the line: better"),
    N_("Candidates out of time, when choosing; a weight is given to those in use"),
    N_("What moves the score most"),
    N_("No feature moves it, or none was recorded."),
    N_("for example"),
    N_("what that does to the score"),
    N_("Shares of all that features move between typical leads, each taking the values it "
       "had in training while the others stay at their medians."),
    N_("Top features"),
    N_("The future could not be held back in the test: the figures are optimistic."),
    N_("There is no signal: everybody gets the base rate, and bands do not separate leads."),
    N_("In some segments the probabilities are off (see By segment): do not compare those."),
    N_("Learned from the leads above; it says nothing about leads of another kind."),
    N_("Attributes, levels and kinds of interaction that are new since then are not seen by "
       "it."),
    N_("A reason is a share of this score, not a cause: changing it need not change the "
       "lead."),
    N_("The rate of conversions drifts; compare realised outcomes before trusting old "
       "scores."),
    N_("Fairness between groups of people was not examined beyond the segments above."),
    N_("{horizon_days:g} days"),
    N_("It predicts a conversion within {days}; a later one counts as none."),
    N_("The data know no time: it does not say when a lead converts, nor see rates drift."),
    N_("It was trained on leads {ages:g} to {ages_2:g} days after their creation; on older "
       "leads it extrapolates."),
    N_("It has seen nothing after {x}."),
    N_("Only {leads} leads: figures by band and segment are rough."),
    N_("Only {positives} references converted: too few for a reliable model."),
    N_("first lead created"),
    N_("last lead created"),
    N_("observed until"),
    N_("{release}, as a probability"),
    N_("{n_spec} (set {x})"),
    N_("converts, whenever that is (the data know no time)"),
    N_("converts within {horizon_days:g} days"),
    N_("immature share"),
    N_("Immature references are no negatives: {treatment_words}."),
    N_("references trained on"),
    N_("recipe chosen on"),
    N_("What was left out, and why"),
    N_("no evidence, or not audited"),
    N_("evidence of the audit"),
    N_("left out"),
    N_("Attributes and kinds that were not used"),
    N_("Nothing: every attribute and kind of the data was there to be used."),
    N_("The leakage audit was not part of this training (--allow-leaks, or none)"),
    N_("Audit: {summary}."),
    N_("{what} {name} is {verdict}, and used: {evidence}"),
    # model_card/record.py
    N_("dataset.toml: known after the outcome only"),
    N_("dataset.toml: excluded_kinds"),
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
    # words of tables and facts
    N_("Scores that others made"),
    N_("What calling changes"),
    N_("cuts"),
    N_("keep"),
    N_("recalibrate"),
    N_("retrain"),
    N_("95 % interval"),
    N_("predicts"),
    N_("excluded"),
    N_("warning"),
    N_("name"),
    N_("band"),
    N_("bands"),
    N_("leads"),
    N_("share"),
    N_("predicted"),
    N_("converted"),
    N_("figure"),
    N_("segment"),
    N_("expected"),
    N_("observed"),
    N_("weight"),
    N_("candidate"),
    N_("feature"),
    N_("references"),
    N_("positives"),
    N_("negatives"),
    N_("immature"),
    N_("interactions"),
    N_("answers"),
    N_("release"),
    N_("dataset"),
    N_("data"),
    N_("what"),
    N_("by"),
    N_("verdict"),
    N_("evidence"),
    N_("suspect"),
    N_("alone"),
    N_("lift"),
    N_("score"),
    N_("rate"),
    N_("cause"),
    N_("index"),
    N_("moved"),
    N_("now"),
    N_("before"),
    N_("changed"),
    N_("AUC"),
    N_("yes"),
    N_("no"),
    N_("none"),
    N_("unknown"),
    N_("attribute"),
    N_("kind"),
    N_("answer"),
    N_("cold"),
    N_("warm"),
    N_("hot"),
    N_("sure"),
    N_("confirmed"),
    N_("harmless"),
    N_("excluded"),
    N_("better"),
    N_("worse"),
    N_("rules"),
    N_("learned"),
    N_("horizon"),
    N_("seed"),
    N_("features"),
    N_("Limits"),
    N_("Data"),
    N_("Drift"),
    N_("Bands"),
    N_("released"),
    N_("trained"),
    N_("fingerprint"),
    N_("scorecard"),
    N_("Rules"),
    N_("points"),
    N_("group"),
    N_("source"),
    N_("cost"),
)  # fmt: skip
"""Of the audit, the comparison and the model card."""


_texts = SentenceTranslator((*KEPT, *COUNTED, *REPORT_TEXTS))


def translated(text: str) -> str:
    """A sentence, a label or a figure of a report in the language in use."""
    return _texts.of(text, current())
