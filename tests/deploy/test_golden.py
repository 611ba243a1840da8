"""What a new version is asked, and what becomes of a wrong answer."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_lambda.deploy.golden import Golden, check_version, expected_answers, read_requests
from spacy_lambda.errors import DeployError

SECRET = "Mrs. Iron"


class FakeLambda:
    """Answers as it was told."""

    def __init__(self, answer: Any, error: str | None = None) -> None:
        self._answer = answer
        self._error = error
        self.asked: list[dict[str, Any]] = []

    def client(self, service: str) -> FakeLambda:
        return self

    def invoke(self, **arguments: Any) -> dict[str, Any]:
        self.asked.append(arguments)
        payload = self._answer if isinstance(self._answer, bytes) else json.dumps(self._answer).encode()
        return {"Payload": io.BytesIO(payload), **({"FunctionError": self._error} if self._error else {})}


ANSWER = [{"text": "Iron", "label": "MATERIAL", "start": 5, "end": 9}]
GOLDEN = (Golden(3, {"text": SECRET}, ANSWER),)


def check(fake: FakeLambda) -> None:
    check_version(fake, "papers-ner", "7", GOLDEN)  # type: ignore[arg-type]


def test_the_right_answers_are_asked_of_that_version() -> None:
    fake = FakeLambda(ANSWER)
    check(fake)
    (asked,) = fake.asked
    assert (asked["FunctionName"], asked["Qualifier"]) == ("papers-ner", "7")
    assert json.loads(asked["Payload"]) == {"text": SECRET}


@pytest.mark.parametrize(
    ("fake", "told"),
    [
        (FakeLambda([]), "does not answer as here: of 1 entities 1 are missing, 0 are new"),
        (FakeLambda([{**ANSWER[0], "end": 8}]), "of 1 entities 1 are missing, 1 are new"),
        (FakeLambda({"ents": ANSWER}), "that are no list of entities"),
        (FakeLambda(b"not JSON"), "8 bytes that are no list of entities"),
        (
            FakeLambda({"errorType": "PipelineLoadError", "errorMessage": SECRET}, "Unhandled"),
            "fails (PipelineLoadError)",
        ),
        (FakeLambda(ANSWER, "Unhandled"), "fails (Unknown)"),
    ],
)
def test_a_wrong_answer_is_told_by_its_line_and_without_texts(fake: FakeLambda, told: str) -> None:
    with pytest.raises(DeployError) as caught:
        check(fake)
    assert told in caught.value.message
    assert "version 7 of papers-ner, asked the golden text in line 3" in caught.value.message
    assert "nothing went live" in caught.value.remedy
    assert "Iron" not in str(caught.value)


def test_those_that_come_with_it_are_requests(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "MATERIAL", "pattern": "silicon"}])  # type: ignore[attr-defined]
    nlp.to_disk(tmp_path / "pipeline")
    answered = expected_answers(tmp_path / "pipeline", read_requests(None))
    assert answered.labels == ("MATERIAL",)
    assert len(answered.golden) == len(answered.milliseconds) == 6
    assert [len(one.answer) for one in answered.golden] == [0, 1, 0, 0, 0, 2]


@pytest.mark.parametrize("content", [None, "", "\n", "[1]\n", '{"text": "a"}\n{'])
def test_a_file_that_has_none_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "golden.jsonl"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DeployError) as caught:
        read_requests(path)
    assert caught.value.remedy == 'write a request in each line: {"text": "..."}'


def test_a_golden_text_that_is_no_request_is_told_before_anything_is_deployed(tmp_path: Path) -> None:
    spacy.blank("en").to_disk(tmp_path / "pipeline")
    with pytest.raises(DeployError, match="a golden text is refused: unknown key 'txt'"):
        expected_answers(tmp_path / "pipeline", [(1, {"txt": "a"})])
