"""Silence since creation is a number, and turning away is no sign of interest."""

import math

import pytest
from drawn_history import history, number

from features.vectors.spec import Feature, FeatureSpec


def silent(lead, as_of, topic="any", **more):
    return number(lead, as_of, topic, "days_silent", **more)


def test_never_did_anything_at_age_0_and_at_age_14_differ():
    lead = history("", created="2024-03-01")
    assert silent(lead, "2024-03-01") == 0
    assert silent(lead, "2024-03-15") == 14
    assert math.isnan(number(lead, "2024-03-15", "any", "days_since_last"))


def test_the_last_interaction_ends_a_silence():
    lead = history("2024-03-05T12:00 page_view", created="2024-03-01")
    assert silent(lead, "2024-03-05T12:00") == 4.5  # nothing at or after as_of
    assert silent(lead, "2024-03-10") == number(lead, "2024-03-10", "any", "days_since_last")


def test_our_own_attempts_do_not_end_the_leads_silence():
    lead = history("2024-03-05 contact_attempt", created="2024-03-01")
    assert silent(lead, "2024-03-15") == 10
    assert silent(lead, "2024-03-15", "inbound") == 14


@pytest.mark.parametrize(
    ("opt_outs", "all_of_them", "days"), [((), 2, 5), (("unsubscribe",), 1, 13)]
)
def test_opt_outs_count_as_themselves_and_end_no_silence(opt_outs, all_of_them, days):
    drawn = """
        2024-03-02 page_view
        2024-03-10 unsubscribe
    """
    lead = history(drawn, created="2024-03-01")
    for topic in ("any", "inbound"):
        assert number(lead, "2024-03-15", topic, "count", opt_outs=opt_outs) == all_of_them
        assert silent(lead, "2024-03-15", topic, opt_outs=opt_outs) == days
    assert number(lead, "2024-03-15", "unsubscribe", "count", opt_outs=opt_outs) == 1


def test_a_specification_without_opt_outs_reads_and_writes_as_before():
    spec = FeatureSpec((Feature("interactions", "any", "days_silent"),))
    assert "opt_out_kinds" not in spec.to_dict()
    assert FeatureSpec.from_dict(spec.to_dict()) == spec
    apart = FeatureSpec(spec.features, opt_out_kinds=("unsubscribe",))
    assert FeatureSpec.from_dict(apart.to_dict()).opt_out_kinds == ("unsubscribe",)
    assert apart.digest != spec.digest
