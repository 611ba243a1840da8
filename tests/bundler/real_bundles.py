"""Predictions of the bundled pipeline, from the development environment and from functions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import boto3
import pytest
import spacy
from botocore.config import Config

from spacy_lambda.bundler.bytecode import find_python
from spacy_lambda.bundler.target import Target
from tests.bundler.wheels import BUNDLED

TEXTS = [
    "Thin films of iron oxide were grown on silicon by molecular beam epitaxy.",
    "",
    "We simulate heat transfer in FeGe films 🧪 with a finite element method. " * 40,
]
needs_313 = pytest.mark.skipif(find_python(Target("3.13")) is None, reason="Python 3.13 is not installed here")


def expected(texts: Sequence[str] = TEXTS) -> list[list[dict[str, Any]]]:
    """Return the predictions of the development environment."""
    nlp = spacy.load(BUNDLED)
    return [
        [{"text": ent.text, "label": ent.label_, "start": ent.start_char, "end": ent.end_char} for ent in doc.ents]
        for doc in nlp.pipe(texts)
    ]


def invoke(endpoint_url: str, event: Any) -> Any:
    client = boto3.client(
        "lambda",
        endpoint_url=endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="none",
        aws_secret_access_key="none",
        config=Config(retries={"total_max_attempts": 1}),
    )
    answer = client.invoke(FunctionName="function", Payload=json.dumps(event))
    client.close()
    assert "FunctionError" not in answer, answer["Payload"].read()
    return json.loads(answer["Payload"].read())
