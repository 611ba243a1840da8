"""Requests whose answers a new version must give before it goes live.

What is right is what the same pipeline answers here, by the same code: the answers of the function can only differ
where something went wrong on the way, or where its CPU computes otherwise than this one.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from spacy_lambda.core.files import read_file
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.deploy.aws import Aws, aws_error
from spacy_lambda.errors import DeployError, RequestError

__all__ = ["Answered", "Golden", "check_version", "expected_answers", "read_requests"]

MAX_BYTES = 16 * 1024 * 1024

COMES_WITH_IT = Path(__file__).with_name("golden.jsonl")


@dataclass(frozen=True)
class Golden:
    """One request and its answer.

    :param number: The line that it is in.
    :param request: As the function takes it.
    :param answer: As the function must give it.
    """

    number: int
    request: dict[str, Any]
    answer: Any


@dataclass(frozen=True)
class Answered:
    """What a pipeline said here.

    :param golden: Its answers.
    :param labels: What its entities can be.
    :param milliseconds: How long each text took.
    """

    golden: tuple[Golden, ...]
    labels: tuple[str, ...]
    milliseconds: tuple[float, ...]


def read_requests(path: Path | None) -> list[tuple[int, dict[str, Any]]]:
    """Requests and their line numbers.

    :param path: ``.jsonl``, a request in each line; ``None`` for those that come with spacy-lambda.
    :raises DeployError: If it cannot be read, or has none.
    """
    path = path or COMES_WITH_IT
    remedy = 'write a request in each line: {"text": "..."}'
    try:
        lines = read_file(path, limit=MAX_BYTES).decode("utf-8-sig").splitlines()
        requests = [(number, parse_json(line)) for number, line in enumerate(lines, start=1) if line.strip()]
    except (OSError, ValueError) as exc:
        raise DeployError(f"the golden texts cannot be read from {path}: {exc}", remedy=remedy) from exc
    if not requests or not all(isinstance(request, dict) for _, request in requests):
        raise DeployError(f"{path} has no golden texts, or a line that is no request", remedy=remedy)
    return requests


def expected_answers(folder: Path, requests: Sequence[tuple[int, dict[str, Any]]]) -> Answered:
    """What the pipeline answers here.

    :param folder: The pipeline that is being deployed.
    :raises DeployError: If a golden text is no request for this pipeline.
    """
    # First, so that spaCy is imported without its command line.
    from spacy_lambda.runtime.loading import load_pipeline  # isort: skip
    from spacy_lambda.runtime.labels import entity_labels
    from spacy_lambda.runtime.predictor import Predictor

    function = Predictor(load_pipeline(folder), os.environ)
    golden, milliseconds = [], []
    try:
        for number, request in requests:
            parsed = function.parse(request)
            began = time.perf_counter()
            answer = function.predict(parsed)
            milliseconds.append((time.perf_counter() - began) * 1000 / max(1, len(parsed.texts)))
            golden.append(Golden(number, request, json.loads(json.dumps(answer))))
    except RequestError as exc:
        raise DeployError(f"a golden text is refused: {exc.message}", remedy=exc.remedy) from exc
    return Answered(tuple(golden), tuple(entity_labels(function.nlp)), tuple(milliseconds))


def check_version(aws: Aws, function: str, version: str, golden: Sequence[Golden]) -> None:
    """Ask a version everything, and compare.

    The first of them also warms it.

    :raises DeployError: If one answer is not the one that is expected.
    """
    client = aws.client("lambda")
    for one in golden:
        try:
            response = client.invoke(
                FunctionName=function, Qualifier=version, Payload=json.dumps(one.request, ensure_ascii=False).encode()
            )
            payload = response["Payload"].read()
        except (ClientError, BotoCoreError) as exc:
            raise aws_error(exc, f"asking version {version} of {function}") from exc
        failed = response.get("FunctionError")
        if failed or _decoded(payload) != one.answer:
            said = f"fails ({_error_type(payload)})" if failed else f"does not answer as here: {_where(one, payload)}"
            raise DeployError(
                f"version {version} of {function}, asked the golden text in line {one.number}, {said}",
                remedy="nothing went live. See 'spacy-lambda logs'; where the pipeline did change, bundle it again",
            )


def _decoded(payload: bytes) -> Any:
    try:
        return parse_json(payload)
    except ValueError:
        return None


def _error_type(payload: bytes) -> str:
    error = _decoded(payload)
    return str(error.get("errorType", "Unknown")) if isinstance(error, dict) else "Unknown"


def _where(one: Golden, payload: bytes) -> str:
    """How many parts of the answers differ; not the texts, for this is printed in CI's logs."""
    found = _decoded(payload)
    if isinstance(found, list) and isinstance(one.answer, list):
        missing = sum(item not in found for item in one.answer)
        extra = sum(item not in one.answer for item in found)
        return f"of {len(one.answer)} entities {missing} are missing, {extra} are new"
    return f"it answered with {len(payload)} bytes that are no list of entities"
