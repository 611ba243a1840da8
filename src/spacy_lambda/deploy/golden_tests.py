"""Golden tests: requests, and the predictions that a new version must return before it goes live.

The expected predictions are those of the same pipeline on this machine, by the same code. A function's can only differ
if something went wrong on the way, or if its CPU computes differently.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy_lambda.client.invocation import Invocation
from spacy_lambda.client.lambda_api import invoke_function
from spacy_lambda.core.files import read_file
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.deploy.aws import Aws
from spacy_lambda.errors import DeployError, InvokeError, RequestError

__all__ = ["GoldenTest", "GoldenTests", "make_golden_tests", "read_requests", "run_golden_tests"]

MAX_BYTES = 16 * 1024 * 1024
DEFAULT_FILE = Path(__file__).with_suffix(".jsonl")


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


@dataclass(frozen=True)
class GoldenTests:
    """Golden tests of one pipeline, with labels and latencies recorded when they were made.

    :param golden_tests: The tests.
    :param labels: Labels of the pipeline's entities.
    :param milliseconds: Latency of a text, for each request.
    """

    golden_tests: tuple[GoldenTest, ...]
    labels: tuple[str, ...]
    milliseconds: tuple[float, ...]


def read_requests(path: Path | None) -> list[tuple[int, dict[str, Any]]]:
    """Read the requests of golden tests, with their line numbers.

    :param path: JSON Lines, a request in each line; ``None`` for those that come with spacy-lambda.
    :raises DeployError: If the file cannot be read, or has no requests.
    """
    path = path or DEFAULT_FILE
    remedy = 'write a request in each line: {"text": "..."}'
    try:
        lines = read_file(path, limit=MAX_BYTES).decode("utf-8-sig").splitlines()
        requests = [(number, parse_json(line)) for number, line in enumerate(lines, start=1) if line.strip()]
    except (OSError, ValueError) as exc:
        raise DeployError(f"the golden tests cannot be read from {path}: {system_reason(exc)}", remedy=remedy) from exc
    if not requests or not all(isinstance(request, dict) for _, request in requests):
        raise DeployError(f"{path} has no golden tests, or a line that is not a JSON object", remedy=remedy)
    return requests


def make_golden_tests(folder: Path, requests: Sequence[tuple[int, dict[str, Any]]]) -> GoldenTests:
    """Run the pipeline on this machine for the expected responses.

    :param folder: The pipeline that is being deployed.
    :raises DeployError: If this pipeline does not accept a request.
    """
    # First, so that spaCy is imported without its command line.
    from spacy_lambda.runtime.loading import load_pipeline  # isort: skip
    from spacy_lambda.runtime.labels import entity_labels
    from spacy_lambda.runtime.predictor import Predictor

    predictor = Predictor(load_pipeline(folder), os.environ)
    tests, milliseconds = [], []
    try:
        for number, request in requests:
            parsed = predictor.parse(request)
            began = time.perf_counter()
            response = predictor.predict(parsed)
            milliseconds.append((time.perf_counter() - began) * 1000 / max(1, len(parsed.texts)))
            tests.append(GoldenTest(number, request, json.loads(json.dumps(response))))
    except RequestError as exc:
        raise DeployError(f"a golden test is refused: {exc.message}", remedy=exc.remedy) from exc
    return GoldenTests(tuple(tests), tuple(entity_labels(predictor.nlp)), tuple(milliseconds))


def run_golden_tests(aws: Aws, function: str, version: str, tests: Sequence[GoldenTest]) -> None:
    """Run golden tests against a version. The first also warms it.

    :raises DeployError: If a response is not the expected one.
    """
    client = aws.client("lambda")
    for test in tests:
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
            raise DeployError(
                f"version {version} of {function} failed the golden test in line {test.number}: {problem}",
                remedy="no version went live; see `spacy-lambda logs`, and bundle again if the pipeline has changed",
            )


def _problem(test: GoldenTest, invocation: Invocation) -> str | None:
    """Describe a failed test without quoting texts: it is printed in logs of CI."""
    found = invocation.answer
    if invocation.error is not None:
        return f"it ended with the error {invocation.error.error_type}"
    if found == test.expected:
        return None
    if isinstance(found, list) and isinstance(test.expected, list):
        missing = sum(item not in found for item in test.expected)
        extra = sum(item not in test.expected for item in found)
        return f"of {len(test.expected)} expected entities {missing} are missing, and {extra} are unexpected"
    return f"it returned a {type(found).__name__}, not the expected {type(test.expected).__name__}"
