"""What ``leadscore compare`` prints: the verdict, the scores, the bands, and what leads cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import UsageError
from features.language.composed import composed
from features.language.current import N_, _, current, number, say
from features.language.plural import plural

if TYPE_CHECKING:
    from training.comparison.compare import Comparison


def print_comparison(found: Comparison) -> None:
    """The verdict in words, the main table, and what would change."""
    from training.report_texts import translated

    print(translated(found.verdict.headline))
    for sentence in found.verdict.because:
        print(f"  {translated(sentence)}")
    optimistic = found.sections.get("about", {}).get("optimistic")
    if optimistic:
        print(say("  Note: {note}.", note=translated(optimistic)))
    print_scores(found)
    print_given(found)
    print_bands(found)
    print_costs(found)
    if calling := found.sections.get("calling"):
        print(_("What calling changes:"))
        for sentence in calling["words"]:
            print(f"  {translated(sentence)}")


def print_scores(found: Comparison) -> None:
    """One row a score: its own probabilities, recalibrated ones beside them, and the calls."""
    from commands.output import print_table
    from training.report_texts import translated

    rows = [
        [
            translated(s.title),
            number(f"{s.log_loss.value:.4f}") if s.gives_probabilities else None,
            number(f"{s.recalibrated_log_loss.value:.4f}"),
            number(f"{s.auc.value:.3f}"),
            number(f"{s.called:,.0f}"),
            current().format_percent(s.converted_of_called.value, 1),
            current().format_percent(s.captured, 1),
            gap(s.recalibrated_difference),
        ]
        for s in found.scores
    ]
    columns = [
        N_("score"),
        N_("log loss"),
        N_("recalibrated"),
        N_("AUC"),
        N_("called"),
        N_("convert"),
        N_("found"),
        N_("above learned (95 %)"),
    ]
    print_table(columns, rows, right=columns[1:])
    print(
        say(
            "log loss: of the probabilities that a user gets (none: the score gives no "
            "probability); recalibrated: refitted on other leads of this test, alike for all; the "
            "last column too"
        )
    )
    print(
        say(
            "called: leads on the list of any week ({capacity}), each once; convert: of them; "
            "found: of all {conversions:,} conversions",
            capacity=translated(found.capacity),
            conversions=found.conversions,
        )
        + "\n"
    )


def print_given(found: Comparison) -> None:
    """Every given score in sentences: would it have called better, and is it true at its word?"""
    from training.comparison.given import raw_words_of
    from training.report_texts import translated

    for one in found.sections.get("given", []):
        print(translated(one["answer"]))
        print(f"  {translated(raw_words_of(one))}")
        if one["money"]:
            print(f"  {translated(one['money'])}")
        for note in one["notes"]:
            print(say("  Note: {note}.", note=translated(note)))
    if found.sections.get("given"):
        print()


def share(value: float) -> str | None:
    """A share with one decimal; None when it is not known."""
    return current().format_percent(value, 1) if value == value else None


def gap(difference: object) -> str | None:
    """A paired difference with its interval; None where there is none."""
    from training.evaluation.metrics import Estimate

    if not isinstance(difference, Estimate):
        return None
    return say(
        "{difference:+.4f} ({low:+.4f} to {high:+.4f})",
        difference=difference.value,
        low=difference.low,
        high=difference.high,
    )


def print_bands(found: Comparison) -> None:
    """Observed conversion by band, rules beside learned, and the swap set."""
    from commands.output import print_table
    from scoring.bands import label
    from training.report_texts import translated

    view = found.bands
    rows = [
        [label(a.band, current()), a.leads, share(a.rate.value), b.leads, share(b.rate.value)]
        for a, b in zip(view.rules, view.learned, strict=True)
    ]
    columns = [
        N_("band"), N_("leads by rules"), N_("convert"), N_("leads learned"), N_("convert "),
    ]  # fmt: skip
    print_table(columns, rows, right=columns[1:])
    swap = view.swap
    print(
        say(
            "Same workload: {cuts}. Each lead once, in the highest band it reached.",
            cuts=translated(view.cuts),
        )
    )
    if swap.gap.value == swap.gap.value:
        print(
            say(
                "Swap set: hot by the learned score only {leads:,} leads, {rate:.1%} convert; by "
                "the rules only {leads_2:,} leads, {rate_2:.1%}.",
                leads=swap.only_learned.leads,
                rate=swap.only_learned.rate.value,
                leads_2=swap.only_rules.leads,
                rate_2=swap.only_rules.rate.value,
            )
        )


COST_COLUMNS = (
    "source", "band", "leads", "unknown", "cost", "cost_per_lead", "conversions",
    "cost_per_conversion", "is_total",
)  # fmt: skip


def print_costs(found: Comparison) -> None:
    """What leads cost by source and band, with totals; nothing where no cost is known."""
    from commands.output import print_table

    costs = found.sections.get("costs", [])
    if not costs:
        return
    rows = [
        [c.source, c.band, c.leads, f"{c.cost:,.2f}", money(c.cost_per_lead), c.conversions,
         money(c.cost_per_conversion)]
        for c in costs
    ]  # fmt: skip
    columns = ["source", "band", "leads", "cost", "per lead", "conversions", "per conversion"]
    title = "What leads cost, by source and band of the learned score (each lead once):"
    print("\n" + composed(title))
    print_table(columns, rows, right=columns[2:])
    unknown = costs[-1].unknown
    if unknown:
        print(
            composed(
                plural(
                    unknown,
                    "{n:,} lead has no known cost and is not in this table.",
                    "{n:,} leads have no known cost and are not in this table.",
                )
            )
        )


def money(value: float | None) -> str | None:
    """An amount with two decimals; None where there is none."""
    return None if value is None else f"{value:,.2f}"


def write_costs(found: Comparison, out: Path) -> None:
    """The table of costs as CSV. Raises UsageError where no cost is known."""
    import csv

    from features.csv_cells import neutralised

    costs = found.sections.get("costs", [])
    if not costs:
        raise UsageError(
            "no attribute says what a lead cost, so --costs has nothing to write; name it with "
            "--cost-attribute"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COST_COLUMNS)
        for cost in costs:
            row = cost.to_dict()
            rows.writerow([neutralised(row[column]) for column in COST_COLUMNS])
