"""The bundled pipeline behind Lambda's protocols, called as its users call it."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from spacy_lambda.local import FunctionSettings, Invocation, LocalLambda, invoke

TEXT = "Thin films of iron oxide were grown on silicon by molecular beam epitaxy."
MATERIALS = ("iron", "silicon", "graphite", "copper", "glass", "cobalt", "tungsten", "nickel")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def bundled() -> Iterator[LocalLambda]:
    settings = FunctionSettings(pipeline="en_scienceie_minilm", max_concurrency=2, timeout_s=60)
    with LocalLambda(settings) as local:
        yield local


def call(local: LocalLambda, event: Any) -> Invocation:
    return invoke(local.endpoint_url, "function", event)


def test_entities(bundled: LocalLambda) -> None:
    result = call(bundled, {"text": TEXT})
    assert result.error is None
    assert {"text": "iron oxide", "label": "MATERIAL", "start": 14, "end": 24} in result.answer
    assert all(TEXT[ent["start"] : ent["end"]] == ent["text"] for ent in result.answer)
    assert result.report is not None
    assert result.report.max_memory_mb is not None


def test_the_other_shapes(bundled: LocalLambda) -> None:
    entities = call(bundled, {"text": TEXT}).answer
    assert call(bundled, {"text": ""}).answer == []
    assert call(bundled, {"texts": [TEXT, "", TEXT]}).answer == [entities, [], entities]
    groups = [
        {"entity_group": ent["label"], "word": ent["text"], "start": ent["start"], "end": ent["end"], "score": 1.0}
        for ent in entities
    ]
    assert call(bundled, {"inputs": TEXT}).answer == groups
    assert call(bundled, {"text": TEXT, "include": ["ents", "cats"]}).answer == {"ents": entities, "cats": {}}


@pytest.mark.parametrize(
    ("event", "key"),
    [({}, "text"), ({"text": 1}, "text"), ({"txt": ""}, None), ([], None), ({"texts": ["", None]}, "texts[1]")],
    ids=str,
)
def test_invalid_requests(bundled: LocalLambda, event: Any, key: str | None) -> None:
    result = call(bundled, event)
    assert result.error is not None
    assert result.error.error_type == "RequestError"
    assert result.error.request_error is not None
    assert (result.error.request_error.key, result.error.request_error.status) == (key, 400)
    assert key is None or key in result.error.message
    assert result.error.remedy
    assert not result.answer.get("stackTrace")
    assert call(bundled, {"text": ""}).answer == []


def test_200_callers_at_once(bundled: LocalLambda) -> None:
    texts = [f"{'Some ' * (i % 7)}films of {MATERIALS[i % 8]} number {i} were studied." for i in range(200)]
    expected = call(bundled, {"texts": texts}).answer
    with ThreadPoolExecutor(200) as callers:
        answers = list(callers.map(lambda text: call(bundled, {"text": text}).answer, texts))
    assert answers == expected
    assert sum(map(bool, expected)) > 100
    assert len(bundled.environment_pids) <= 2


def test_kill_during_a_request(bundled: LocalLambda) -> None:
    call(bundled, {"text": TEXT})
    with ThreadPoolExecutor(1) as callers:
        victim = callers.submit(call, bundled, {"text": TEXT * 2000})
        while not victim.done():
            for pid in bundled.environment_pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        error = victim.result().error
    assert error is not None
    assert error.error_type == "Runtime.ExitError"
    assert call(bundled, {"text": TEXT}).error is None
