"""What the gate makes of leaks: sure ones refuse; suspects that carry much must be confirmed.

An audit's suspect is often a good attribute, and a leak that is nearly as good as one makes every
test look good. So the gate asks a person, and only where it matters: a suspect on which a good part
of the gain rests, or a new input of a challenger on which most of it does. Why these shares:
docs/decisions/0053-suspects-are-confirmed.md.
"""

from __future__ import annotations

from collections.abc import Collection

from features.dataset import Dataset
from features.errors import UsageError
from scoring.release.release import Release
from training.labels.training_data import KIND_PREFIX
from training.leakage.audit import audit
from training.leakage.reliance import Reliance, ReliancePlan
from training.leakage.report import LeakVerdict, Suspect
from training.registry.gate_criteria import GateLimits

WAY_OUT = (
    "find out when it is filled in; if it truly is known at the moment of the prediction, promote "
    "with --confirm-suspect {names} (written to the audit trail), or say so in dataset.toml"
)


def unconfirmed_leaks(
    challenger: Release,
    champion: Release | None,
    data: Dataset,
    limits: GateLimits,
    confirmed: Collection[str],
) -> tuple[tuple[str, ...], dict[str, float]]:
    """(refusals, share of the gain that rests on each suspect that the challenger uses).

    A sure leak is refused whatever is confirmed. Raises UsageError if a name of ``confirmed`` is
    no input of the challenger.
    """
    used = inputs_of(challenger)
    _check_names(confirmed, used)
    found = {s.name: s for s in audit(data, costs=False).suspects if s.name in used}
    refusals = [
        f"it uses {suspect.name!r}, a sure leak: {suspect.reasons}"
        for suspect in found.values()
        if suspect.verdict is LeakVerdict.SURE
    ]
    suspects = [s for s in found.values() if s.verdict is LeakVerdict.SUSPECT]
    new = used - inputs_of(champion) - _left_out(champion) if champion is not None else set()
    if not suspects and not new:
        return tuple(refusals), {}
    plan = ReliancePlan(data, used)
    relied = {suspect.name: plan.without([suspect.name]) for suspect in suspects}
    open_names = [name for name in relied if name not in confirmed]
    heavy = [name for name in open_names if relied[name].share >= limits.max_suspect_share]
    together = plan.without(open_names)
    if not heavy and len(open_names) > 1 and together.share >= limits.max_suspect_share:
        heavy = open_names
    refusals += [_refusal(found[name], relied[name]) for name in heavy]
    refusals += _new_inputs(plan, new - set(found) - set(confirmed), limits)
    return tuple(refusals), {name: round(relied[name].share, 3) for name in sorted(relied)}


def inputs_of(release: Release) -> set[str]:
    """The attributes and interaction kinds that a release has columns of."""
    return {feature.topic for feature in release.spec.features}


def _left_out(release: Release) -> set[str]:
    """What a person excluded from its training, and so has looked at."""
    settings = release.manifest.get("settings", {})
    return {str(name).removeprefix(KIND_PREFIX) for name in settings.get("excluded", ())}


def _new_inputs(plan: ReliancePlan, new: set[str], limits: GateLimits) -> list[str]:
    """An input that the champion does not have, and on which much of the gain rests."""
    refusals: list[str] = []
    if plan.without(new).share < limits.max_new_share:  # none of them alone carries more
        return refusals
    for name in sorted(new):
        relied = plan.without([name])
        if relied.share >= limits.max_new_share and relied.gain >= limits.min_new_gain:
            refusals.append(
                f"{relied.share:.0%} of what it knows rests on {name!r}, which the champion does "
                f"not use: {WAY_OUT.format(names=name)}"
            )
    return refusals


def _refusal(suspect: Suspect, relied: Reliance) -> str:
    return (
        f"{relied.share:.0%} of what it knows rests on {suspect.name!r}, a suspect of the audit "
        f"({suspect.reasons}): {WAY_OUT.format(names=suspect.name)}"
    )


def _check_names(confirmed: Collection[str], used: set[str]) -> None:
    unknown = sorted(set(confirmed) - used)
    if unknown:
        raise UsageError(
            f"cannot confirm {unknown[0]!r}: the challenger does not use it; it uses "
            f"{', '.join(sorted(used))}"
        )
