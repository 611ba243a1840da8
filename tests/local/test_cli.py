"""The commands ``serve`` and ``invoke``; as processes, where they serve."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from spacy_lambda.core.loopback import LOCAL_REGION
from spacy_lambda.extras import install_command
from spacy_lambda.local import FunctionSettings, Invocation, LocalLambda, invoke
from tests.aws_variables import fake_credentials
from tests.cli.in_process import run_main
from tests.local.local_lambda import COMMAND, DAEMONS, Lambda, is_gone, wait_until


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_everything(served: tuple[subprocess.Popen[str], str], number: signal.Signals) -> None:
    process, endpoint = served
    variables = invoke(endpoint, "function", {"do": "describe"}).answer["variables"]
    left = invoke(endpoint, "function", {"do": "leave_child"}).answer
    daemons = invoke(endpoint, "function", DAEMONS).answer["daemons"]
    assert not any(map(is_gone, daemons))
    os.kill(process.pid, number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert "[1] START RequestId" in output
    assert "[1] REPORT RequestId" in output
    assert "Traceback" not in output
    assert is_gone(left["pid"])
    assert is_gone(left["child"])
    wait_until(lambda: all(map(is_gone, daemons)))
    assert variables["A"] == "b"
    assert not Path(variables["LAMBDA_TASK_ROOT"]).exists()


@pytest.mark.slow
def test_serve_compares_two_pipelines(pipeline: Path) -> None:
    arguments = ("serve", str(pipeline), "--compare", str(pipeline), "--port", "0", "--name", "mine", "--env", "A=b")
    with subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        match = re.search(r"http://[\d.:]+\d", lines[0])
        assert match, lines
        assert lines[2] == f"  compared with: 'mine-compare' at {match[0]}/compare/\n"
        for name in ("mine", "mine-compare"):
            assert invoke(match[0], name, {"text": "Acme"}).answer == [
                {"text": "Acme", "label": "ORG", "start": 0, "end": 4}
            ]
        process.terminate()
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert {line[:4] for line in output.splitlines() if "START" in line} == {"[1] ", "[2] "}


def test_a_missing_pipeline_to_compare(pipeline: Path) -> None:
    done = run_main("serve", str(pipeline), "--compare", "./nothing", "--port", "0")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "error: there is no pipeline './nothing'" in done.stderr


def test_a_port_in_use(pipeline: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_main("serve", str(pipeline), "--port", str(port))
    assert done.returncode == 1
    assert f"error: port {port} is in use\nremedy: pass --port 0 for a free one, or another port\n" in done.stderr
    assert "Traceback" not in done.stderr


def test_pipeline_that_is_not_there() -> None:
    done = run_main("serve", "./nothing")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "error: there is no pipeline './nothing'" in done.stderr


def test_invoke_prints_a_table_and_the_figures(local: Lambda, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text('{"do": "entities", "text": "I work at Acme."}')
    done = run_main("invoke", "--endpoint", local.endpoint_url, "--event", str(event))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "label\ttext\tstart\tend\nORG\tAcme\t10\t14\n"
    assert re.search(r"duration [\d.]+ ms", done.stderr)


def test_invoke_prints_other_predictions_as_json(local: Lambda) -> None:
    event = json.dumps({"do": "echo", "a": [1]})
    done = run_main("invoke", "--endpoint", local.endpoint_url, "--event", "-", stdin=event)
    assert json.loads(done.stdout) == {"a": [1]}


def test_invoke_json_is_nothing_but_json(local: Lambda) -> None:
    event = json.dumps({"do": "echo", "text": "naïve"})
    done = run_main("invoke", "--endpoint", local.endpoint_url, "--event", "-", "--json", stdin=event)
    assert json.loads(done.stdout) == {"text": "naïve"}


def test_invoke_text_is_an_event_with_a_text(local: Lambda) -> None:
    done = run_main("invoke", "--endpoint", local.endpoint_url, "--text", "hello")
    assert done.returncode == 1
    assert "error: KeyError: 'do'" in done.stderr


@pytest.mark.slow
def test_invoke_prints_the_fields_of_an_error(pipeline: Path) -> None:
    function = FunctionSettings(pipeline=pipeline, max_concurrency=1)
    with LocalLambda(function) as running:
        done = run_main("invoke", "--endpoint", running.endpoint_url, "--text", "-", stdin="Acme " * 300_000)
    assert done.returncode == 1
    assert done.stderr.startswith('error: RequestError: "text" has 1,500,000 characters; the limit is ')
    assert "\nremedy: split the text and send the parts" in done.stderr


def test_invoke_needs_one_event(local: Lambda) -> None:
    done = run_main("invoke", "--endpoint", local.endpoint_url)
    assert done.returncode == 1
    assert "remedy: pass --event FILE or --text TEXT" in done.stderr


def test_invoke_sends_the_options_of_a_request_with_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []

    def answer(endpoint: str, function: str, event: object, **options: object) -> Invocation:
        sent.append(event)
        return Invocation(answer=[], error=None, status=200, executed_version="", request_id="", log_tail="")

    monkeypatch.setattr("spacy_lambda.local.caller.invoke", answer)
    command = ("invoke", "--endpoint", "http://127.0.0.1:9", "--text", "x")
    for options in ((), ("--include", "ents, sents"), ("--include", "cats", "--long-text", "split")):
        assert run_main(*command, *options).returncode == 0
    assert sent == [
        {"text": "x"},
        {"text": "x", "include": ["ents", "sents"]},
        {"text": "x", "include": ["cats"], "long_text": "split"},
    ]


@pytest.mark.parametrize("options", [["--include", "ents"], ["--long-text", "refuse"]])
def test_an_event_has_its_own_options(options: list[str]) -> None:
    done = run_main("invoke", "--endpoint", "http://127.0.0.1:9", "--event", "none.json", *options)
    assert done.returncode == 1
    assert f"error: {options[0]} cannot be combined with --event" in done.stderr
    assert f'remedy: write "{options[0][2:].replace("-", "_")}" into the event' in done.stderr


ARN = "arn:aws:lambda:eu-west-1:123456789012:function:function"


@pytest.mark.parametrize(
    ("words", "qualifier"),
    [
        (["function:live", "--region", "eu-central-1"], "live"),
        (["function:$LATEST", "--region", "eu-central-1"], "$LATEST"),
        ([f"{ARN}:7"], "7"),
        ([ARN], "function"),
    ],
)
def test_a_function_is_invoked_without_a_project(
    local: Lambda, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: list[str], qualifier: str
) -> None:
    fake_credentials(monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", local.endpoint_url)
    done = run_main("invoke", *words, "--event", "-", "--json", cwd=tmp_path, stdin='{"do": "describe"}')
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["arn"].rpartition(":")[2] == qualifier


def test_a_missing_region_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done = run_main("invoke", "function:live", "--text", "x", cwd=tmp_path)
    assert done.returncode == 1
    assert "error: the region of function:live is unknown" in done.stderr
    assert "remedy: pass --region NAME, or set AWS_REGION" in done.stderr


@pytest.mark.parametrize("option", [["--local"], ["--config", "spacy-lambda.toml"]])
@pytest.mark.parametrize("name", ["function:live", "https://example.org"])
def test_options_of_a_project_are_refused_without_one(name: str, option: list[str], tmp_path: Path) -> None:
    done = run_main("invoke", name, "--text", "x", *option, cwd=tmp_path)
    assert done.returncode == 1
    assert f"{name} is not the name of a function in a project, and {option[0]} applies to these only" in done.stderr


def test_an_endpoint_gets_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    regions = []

    def answer(endpoint: str, function: str, event: object, *, region: str) -> Invocation:
        regions.append(region)
        return Invocation(answer=[], error=None, status=200, executed_version="", request_id="", log_tail="")

    monkeypatch.setattr("spacy_lambda.local.caller.invoke", answer)
    for words in ((), ("--region", "eu-central-1")):
        assert run_main("invoke", "--endpoint", "https://vpce.example.org", "--text", "x", *words).returncode == 0
    assert regions == [LOCAL_REGION, "eu-central-1"]


@pytest.mark.parametrize("name", [[], ["ner"], ["ner:live"]])
def test_a_function_at_no_endpoint_is_refused(name: list[str], tmp_path: Path) -> None:
    done = run_main("invoke", *name, "--function", "ner", "--text", "x", cwd=tmp_path)
    assert done.returncode == 2
    assert "applies to --endpoint only" in done.stderr


@pytest.mark.slow
def test_invoke_calls_a_url(pipeline: Path, tmp_path: Path) -> None:
    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return run_main("invoke", running.url, *words, cwd=tmp_path)

    with LocalLambda(FunctionSettings(pipeline=pipeline, max_concurrency=1)) as running:
        table = call("--text", "I work at Acme.")
        parts = call("--text", "I work at Acme.", "--include", "ents,cats")
        refused = call("--text", "x", "--include", "entities")
        (tmp_path / "event.json").write_text('{"texts": ["Acme", ""]}')
        event = call("--event", "event.json", "--json")
    assert (table.returncode, table.stdout, table.stderr) == (0, "label\ttext\tstart\tend\nORG\tAcme\t10\t14\n", "")
    acme = {"text": "Acme", "label": "ORG", "start": 10, "end": 14}
    assert json.loads(parts.stdout) == {"ents": [acme], "cats": {}}
    assert json.loads(event.stdout) == [[{**acme, "start": 0, "end": 4}], []]
    assert refused.returncode == 1
    assert "error: RequestError: \"include[0]\" is 'entities'\nremedy: choose from ents, sents," in refused.stderr
    gone = call("--text", "x")
    assert gone.returncode == 1
    assert "nothing is listening at" in gone.stderr


def test_invoke_where_nothing_answers() -> None:
    done = run_main("invoke", "--endpoint", "http://127.0.0.1:9", "--text", "x")
    assert done.returncode == 1
    assert "remedy: start it with `spacy-lambda serve PIPELINE`, or check the endpoint" in done.stderr
    assert "Traceback" not in done.stderr


def test_version() -> None:
    assert run_main("--version").stdout == f"spacy-lambda {importlib.metadata.version('spacy-lambda')}\n"


@pytest.mark.slow
def test_missing_library_names_its_extra() -> None:
    code = (
        "import sys; sys.modules['boto3'] = None\n"
        "sys.argv[1:] = ['invoke', '--endpoint', 'http://127.0.0.1:9', '--text', 'x']\n"
        "from spacy_lambda.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"remedy: {install_command('s3')}" in done.stderr
