"""Golden tests: requests, and the predictions that a new version must return before it goes live.

The expected predictions are those of the same pipeline on this machine, by the same code. A function's can only differ
if something went wrong on the way, or if its CPU computes differently.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_lambda.client.invocation import Invocation
from spacy_lambda.client.lambda_api import invoke_function
from spacy_lambda.core.files import read_file
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.deploy.aws import Aws
from spacy_lambda.errors import DeployError, InvokeError, RequestError

if TYPE_CHECKING:
    from spacy_lambda.runtime.predictor import Predictor

__all__ = ["GoldenTest", "make_golden_tests", "open_predictor", "read_requests", "run_golden_tests"]

MAX_BYTES = 16 * 1024 * 1024
DEFAULT_FILE = Path(__file__).with_suffix(".jsonl")
REMEDY = 'write a request in each line: {"text": "..."}'


@dataclass(frozen=True)
class GoldenTest:
    """One request and its expected response.

    :param number: Number of its line.
    :param request: The event.
    :param expected: The response, as JSON.
    """

    number: int
    request: dict[str, Any]
    expected: Any


def read_requests(path: Path | None) -> list[tuple[int, dict[str, Any]]]:
    """Read the requests of golden tests, with their line numbers, and check all that does not depend on the pipeline.

    :param path: JSON Lines, a request in each line; ``None`` for those that come with spacy-lambda.
    :raises DeployError: If the file cannot be read, has no requests, or an invalid one; names its line.
    """
    path = path or DEFAULT_FILE
    try:
        lines = read_file(path, limit=MAX_BYTES).decode("utf-8-sig").split("\n")
    except (OSError, ValueError) as exc:
        raise DeployError(f"the golden tests cannot be read from {path}: {system_reason(exc)}", remedy=REMEDY) from exc
    requests = [(number, _read_request(path, number, line)) for number, line in enumerate(lines, 1) if line.strip()]
    if not requests:
        raise DeployError(f"{path} has no golden tests", remedy=REMEDY)
    return requests


def _read_request(path: Path, number: int, line: str) -> dict[str, Any]:
    from spacy_lambda.runtime.request import parse_request

    try:
        request = parse_json(line)
    except ValueError as exc:
        raise DeployError(f"{path}:{number}: the golden test is not JSON: {exc}", remedy=REMEDY) from exc
    if not isinstance(request, dict):
        raise DeployError(f"{path}:{number}: the golden test is not a JSON object", remedy=REMEDY)
    try:
        parse_request(request, max_length=sys.maxsize)
    except RequestError as exc:
        raise _refused(path, number, exc) from exc
    return request


def _refused(path: Path | None, number: int, error: RequestError) -> DeployError:
    message = f"{path or DEFAULT_FILE}:{number}: the golden test is refused: {error.message}"
    return DeployError(message, remedy=error.remedy)


def open_predictor(folder: Path) -> Predictor:
    """Load a pipeline as the function does."""
    # First, so that spaCy is imported without its command line.
    from spacy_lambda.runtime.loading import load_pipeline  # isort: skip
    from spacy_lambda.runtime.predictor import Predictor

    return Predictor(load_pipeline(folder), os.environ)


def make_golden_tests(
    predictor: Predictor, requests: Sequence[tuple[int, dict[str, Any]]], *, path: Path | None = None
) -> tuple[GoldenTest, ...]:
    """Run the pipeline on this machine for the expected responses.

    :param predictor: The pipeline that is being deployed.
    :param path: File of the requests; ``None`` for those that come with spacy-lambda.
    :raises DeployError: If this pipeline does not accept a request.
    """
    made = []
    for number, request in requests:
        try:
            expected = json.loads(json.dumps(predictor.predict(predictor.parse(request))))
        except RequestError as exc:
            raise _refused(path, number, exc) from exc
        made.append(GoldenTest(number, request, expected))
    return tuple(made)


def run_golden_tests(
    aws: Aws, function: str, version: str, tests: Sequence[GoldenTest], *, on_step: OnStep = no_progress
) -> None:
    """Run golden tests against a version. The first also warms it.

    :raises DeployError: If a response is not the expected one.
    """
    client = aws.client("lambda")
    for number, test in enumerate(tests):
        on_step("golden tests", number, len(tests))
        payload = json.dumps(test.request, ensure_ascii=False).encode()
        try:
            invocation = invoke_function(client, function, payload, qualifier=version)
        except InvokeError as exc:
            raise DeployError(
                f"version {version} of {function} failed the golden test in line {test.number}: {exc.message}",
                remedy=f"no version went live; {exc.remedy}",
            ) from exc
        problem = _problem(test, invocation)
        if problem is not None:
            failure = None if invocation.error is None else invocation.error.failure
            check = "see `spacy-lambda logs`, and bundle again if the pipeline has changed"
            raise DeployError(
                f"version {version} of {function} failed the golden test in line {test.number}: {problem}",
                remedy=f"no version went live; {check if failure is None else failure.remedy}",
            )


def _problem(test: GoldenTest, invocation: Invocation) -> str | None:
    """Describe a failed test without quoting texts: it is printed in logs of CI."""
    found = invocation.answer
    if invocation.error is not None:
        failure = invocation.error.failure
        return f"it ended with the error {invocation.error.error_type}" if failure is None else failure.message
    if found == test.expected:
        return None
    if isinstance(found, list) and isinstance(test.expected, list):
        missing = sum(item not in found for item in test.expected)
        extra = sum(item not in test.expected for item in found)
        return f"of {len(test.expected)} expected entities {missing} are missing, and {extra} are unexpected"
    return f"it returned a {type(found).__name__}, not the expected {type(test.expected).__name__}"
