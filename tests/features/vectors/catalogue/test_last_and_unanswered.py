"""is_last: the kind of the newest interaction; unanswered: our attempts since their last act."""

import pytest
from drawn_history import number

HISTORY = """
2024-03-01 contact_attempt
2024-03-02 page_view
2024-03-03 contact_attempt
2024-03-04 email_sent
2024-03-06 email_reply
"""


@pytest.mark.parametrize(
    ("as_of", "last", "unanswered"),
    [
        ("2024-03-01", None, 0),
        ("2024-03-02", "contact_attempt", 1),
        ("2024-03-03", "page_view", 0),
        ("2024-03-05", "email_sent", 2),
        ("2024-03-07", "email_reply", 0),
    ],
)
def test_the_last_word(as_of, last, unanswered):
    for kind in ("contact_attempt", "page_view", "email_sent", "email_reply"):
        assert number(HISTORY, as_of, kind, "is_last") == (kind == last)
    assert number(HISTORY, as_of, "outbound", "unanswered") == unanswered


@pytest.mark.parametrize(
    ("excluded", "last", "unanswered"),
    [
        (("email_reply",), "email_sent", 2),
        (("email_reply", "email_sent"), "contact_attempt", 1),
        (("email_reply", "page_view"), "email_sent", 3),
    ],
)
def test_an_excluded_kind_is_not_the_last_word(excluded, last, unanswered):
    kinds = [
        k
        for k in ("contact_attempt", "page_view", "email_sent", "email_reply")
        if k not in excluded
    ]
    for kind in kinds:
        said = number(HISTORY, "2024-03-07", kind, "is_last", excluded=excluded)
        assert said == (kind == last)
    said = number(HISTORY, "2024-03-07", "outbound", "unanswered", excluded=excluded)
    assert said == unanswered


def test_an_excluded_kind_is_missing_from_any():
    assert number(HISTORY, "2024-03-07", "any", "count") == 5
    assert number(HISTORY, "2024-03-07", "any", "count", excluded=("contact_attempt",)) == 3
    nothing = ("contact_attempt", "page_view", "email_sent", "email_reply")
    assert number(HISTORY, "2024-03-07", "any", "count", excluded=nothing) == 0


@pytest.mark.parametrize(
    ("opt_outs", "unanswered"),
    [
        ((), 2),
        (("email_reply",), 0),  # a refusal by reply answers, though it counts in no sum
        (("email_sent",), 1),  # declared our act and a refusal: neither attempt nor answer
        (("email_sent", "contact_attempt"), 0),
    ],
)
def test_a_refusal_is_no_attempt(opt_outs, unanswered):
    as_of = "2024-03-07" if "email_reply" in opt_outs else "2024-03-05"
    assert number(HISTORY, as_of, "outbound", "unanswered", opt_outs=opt_outs) == unanswered
