"""A specification that contradicts itself is refused with a sentence that says where."""

import pytest

from features.contract import AttributeType
from features.errors import DataError
from features.vectors.compile import compile_spec
from features.vectors.spec import AttributeSpec, Feature, FeatureSpec


@pytest.mark.parametrize(
    ("feature", "says"),
    [
        (Feature("interactions", "meeting", "unanswered"), "of outbound only"),
        (Feature("interactions", "meeting", "usual_hour"), "any, inbound, outbound only"),
        (Feature("interactions", "meeting", "decayed"), "needs half_life_days"),
        (Feature("attribute", "industry", "value"), "not specified"),
    ],
)
def test_a_contradiction_is_refused(feature, says):
    with pytest.raises(DataError, match=says):
        compile_spec(FeatureSpec((feature,)))


def test_an_unknown_aggregate_is_refused():
    with pytest.raises(DataError, match="unknown aggregate 'median'"):
        compile_spec(FeatureSpec((Feature("interactions", "meeting", "median"),)))


def test_a_name_twice_is_refused():
    with pytest.raises(DataError, match=r"named twice: meeting\.count_7d"):
        FeatureSpec((Feature("interactions", "meeting", "count", 7.0),) * 2)


def test_plain_data_round_trips():
    spec = FeatureSpec(
        (
            Feature("interactions", "meeting", "count", 7.0),
            Feature("attribute", "industry", "level", level="steel"),
        ),
        (AttributeSpec("industry", AttributeType.CATEGORY, levels=("steel",)),),
    )
    assert FeatureSpec.from_dict(spec.to_dict()) == spec
    assert FeatureSpec.from_dict(spec.to_dict()).digest == spec.digest


@pytest.mark.parametrize("broken", [{}, {"format": 99, "dtype": "float64"}, {"format": 1}])
def test_foreign_data_is_refused(broken):
    with pytest.raises(DataError):
        FeatureSpec.from_dict(broken)
