"""Golden tests: made by the pipeline on this machine, and run against a new version."""

from __future__ import annotations

import io
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_lambda.config.project import FunctionConfig, Project
from spacy_lambda.deploy.deployment import plan
from spacy_lambda.deploy.expected_predictions import find_difference
from spacy_lambda.deploy.golden_tests import (
    GoldenRequest,
    GoldenTest,
    make_golden_tests,
    open_predictor,
    read_requests,
    run_golden_tests,
)
from spacy_lambda.errors import DeployError
from tests.cli.in_process import run_command

SECRET = "Mrs. Iron"


class FakeLambda:
    """Lambda's API with one response."""

    def __init__(self, answer: Any, error: str | None = None) -> None:
        self._answer = answer
        self._error = error
        self.requests: list[dict[str, Any]] = []

    def client(self, service: str) -> FakeLambda:
        return self

    def invoke(self, **arguments: Any) -> dict[str, Any]:
        self.requests.append(arguments)
        payload = self._answer if isinstance(self._answer, bytes) else json.dumps(self._answer).encode()
        error = {"FunctionError": self._error} if self._error else {}
        return {"Payload": io.BytesIO(payload), "StatusCode": 200, "ResponseMetadata": {}, **error}


ANSWER = [{"text": "Iron", "label": "MATERIAL", "start": 5, "end": 9}]
GOLDEN = (GoldenTest(3, {"text": SECRET}, ANSWER),)


def check(fake: FakeLambda) -> None:
    run_golden_tests(fake, "papers-ner", "7", GOLDEN)  # type: ignore[arg-type]


def test_the_version_is_invoked_with_each_request() -> None:
    fake = FakeLambda(ANSWER)
    check(fake)
    (requested,) = fake.requests
    assert (requested["FunctionName"], requested["Qualifier"]) == ("papers-ner", "7")
    assert json.loads(requested["Payload"]) == {"text": SECRET}


def test_scores_may_differ_as_much_as_those_that_a_line_names() -> None:
    """Another CPU computes their last digits differently."""
    scored = [{**ANSWER[0], "score": 0.9912345}]
    for version, is_same in ((0.9912346, True), (0.9821, True), (0.98, False)):
        found = [{**ANSWER[0], "score": version}]
        assert (find_difference(scored, found) is None) == is_same
        tests = (GoldenTest(1, {"inputs": SECRET}, scored),)
        with nullcontext() if is_same else pytest.raises(DeployError, match="another value differs"):
            run_golden_tests(FakeLambda(found), "papers-ner", "7", tests)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fake", "message"),
    [
        (FakeLambda([]), "the prediction differs from that of this machine: missing: MATERIAL 5–9"),
        (FakeLambda([{**ANSWER[0], "end": 8}]), "missing: MATERIAL 5–9; unexpected: MATERIAL 5–8"),
        (FakeLambda([{**ANSWER[0], "text": SECRET}]), "the text or another value differs"),
        (FakeLambda([{**ANSWER[0], "kb_id": "Q1"}]), "it has values that are not expected"),
        (FakeLambda({"ents": ANSWER}), "an object, not an array"),
        (
            FakeLambda({"errorType": "PipelineLoadError", "errorMessage": SECRET}, "Unhandled"),
            "it ended with the error PipelineLoadError",
        ),
        (FakeLambda(ANSWER, "Unhandled"), "it ended with the error Unknown"),
        (
            FakeLambda({"errorMessage": "1f Task timed out after 30.00 seconds"}, "Unhandled"),
            "its timeout of 30 s ended before it responded",
        ),
    ],
)
def test_a_failure_names_the_line_and_quotes_no_text(fake: FakeLambda, message: str) -> None:
    with pytest.raises(DeployError) as caught:
        check(fake)
    assert message in caught.value.message
    assert "version 7 of papers-ner failed the golden test in line 3" in caught.value.message
    assert "no version went live" in caught.value.remedy
    assert "Iron" not in str(caught.value)


def test_a_response_that_is_not_json_is_an_error() -> None:
    with pytest.raises(
        DeployError, match=r"version 7 of papers-ner failed the golden test in line \d+: .*invalid JSON"
    ):
        check(FakeLambda(b"not JSON"))


@pytest.mark.slow
def test_the_default_golden_tests_are_requests(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "MATERIAL", "pattern": "silicon"}])  # type: ignore[attr-defined]
    nlp.to_disk(tmp_path / "pipeline")
    made = make_golden_tests(open_predictor(tmp_path / "pipeline"), read_requests(None))
    assert [len(one.expected) for one in made] == [0, 1, 0, 0, 0, 2]


@pytest.mark.parametrize("content", [None, "", "\n", "[1]\n", '{"text": "a"}\n{'])
def test_a_file_that_has_none_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "golden.jsonl"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DeployError) as caught:
        read_requests(path)
    remedy = (
        "check the path and its permissions" if content is None else 'write a request in each line: {"text": "..."}'
    )
    assert caught.value.remedy == remedy


def test_an_invalid_request_is_refused_before_anything_is_deployed(tmp_path: Path) -> None:
    spacy.blank("en").to_disk(tmp_path / "pipeline")
    long = {"text": "a" * 2_000_000}
    with pytest.raises(DeployError, match=r"tests.jsonl:7: the golden test is refused: .*2,000,000 characters"):
        make_golden_tests(
            open_predictor(tmp_path / "pipeline"), [GoldenRequest(7, long)], path=tmp_path / "tests.jsonl"
        )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"txt": 1}', "the golden test is refused: unknown key 'txt'"),
        ('{"text": 1}', "the golden test is refused: "),
        ('{"text": "a"', "the golden test is not JSON: "),
        ("[1]", "the golden test is not a JSON object"),
    ],
)
def test_a_fault_is_named_with_its_file_and_line_without_the_pipeline(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "golden.jsonl"
    path.write_text('{"text": "a line separator: \u2028."}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(DeployError) as caught:
        read_requests(path)
    assert caught.value.message.startswith(f"{path}:2: {message}")


def test_the_golden_tests_of_all_functions_are_read_before_the_first_is_bundled(tmp_path: Path) -> None:
    (tmp_path / "golden.jsonl").write_text('{"txt": 1}')
    first = FunctionConfig(name="first", pipeline="./none")
    second = FunctionConfig(name="second", pipeline="./none", golden=tmp_path / "golden.jsonl")
    project = Project(name="papers", region="eu-central-1", functions=(first, second), folder=tmp_path)
    with pytest.raises(DeployError, match=r"golden.jsonl:1: the golden test is refused"):
        plan(project, project.functions, aws=None, cdk=None)  # type: ignore[arg-type]


def test_the_faults_of_all_lines_are_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "golden.jsonl"
    path.write_text('{"txt": 1}\n{"text": "iron"}\n[1]\n{"text": "iron", "expected": null}\n')
    with pytest.raises(DeployError) as caught:
        read_requests(path)
    first, *lines = caught.value.message.splitlines()
    assert first == f"{path} has 3 faults:"
    assert [line.partition(":")[0] for line in lines] == ["  line 1", "  line 3", "  line 4"]
    assert 'invalid "expected": it is not an array or an object' in lines[2]
    assert caught.value.remedy.startswith("change each:\n  line 1: ")


SILICON = {"text": "silicon", "label": "MATERIAL", "start": 3, "end": 10}
IRON = {"text": "iron", "label": "METAL", "start": 12, "end": 16}
GROUP = {"word": "iron", "entity_group": "METAL", "start": 12, "end": 16, "score": 0.5}


def test_a_line_may_name_the_prediction_that_it_expects(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "MATERIAL", "pattern": "silicon"}])  # type: ignore[attr-defined]
    nlp.to_disk(tmp_path / "pipeline")
    path, predictor = tmp_path / "golden.jsonl", open_predictor(tmp_path / "pipeline")

    def make(*expected: Any) -> Any:
        lines = ({"text": "On silicon.", "expected": one} for one in expected)
        path.write_text("\n".join(map(json.dumps, lines)))
        return make_golden_tests(predictor, read_requests(path), path=path)

    assert make([SILICON]) == (GoldenTest(1, {"text": "On silicon."}, [SILICON]),)
    with pytest.raises(DeployError, match=r"golden.jsonl:1: .*expected: unexpected: MATERIAL 3–10") as caught:
        make([])
    assert "silicon" not in str(caught.value)
    with pytest.raises(DeployError, match=r"has 2 faults:\n  line 1: .*\n  line 3: .*array, not an object"):
        make([], [SILICON], {"ents": []})


@pytest.mark.parametrize(
    ("expected", "found", "difference"),
    [
        ([SILICON], [SILICON], None),
        ([{**SILICON, "score": 0.991}], [{**SILICON, "score": 0.99}], None),
        ({"cats": {"YES": 1}}, {"cats": {"YES": 1.0}}, None),
        ([SILICON], [{**SILICON, "label": "TASK"}], "missing: MATERIAL 3–10; unexpected: TASK 3–10"),
        ([SILICON, SILICON], [SILICON], "missing: MATERIAL 3–10"),
        ([SILICON, IRON], [IRON, SILICON], None),
        ([["silicon", "MATERIAL"], ["iron", "METAL"]], [SILICON, IRON], None),
        ([[12, 16, "METAL"], ["silicon", "MATERIAL"]], [SILICON, IRON], None),
        ([{"text": "iron", "label": "METAL"}, {"label": "MATERIAL", "start": 3, "end": 10}], [SILICON, IRON], None),
        ([["iron", "METAL"], IRON], [IRON, {**IRON, "start": 20, "end": 24}], None),
        ([["iron", "METAL"], ["tin", "METAL"]], [IRON], "missing: METAL (item 2)"),
        ([["iron", "METAL"]], [IRON, IRON], "unexpected: METAL 12–16"),
        ([{"text": "tin", "label": "METAL"}], [], "missing: METAL (item 1)"),
        ([[12, 17, "METAL"]], [IRON], "missing: METAL 12–17; unexpected: METAL 12–16"),
        ({"ents": [["iron", "METAL"]], "cats": {}}, {"ents": [IRON], "cats": {}}, None),
        ([[["iron", "METAL"]], []], [[IRON], []], None),
        ([["iron", "METAL"]], [GROUP], None),
        ([{"word": "iron", "entity_group": "METAL"}], [GROUP], None),
        ([["iron", "METAL"], ["iron", "METAL"]], [[IRON], []], "item 1: 1 item, not 2; item 2: 0 items, not 2"),
        ([{"label": "METAL", "start": 12}], [IRON], 'item 1: "text" is unexpected; item 1: "end" is unexpected'),
        ([[SILICON], []], [[SILICON], [SILICON]], "item 2: unexpected: MATERIAL 3–10"),
        ([[SILICON]], [[SILICON], []], "2 items, not 1"),
        ({"cats": {"YES": 0.9}}, {"cats": {"YES": 0.2}}, '"cats": "YES": 0.2, not 0.9'),
        ({"ents": [], "cats": {}}, {"ents": [], "sents": []}, '"cats" is missing; "sents" is unexpected'),
        ({"ents": True}, {"ents": "silicon"}, '"ents": a string, not a boolean'),
        ({"ents": "iron"}, {"ents": "silicon"}, '"ents": another string'),
    ],
)
def test_differences_are_described_by_labels_and_offsets(expected: Any, found: Any, difference: str | None) -> None:
    assert find_difference(expected, found) == difference


CATS = {"YES": 0.9}


@pytest.mark.parametrize(
    ("line", "request_sent", "expected"),
    [
        ({"ents": [["silicon", "MATERIAL"]]}, {}, [["silicon", "MATERIAL"]]),
        ({"id": "texts.jsonl:1", "year": 2021, "ents": [SILICON]}, {}, [SILICON]),
        ({"ents": [SILICON], "cats": CATS}, {"include": ["ents", "cats"]}, {"ents": [SILICON], "cats": CATS}),
        ({"cats": CATS}, {"include": ["cats"]}, {"cats": CATS}),
        ({"ents": [], "long_text": "split"}, {"long_text": "split"}, []),
        ({"ents": [], "long_text": "A column of the corpus.", "texts": 3}, {}, []),
        ({"ents": [SILICON], "expected": [], "input_ents": []}, {}, [SILICON]),
        ({"include": ["cats"], "expected": {"cats": CATS}}, {"include": ["cats"]}, {"cats": CATS}),
    ],
)
def test_the_annotations_of_a_document_are_expected(
    tmp_path: Path, line: dict[str, Any], request_sent: dict[str, Any], expected: Any
) -> None:
    path = tmp_path / "golden.jsonl"
    path.write_text(json.dumps({"text": "On silicon.", **line}))
    assert read_requests(path) == [GoldenRequest(1, {"text": "On silicon.", **request_sent}, expected)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"text": "tin", "ents": [["tin"]]}, 'invalid entities in "ents"'),
        ({"text": "tin", "ents": [{}]}, 'invalid entities in "ents"'),
        ({"text": "tin", "ents": {"tin": "METAL"}}, 'invalid entities in "ents"'),
        ({"text": "tin", "ents": None}, 'invalid "ents": it is not an array or an object'),
        ({"text": "tin", "cats": "YES"}, 'invalid "cats": it is not an array or an object'),
        ({"text": 3, "ents": []}, '"text" is a number, not a string'),
        ({"texts": ["tin"], "ents": []}, 'the key "text" is missing'),
        ({"text": "tin", "entities": [["tin", "METAL"]]}, "unknown key 'entities'"),
    ],
)
def test_invalid_annotations_are_named_with_their_file_and_line(
    tmp_path: Path, line: dict[str, Any], message: str
) -> None:
    path = tmp_path / "golden.jsonl"
    path.write_text('{"text": "tin"}\n' + json.dumps(line))
    with pytest.raises(DeployError) as caught:
        read_requests(path)
    assert caught.value.message.startswith(f"{path}:2: the golden test ")
    assert message in caught.value.message
    assert "tin" not in caught.value.message.partition(": ")[2]


@pytest.mark.parametrize("include", ["ents", pytest.param("ents,sents,tokens,cats,spans", marks=pytest.mark.slow)])
def test_what_annotate_writes_is_a_file_of_golden_tests(tmp_path: Path, include: str) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "MATERIAL", "pattern": "silicon"}])  # type: ignore[attr-defined]
    nlp.to_disk(tmp_path / "pipeline")
    lines: list[dict[str, Any]] = [
        {"text": "On silicon. Twice.", "year": 2021, "expected": []},
        {"text": ""},
        {"text": "Line\u2028\U0001f9ea"},
    ]
    texts, golden = tmp_path / "texts.jsonl", tmp_path / "golden.jsonl"
    texts.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    done = run_command(
        "annotate", str(texts), str(golden), "--pipeline", str(tmp_path / "pipeline"), "--include", include
    )
    assert not isinstance(done, Exception), done
    made = make_golden_tests(open_predictor(tmp_path / "pipeline"), read_requests(golden), path=golden)
    assert [one.request["text"] for one in made] == [line["text"] for line in lines]
    entities = [one.expected["ents"] if isinstance(one.expected, dict) else one.expected for one in made]
    assert entities == [[SILICON], [], []]
    nlp.remove_pipe("entity_ruler")
    nlp.to_disk(tmp_path / "other")
    with pytest.raises(DeployError, match=r"golden.jsonl:1: .*missing: MATERIAL 3–10"):
        make_golden_tests(open_predictor(tmp_path / "other"), read_requests(golden), path=golden)


def test_a_difference_in_the_text_alone_is_explained() -> None:
    found = find_difference([SILICON], [{**SILICON, "text": "Silicon"}])
    assert found is not None
    assert found.endswith("the text or another value differs")
    assert "ilicon" not in found
