"""One cleaning for every door: a raw value means the same in a file, a request and a store."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.cleaning import Cleaning, NumberSigns, trimmed
from features.contract import AttributeType
from features.dataset_settings import DatasetSettings
from features.reading.inference.inference import Inference
from features.reading.inference.typed_attributes import typed_leads
from features.reading.quarantine import Chunk, Quarantine
from features.reading.values.text import trimmed_text
from features.vectors.compute import encode_value
from features.vectors.spec import AttributeSpec, Feature, FeatureSpec

BLANKS = st.sampled_from(["", " ", "\u00a0", "\t", "  ", "\ufeff", "\u202f"])
WORDS = {
    "number": st.sampled_from(["12", "1.5", "$1,200", "30%", "9.9E7", "Select", "", "N/A", "-3"]),
    "boolean": st.sampled_from(["yes", "Oui", "NON", "1", "0", "true", "Select", ""]),
    "category": st.sampled_from(["web", "Web", "cold list", "N/A", "(No value)", "", "?"]),
}
SIGNS = {"number": 'thousands = ","'}


def spec_of(kind: str, cleaning: Cleaning) -> AttributeSpec:
    """An attribute as a release carries it."""
    levels = ("web", "Web", "cold list") if kind == "category" else ()
    attribute = AttributeSpec("x", AttributeType(kind), levels=levels)
    feature = Feature("attribute", "x", "level", level="web") if levels else (
        Feature("attribute", "x", "value" if kind == "number" else "flag")
    )  # fmt: skip
    return FeatureSpec((feature,), (attribute,), cleaning=cleaning).attributes[0]


def encoded(attribute: AttributeSpec, value: object) -> float:
    codes = {level: float(i) for i, level in enumerate(attribute.levels)}
    return encode_value(attribute, codes, value)


@pytest.mark.parametrize("kind", ["number", "boolean", "category"])
@given(data=st.data())
def test_a_file_and_a_request_mean_the_same(kind: str, data: st.DataObject) -> None:
    raw = data.draw(BLANKS) + data.draw(WORDS[kind]) + data.draw(BLANKS)
    declared = {"x": {"type": kind, **({"thousands": [","]} if kind == "number" else {})}}
    settings = DatasetSettings.model_validate({"name": "one", "attributes": declared})
    table = pa.table({"lead_id": ["L1"], "x": pa.array([raw], pa.string())})
    chunk = Chunk("leads", "leads.csv", table, np.array([2]))
    from_file = typed_leads(chunk, settings, Quarantine(None, 1.0), Inference())["x"]
    attribute = spec_of(kind, settings.cleaning())
    in_file = encoded(attribute, from_file.iloc[0])
    np.testing.assert_equal(encoded(attribute, raw), in_file)


@pytest.mark.parametrize("raw", ['["CRM", "ERP"]', "['ERP', 'CRM']", "{CRM,ERP}", "CRM,ERP"])
def test_a_list_is_its_words_whatever_program_wrote_it(raw: str) -> None:
    rules = Cleaning(multiple={"x": (",", ("CRM", "ERP", "Pay"))})
    assert rules.split("x", raw) == {"x: CRM": True, "x: ERP": True, "x: Pay": False}


@given(st.text(max_size=6))
def test_trimming_in_arrow_is_trimming_in_python(text: str) -> None:
    in_arrow = trimmed_text(pa.chunked_array([pa.array([text], pa.string())]))[0].as_py()
    assert (in_arrow or "") == trimmed(text)


def test_the_rules_travel_with_the_specification() -> None:
    cleaning = Cleaning(
        unknown=("none",),
        signs=NumberSigns((",",), (".",)),
        signs_of={"x": NumberSigns((".",), (",",), (("M€", 1e6), ("k", 1e3)))},
        multiple={"products": (";", ("CRM", "ERP"))},
    )
    spec = FeatureSpec(
        (Feature("attribute", "x", "value"),), (spec_of("number", cleaning),), cleaning=cleaning
    )
    again = FeatureSpec.from_dict(spec.to_dict())
    assert again == spec
    assert again.cleaning == cleaning
    assert again.attributes[0].cleaning == cleaning


def test_a_specification_without_rules_reads_values_as_they_are() -> None:
    spec = FeatureSpec(
        (Feature("attribute", "x", "value"),), (AttributeSpec("x", AttributeType.NUMBER),)
    )
    assert "cleaning" not in spec.to_dict()
    assert encoded(spec.attributes[0], "12") == 12.0
