"""Files of golden tests: JSON Lines, for a deployment and for the pytest plugin alike.

A line is a request, with the prediction that it expects if it names one, or a document as ``spacy-lambda annotate``
writes it, whose annotations are expected::

    {"text": "Graphite is soft.", "expected": [{"text": "Graphite", "label": "MATERIAL", "start": 0, "end": 8}]}
    {"id": "texts.jsonl:1", "text": "Graphite is soft.", "ents": [["Graphite", "MATERIAL"]]}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from spacy_lambda.core.files import read_file
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.core.request_options import DOC_PARTS, LONG_TEXT
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.deploy.expected_predictions import is_expected_entity
from spacy_lambda.errors import DeployError

__all__ = ["EXPECTED", "GoldenLine", "InvalidLine", "raise_faults", "read_lines", "split_line"]

MAX_BYTES = 16 * 1024 * 1024
EXPECTED = "expected"
"""Key of a request's line, next to those of the request."""

REMEDY = 'write a request in each line: {"text": "..."}'
ENTITY_REMEDY = 'write each entity as {"text": ..., "label": ..., "start": ..., "end": ...} or ["text", "label"]'


class GoldenLine(NamedTuple):
    """One line that is a JSON object.

    :param number: Its number.
    :param values: The object.
    """

    number: int
    values: dict[str, Any]


class InvalidLine(NamedTuple):
    """One fault of a file of golden tests.

    :param number: Number of the line.
    :param problem: The problem, with the actual value.
    :param remedy: What to change.
    """

    number: int
    problem: str
    remedy: str


def read_lines(path: Path) -> list[GoldenLine | InvalidLine]:
    """Read the JSON objects of a file; blank lines are left out.

    :raises DeployError: If the file cannot be read, or has only blank lines.
    """
    try:
        lines = read_file(path, limit=MAX_BYTES).decode("utf-8-sig").split("\n")
    except OSError as exc:
        raise _unreadable(path, exc, "check the path and its permissions") from exc
    except ValueError as exc:
        raise _unreadable(path, exc, "write the file as UTF-8") from exc
    read = [_read_line(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not read:
        raise DeployError(f"{path} has no golden tests", remedy=REMEDY)
    return read


def _unreadable(path: Path, reason: Exception, remedy: str) -> DeployError:
    return DeployError(f"the golden tests cannot be read from {path}: {system_reason(reason)}", remedy=remedy)


def _read_line(number: int, line: str) -> GoldenLine | InvalidLine:
    try:
        values = parse_json(line)
    except ValueError as exc:
        return InvalidLine(number, f"the golden test is not JSON: {exc}", REMEDY)
    if not isinstance(values, dict):
        return InvalidLine(number, "the golden test is not a JSON object", REMEDY)
    return GoldenLine(number, values)


def raise_faults(path: Path, lines: Iterable[object]) -> None:
    """Raise one error for all faults of a file.

    :param lines: Its lines; those that are not an :class:`InvalidLine` are valid.
    :raises DeployError: If there are any; names the file and each line.
    """
    faults = [one for one in lines if isinstance(one, InvalidLine)]
    if len(faults) == 1:
        raise DeployError(f"{path}:{faults[0].number}: {faults[0].problem}", remedy=faults[0].remedy)
    if faults:
        problems = "".join(f"\n  line {one.number}: {one.problem}" for one in faults)
        remedies = "".join(f"\n  line {one.number}: {one.remedy}" for one in faults)
        raise DeployError(f"{path} has {len(faults)} faults:{problems}", remedy=f"change each:{remedies}")


def split_line(values: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    """Return the request of a line, which is not checked, and the prediction that it expects; ``None`` without one.

    A line that has a part of a Doc, such as ``ents``, is an annotated document. The request is for these parts, and
    keys that the document brought with it are ignored, as is an ``expected`` of the file that was annotated.

    :raises DeployError: If the expected prediction cannot be one.
    """
    parts = {part: values[part] for part in DOC_PARTS if part in values}
    if not parts:
        return _split_request(values)
    for part, value in parts.items():
        if not isinstance(value, list | dict):
            raise _invalid(part, "it is not an array or an object")
    entities = parts.get("ents", [])
    if not isinstance(entities, list) or not all(map(is_expected_entity, entities)):
        raise DeployError('the golden test has invalid entities in "ents"', remedy=ENTITY_REMEDY)
    request = {"text": values["text"]} if "text" in values else {}
    if values.get("long_text") in LONG_TEXT:  # else a column of the corpus
        request["long_text"] = values["long_text"]
    return (request, entities) if [*parts] == ["ents"] else ({**request, "include": [*parts]}, parts)


def _split_request(values: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    request = dict(values)
    is_named, expected = EXPECTED in request, request.pop(EXPECTED, None)
    if is_named and not isinstance(expected, list | dict):
        raise _invalid(EXPECTED, "it is not an array or an object")
    return request, expected


def _invalid(key: str, problem: str) -> DeployError:
    remedy = "write the prediction as `spacy-lambda invoke --json` prints it, or leave it out"
    return DeployError(f'the golden test has an invalid "{key}": {problem}', remedy=remedy)
