"""The speed that a compile measures is the speed that the function reads."""

from __future__ import annotations

import json

import pytest
import spacy

from spacy_lambda.compiler.measured_speed import measure_speed
from spacy_lambda.runtime.speed import read_speed


def test_the_speed_is_measured() -> None:
    nlp = spacy.blank("en")
    measured = measure_speed(nlp, ["An iron film. " * 20, "", "iron"])
    assert (measured["unit"], measured["texts"]) == ("tokens", 2)
    nlp.meta["spacy_lambda"] = {"speed": measured}
    assert read_speed(nlp).seconds_per_unit == pytest.approx(1.5 * measured["seconds_per_1000_units"] / 1000)
    nlp.meta["spacy_lambda"] = {"speed": {**measured, "seconds_per_1000_units": 1000}}
    assert read_speed(nlp).seconds_per_unit == pytest.approx(3 * 6e-5)  # of a busy machine
    assert json.loads(json.dumps(measured)) == measured
