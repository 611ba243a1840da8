"""The pytest plugin, in sessions of its own."""

from __future__ import annotations

import json
import socket
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import spacy

from tests.docs.blocks import ROOT, blocks

pytest_plugins = ["pytester"]

EXAMPLE = ROOT / "examples" / "testing"
PAGE = ROOT / "docs" / "testing.md"


IRON = {"text": "iron", "label": "METAL", "start": 0, "end": 4}
EXPECTED = [
    {"text": "iron", "expected": [IRON]},
    {"texts": ["iron", "tin"], "expected": [[IRON], []]},
    {"id": "texts.jsonl:3", "year": 2021, "text": "iron", "ents": [IRON], "cats": {}},
    {"text": "tin"},
    {"text": "tin", "ents": [["tin", "METAL"]]},
    {"text": 3, "expected": []},
]
"""Lines of golden tests, the last two of which fail."""


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pipeline") / "rules"
    nlp = spacy.blank("xx")
    patterns = [("METAL", "iron"), ("MATERIAL", "Graphite"), ("MATERIAL", "carbon")]
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": label, "pattern": pattern} for label, pattern in patterns])  # type: ignore[attr-defined]
    nlp.to_disk(path)
    return path


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist", *arguments)


def test_the_plugin_is_installed() -> None:
    (plugin,) = (one for one in entry_points(group="pytest11") if one.name == "spacy_lambda")
    assert plugin.value == "spacy_lambda.testing.plugin"


def test_a_function_for_all_tests(pytester: pytest.Pytester, pipeline: Path) -> None:
    folder = pytester.mkdir("project")
    (folder / "rules").symlink_to(pipeline)
    (folder / "pytest.ini").write_text(
        "[pytest]\nspacy_lambda = rules\nspacy_lambda_memory = 1769\nspacy_lambda_timeout = 20\n"
        "spacy_lambda_env =\n  MARK=a=b\n"
    )
    (folder / "golden.jsonl").write_text(
        '{"text": "iron", "ents": [["iron", "METAL"]]}\n\n{"text": "tin", "ents": [["tin", "METAL"]]}\n'
    )
    (folder / "expected.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in EXPECTED))
    (folder / "test_it.py").write_text(
        """
import pytest
from spacy_lambda.testing import assert_golden, assert_same_entities, make_event

@pytest.mark.spacy_lambda_texts("golden.jsonl")
def test_golden(spacy_lambda_function, golden):
    assert_same_entities(spacy_lambda_function.predict(golden["text"]), golden["ents"])

@pytest.mark.spacy_lambda_texts("expected.jsonl")
def test_expected(spacy_lambda_function, golden):
    assert_golden(spacy_lambda_function, golden)

def test_settings(spacy_lambda_function):
    report = spacy_lambda_function.invoke(make_event("direct", ["iron"])).report
    assert report.memory_size_mb == 1769
    assert report.init_ms is None, "another function was started"

def test_refused(spacy_lambda_function):
    spacy_lambda_function.predict(3)
"""
    )
    result = run(pytester, str(folder), "-c", str(folder / "pytest.ini"))
    result.assert_outcomes(passed=6, failed=4)
    result.stdout.fnmatch_lines(["*test_golden[[]golden.jsonl:3[]]*", "*missing: ('tin', 'METAL')*"])
    result.stdout.fnmatch_lines(["*test_expected[[]expected.jsonl:5[]]*", "*AssertionError: missing: METAL (item 1)"])
    result.stdout.fnmatch_lines(['*expected: *"tin", "METAL"*', "*predicted: [[]]*"])
    result.stdout.fnmatch_lines(["*test_expected[[]expected.jsonl:6[]]*", '*RequestError*"text" is a number*'])
    result.stdout.fnmatch_lines(["*test_refused*", '*RequestError*"text" is a number*'])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "test", "message"),
    [
        ("", "def test_it(spacy_lambda_function): pass", "*no pipeline: pass --spacy-lambda PIPELINE*"),
        ("spacy_lambda = nowhere", "def test_it(spacy_lambda_function): pass", "*nowhere*"),
        ("spacy_lambda_memory = much", "def test_it(spacy_lambda_function): pass", "*no pipeline*"),
        ("spacy_lambda = x\nspacy_lambda_memory = much", "def test_it(spacy_lambda_function): pass", "*not a number*"),
        ("spacy_lambda = x\nspacy_lambda_env = A", "def test_it(spacy_lambda_function): pass", "*not KEY=VALUE*"),
        (
            "",
            "@pytest.mark.spacy_lambda_texts('x.jsonl')\ndef test_it(golden): pass",
            "*golden tests cannot be read from */x.jsonl*; check the path*",
        ),
        (
            "",
            "@pytest.mark.spacy_lambda_texts('bad.jsonl')\ndef test_it(golden): pass",
            "*bad.jsonl:2: the golden test is not JSON*",
        ),
        (
            "",
            "@pytest.mark.spacy_lambda_texts('no.jsonl')\ndef test_it(golden): pass",
            '*no.jsonl:1: *of the keys "text"*',
        ),
        ("", "@pytest.mark.spacy_lambda_texts('bad.jsonl')\ndef test_it(): pass", "*takes the argument golden*"),
        ("", "@pytest.mark.spacy_lambda_texts(5)\ndef test_it(golden): pass", "*names one file*"),
    ],
)
def test_wrong_settings(pytester: pytest.Pytester, settings: str, test: str, message: str) -> None:
    pytester.makeini(f"[pytest]\n{settings}\n")
    pytester.path.joinpath("bad.jsonl").write_text('{"text": ""}\n{\n')
    pytester.path.joinpath("no.jsonl").write_text('{"txt": ""}\n')
    pytester.makepyfile(f"import pytest\n{test}")
    result = run(pytester)
    assert result.ret != 0
    result.stdout.fnmatch_lines([message])
    result.stdout.no_fnmatch_line("*INTERNALERROR*")


@pytest.mark.slow
def test_a_session_without_the_fixture_imports_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import sys\ndef test_it():\n"
        "    assert not {name for name in sys.modules if name.startswith('spacy_lambda.') and"
        " not name.startswith('spacy_lambda.testing') and name not in ('spacy_lambda.extras', 'spacy_lambda.errors',"
        " 'spacy_lambda.core', 'spacy_lambda.core.strict_json')}\n    assert 'spacy' not in sys.modules\n"
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


@pytest.mark.slow
def test_the_page_s_test_of_a_queue(pytester: pytest.Pytester, pipeline: Path) -> None:
    (pytester.path / "compiled").symlink_to(pipeline)
    texts = {block.text.partition("\n")[0].removeprefix("# "): block.text for block in blocks(PAGE)}

    def run_with(settings: str) -> pytest.RunResult:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = str(free.getsockname()[1])
        for name, text in (("pytest.ini", settings), ("test_queue.py", texts["test_queue.py"])):
            (pytester.path / name).write_text(text.replace("5555", port))
        # In a process of its own: moto and boto3 stay imported.
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist", "-c", "pytest.ini")

    run_with(texts["pytest.ini"]).assert_outcomes(passed=1)
    lines = [line for line in texts["pytest.ini"].splitlines() if "_KEY" not in line]
    result = run_with("\n".join([*lines, "    AWS_EC2_METADATA_DISABLED=true\n"]))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*records failed: *", "*OutputError; *"])


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_example(pytester: pytest.Pytester) -> None:
    run(pytester, str(EXAMPLE), "-c", str(EXAMPLE / "pytest.ini")).assert_outcomes(passed=7)
