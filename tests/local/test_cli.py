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

from spacy_lambda.extras import install_command
from spacy_lambda.local import FunctionSettings, LocalLambda, invoke
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
