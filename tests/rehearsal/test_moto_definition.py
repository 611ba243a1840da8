"""Definitions of state machines as moto parses them."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # of moto


@pytest.mark.parametrize("spaces", [(",", ":"), (", ", ": ")])
@pytest.mark.parametrize("is_last", [True, False])
@pytest.mark.parametrize("percentage", [0, 5, 100, 2.5])
def test_moto_parses_every_tolerated_percentage(percentage: float, is_last: bool, spaces: tuple[str, str]) -> None:
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

    from spacy_lambda.rehearsal.moto_step_functions import moto_definition

    states = {"P": {"Type": "Pass", "End": True}}
    mode = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    processor = {"ItemProcessor": {"StartAt": "P", "ProcessorConfig": mode, "States": states}}
    tolerated = {"ToleratedFailurePercentage": percentage}
    state = {"Type": "Map", "End": True} | (processor | tolerated if is_last else tolerated | processor)
    definition = json.dumps({"StartAt": "M", "States": {"M": state}}, separators=spaces)
    AmazonStateLanguageParser.parse(moto_definition(definition))
    assert json.loads(moto_definition(definition)) == json.loads(definition)
