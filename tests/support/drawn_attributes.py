"""The attributes of leads that tests draw; they need no test tool."""

from features.contract import AttributeType, Group
from features.vectors.spec import AttributeSpec

ATTRIBUTES = (
    AttributeSpec("industry", AttributeType.CATEGORY, levels=("software", "steel")),
    AttributeSpec("seats", AttributeType.NUMBER, Group.FIT, median=10.0),
    AttributeSpec("budget_eur", AttributeType.NUMBER, Group.BUDGET, from_answers=True),
    AttributeSpec("decides", AttributeType.BOOLEAN, Group.AUTHORITY),
    AttributeSpec(
        "urgency", AttributeType.CATEGORY, Group.TIMELINE, levels=("low", "mid", "high"),
        ordered=True,
    ),
)  # fmt: skip
