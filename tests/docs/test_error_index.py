"""The page of every message: the remedies are found where they are composed."""

from __future__ import annotations

import runpy
from pathlib import Path

import spacy_lambda
from spacy_lambda import errors
from tests.docs.blocks import ROOT

INDEX = runpy.run_path(str(ROOT / "scripts" / "site" / "error_index.py"))
NAMES = {name for name in dir(errors) if name.endswith("Error")}
ROWS = {row for rows in INDEX["_rows"](Path(spacy_lambda.__file__).parent, NAMES).values() for row in rows}


def test_a_message_has_the_remedies_of_all_its_cases() -> None:
    (remedies,) = (remedy for message, remedy in ROWS if "limit of … for a zip" in message)
    assert len(remedies.split(" / ")) == 3
    assert "--shape image" in remedies
    assert "--fetch" in remedies


def test_a_remedy_that_is_a_constant_of_another_module_is_found() -> None:
    (remedy,) = (remedy for message, remedy in ROWS if message.startswith("the artifact is truncated"))
    assert remedy == "fetch the artifact again, or pack it again from the pipeline"


def test_few_messages_have_the_remedy_of_another_error() -> None:
    assert len([message for message, remedy in ROWS if remedy == INDEX["PASSED_ON"]]) < len(ROWS) / 50
