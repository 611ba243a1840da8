"""Golden tests: requests, and the predictions that a new version must return before it goes live.

The expected predictions are those of the same pipeline on this machine, by the same code. A function's can only differ
if something went wrong on the way, or if its CPU computes differently, for which scores have a tolerance. If a line
names the prediction that it expects, the pipeline must give it on this machine, before anything is deployed.
``golden_lines`` has the format.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from spacy_lambda.client.invocation import Invocation
from spacy_lambda.client.lambda_api import invoke_function
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.deploy.expected_predictions import find_difference
from spacy_lambda.deploy.golden_lines import GoldenLine, InvalidLine, raise_faults, read_lines, split_line
from spacy_lambda.errors import DeployError, InvokeError, RequestError

if TYPE_CHECKING:
    from spacy_lambda.runtime.predictor import Predictor

__all__ = ["GoldenRequest", "GoldenTest", "make_golden_tests", "open_predictor", "read_requests", "run_golden_tests"]

DEFAULT_FILE = Path(__file__).with_suffix(".jsonl")


class GoldenRequest(NamedTuple):
    """One line of a file of golden tests.

    :param number: Its number.
    :param request: The event.
    :param expected: The prediction that it names, as JSON; ``None`` if it names none.
    """

    number: int
    request: dict[str, Any]
    expected: Any = None


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


def read_requests(path: Path | None) -> list[GoldenRequest]:
    """Read the requests of golden tests, and check all that does not depend on the pipeline.

    :param path: The file; ``None`` for those that come with spacy-lambda.
    :raises DeployError: If the file cannot be read, has no requests, or invalid ones; names each line.
    """
    path = path or DEFAULT_FILE
    read = [_read_request(line) if isinstance(line, GoldenLine) else line for line in read_lines(path)]
    raise_faults(path, read)
    return [one for one in read if isinstance(one, GoldenRequest)]


def _read_request(line: GoldenLine) -> GoldenRequest | InvalidLine:
    from spacy_lambda.runtime.request import parse_request

    try:
        request, expected = split_line(line.values)
        parse_request(request, max_length=sys.maxsize)
    except DeployError as exc:
        return InvalidLine(line.number, exc.message, exc.remedy)
    except RequestError as exc:
        return _refused(line.number, exc)
    return GoldenRequest(line.number, request, expected)


def _refused(number: int, error: RequestError) -> InvalidLine:
    return InvalidLine(number, f"the golden test is refused: {error.message}", error.remedy)


def open_predictor(folder: Path) -> Predictor:
    """Load a pipeline as the function does."""
    # First, so that spaCy is imported without its command line.
    from spacy_lambda.runtime.loading import load_pipeline  # isort: skip
    from spacy_lambda.runtime.predictor import Predictor

    return Predictor(load_pipeline(folder), os.environ)


def make_golden_tests(
    predictor: Predictor, requests: Sequence[GoldenRequest], *, path: Path | None = None
) -> tuple[GoldenTest, ...]:
    """Run the pipeline on this machine for the expected responses.

    :param predictor: The pipeline that is being deployed.
    :param path: File of the requests; ``None`` for those that come with spacy-lambda.
    :raises DeployError: If this pipeline does not accept a request, or does not give the prediction that a line names.
    """
    made = list(_made(predictor, requests))
    raise_faults(path or DEFAULT_FILE, made)
    return tuple(one for one in made if isinstance(one, GoldenTest))


def _made(predictor: Predictor, requests: Sequence[GoldenRequest]) -> Iterator[GoldenTest | InvalidLine]:
    for number, request, expected in requests:
        try:
            found = json.loads(json.dumps(predictor.predict(predictor.parse(request))))
        except RequestError as exc:
            yield _refused(number, exc)
            continue
        difference = None if expected is None else find_difference(expected, found)
        if difference is None:
            yield GoldenTest(number, request, found)
        else:
            problem = f"the pipeline does not predict what is expected: {difference}"
            yield InvalidLine(number, problem, "deploy another pipeline, or correct the line")


def run_golden_tests(
    aws: AwsAccount, function: str, version: str, tests: Sequence[GoldenTest], *, on_step: OnStep = no_progress
) -> None:
    """Run golden tests against a version. The first also warms it.

    :raises DeployError: If a prediction differs from the expected one by more than scores may, or a request fails.
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
    if invocation.error is not None:
        failure = invocation.error.failure
        return f"it ended with the error {invocation.error.error_type}" if failure is None else failure.message
    difference = find_difference(test.expected, invocation.answer)
    if difference is None and find_difference(invocation.answer, test.expected) is not None:
        difference = "it has values that are not expected"  # in one direction, only what is expected is compared
    return None if difference is None else f"the prediction differs from that of this machine: {difference}"
