"""The page of every message: the remedies are found where they are composed."""

from __future__ import annotations

import re
import runpy
from functools import cache
from html import unescape
from pathlib import Path

import pytest

import spacy_lambda
from spacy_lambda import errors
from tests.docs.blocks import ROOT

SITE = ROOT / "scripts" / "site"
with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(str(SITE))
    INDEX = runpy.run_path(str(SITE / "error_index.py"))
MAX_REMEDIES = 7
NAMES = {name for name in dir(errors) if name.endswith("Error")}


@cache
def found() -> dict[str, set[tuple[str, str]]]:
    """Messages and remedies by class, read by the first test that needs them: every process collects every test."""
    rows: dict[str, set[tuple[str, str]]] = INDEX["_rows"](Path(spacy_lambda.__file__).parent, NAMES)
    return rows


def every_row() -> set[tuple[str, str]]:
    return {row for rows in found().values() for row in rows}


def remedies(begin: str) -> set[str]:
    return {remedy for message, remedy in every_row() if message.startswith(begin)}


def test_a_message_has_the_remedies_of_all_its_cases() -> None:
    (remedy,) = (remedy for message, remedy in every_row() if "limit of … for a zip" in message)
    assert len(remedy.split(" / ")) == 3
    assert "--shape image" in remedy
    assert "--fetch" in remedy


def test_a_remedy_that_is_a_constant_of_another_module_is_found() -> None:
    assert remedies("the artifact is truncated") == {"fetch the artifact again, or pack it again from the pipeline"}


@pytest.mark.parametrize(
    "begin",
    [
        "is not a location: …",
        "is not a request: …",
        "the golden test is refused: …",
        "…:live: …",
        "…; nothing was written",
    ],
)
def test_an_error_with_the_remedy_of_its_cause_has_no_other(begin: str) -> None:
    assert remedies(begin) == {INDEX["PASSED_ON"]}


def test_no_message_has_the_remedies_of_errors_of_another_kind() -> None:
    assert [message for message, remedy in every_row() if len(remedy.split(" / ")) > MAX_REMEDIES] == []


def test_few_messages_have_the_remedy_of_another_error() -> None:
    passed_on = [message for message, remedy in every_row() if remedy in (INDEX["PASSED_ON"], INDEX["PRINTED"])]
    assert len(passed_on) < len(every_row()) / 50


def test_every_class_has_messages() -> None:
    assert NAMES - found().keys() == set()


def test_faults_of_the_file_are_there_each_with_its_own_remedy() -> None:
    faults = dict(found()["ConfigError"])
    assert faults["is …; expected a region"] == 'write it like "eu-central-1"'
    assert faults["requires alarm_email"] == "write alarm_email too"
    assert faults['is true with shape "image-efs", and Lambda has no SnapStart for functions with EFS'] == (
        'leave out snapstart, or write shape = "image"'
    )


def test_each_call_of_a_function_that_composes_an_error_is_a_row() -> None:
    assert remedies("cannot be written: its folder is not writable") == {"choose another path with --out"}
    assert {message for message, _ in found()["OutOfTimeError"]} >= {'"…" cannot be predicted in the time that is left'}


def test_every_message_has_a_word_that_can_be_searched() -> None:
    assert [message for message, _ in every_row() if not re.search("[a-z]{4}|[A-Z]{3}", message)] == []


def test_the_page_shows_rows_whole() -> None:
    markdown = pytest.importorskip("markdown", reason="mkdocs-material is not installed")
    rows = sorted(every_row())
    table = "".join(f"| {INDEX['_cell'](message)} | {INDEX['_cell'](remedy)} |\n" for message, remedy in rows)
    html = markdown.markdown(f"| message | remedy |\n| --- | --- |\n{table}", extensions=["attr_list", "tables"])
    cells = [unescape(re.sub("<[^>]*>", "", cell)) for cell in re.findall("<td>(.*?)</td>", html)]
    assert cells == [cell.replace("`", "") for row in rows for cell in row]
