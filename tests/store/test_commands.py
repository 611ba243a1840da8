"""The commands, as their user calls them."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_lambda import cli
from tests.store.hub_server import Hub


def run(*arguments: str, code: int = 0, cwd: Path | None = None) -> str:
    """Run a command in this process, which has imported its libraries."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["spacy-lambda", *arguments])
        if cwd is not None:
            patch.chdir(cwd)
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert ended.value.code == code, err.getvalue()
    return (err if code else out).getvalue()


def run_process(*arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "spacy_lambda", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr if code else done.stdout


def test_a_folder(pipeline: Path, tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    output = run_process("push", str(pipeline), store, "--alias", "live")
    assert "aliases: live, latest" in output
    location = output.strip().rpartition("SPACY_LAMBDA_PIPELINE=")[2]
    assert location.startswith(f"{store}/en_metals@1.2.3#sha256=")
    assert "1.2.3" in run("ls", store)
    assert json.loads(run("ls", f"{store}/en_metals", "--json"))[0]["aliases"] == ["latest", "live"]
    assert "all verified" in run("pull", location, str(tmp_path / "out"))
    assert "is now 1.2.3" in run("alias", f"{store}/en_metals@1.2.3", "canary")
    assert "unexpected argument" in run("push", str(pipeline), store, "more", code=1)
    assert "--revision is for the Hub" in run("push", str(pipeline), store, "--revision", "x", code=1)
    assert "exists" in run_process("pull", location, str(tmp_path / "out"), code=1)
    assert "names no version" in run("alias", f"{store}/en_metals", "canary", code=1)
    (tmp_path / "none").mkdir()
    assert "holds no pipelines" in run("ls", str(tmp_path / "none"))


def test_an_original_that_aliases_point_to_is_warned_of(pipeline: Path, tmp_path: Path) -> None:
    config = spacy.load(pipeline).config.copy()
    config["nlp"]["pipeline"], config["components"] = ["t"], {"t": {"factory": "transformer"}}
    shutil.copytree(pipeline, tmp_path / "original")
    config.to_disk(tmp_path / "original" / "config.cfg", interpolate=False)
    pushed = json.loads(run("push", "original", "./store", "--json", cwd=tmp_path))
    assert pushed["kind"] == "original"
    (warning,) = pushed["warnings"]
    assert "latest" in warning
    assert "--no-latest" in warning
    assert json.loads(run("push", "original", "./other", "--json", "--no-latest", cwd=tmp_path))["warnings"] == []


def test_s3(s3: Any, s3_url: str, pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    there = ("--endpoint-url", s3_url)
    pushed = json.loads(
        run("push", str(pipeline), "s3://models/ner", "--no-latest", "--sse", "AES256", *there, "--json")
    )
    assert pushed["location"].startswith("s3://models/ner/en_metals@1.2.3#sha256=")
    assert pushed["aliases"] == []
    (listed,) = json.loads(run("ls", "s3://models/ner", *there, "--json"))
    assert listed["sha256"] in pushed["location"]
    assert json.loads(run("pull", pushed["location"], str(tmp_path / "out.tar"), *there, "--json"))["sha256"]
    assert "the bucket 'nobodys' does not exist" in run("ls", "s3://nobodys", *there, code=1)


def test_the_hub(hub: Hub, pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # test_hub.py and test_wheel.py build wheels, which takes seconds.
    wheel = tmp_path / "en_metals-1.2.3-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    monkeypatch.setattr("spacy_lambda.store.hub.commit.build_wheel", lambda *arguments: wheel)
    pushed = json.loads(run("push", "hub", "acme/metals", "--json", "--message", "first", cwd=pipeline))
    assert pushed["location"].startswith("hf://acme/metals@1.2.3#sha256=")
    assert hub.repositories["acme/metals"].private
    assert "1.2.3" in run("ls", "hf://acme/metals")
    assert "all verified" in run("pull", "hf://acme/metals", str(tmp_path / "out"))
    hub.inference = (200, [{"entity_group": "METAL", "word": "iron", "start": 0, "end": 4, "score": 1.0}], {})
    endpoint = ("--endpoint", f"{hub.url}/inference")
    assert "METAL" in run("query", "hf://acme/metals", "iron", *endpoint)
    assert json.loads(run("query", "hf://acme/metals", "iron", *endpoint, "--json")) == hub.inference[1]
    hub.inference = (503, {"error": "loading", "estimated_time": 9}, {})
    assert "estimated time 9 s" in run("query", "hf://acme/metals", "iron", *endpoint, code=1)


def test_serve_from_s3(s3: Any, pipeline: Path, tmp_path: Path) -> None:
    """The function fetches the pipeline itself, with the caller's credentials, through the cache."""
    import boto3

    location = json.loads(run("push", str(pipeline), "s3://models", "--json"))["location"]
    command = [sys.executable, "-m", "spacy_lambda", "serve", location, "--port", "0", "--max-concurrency", "1"]
    environ = {**os.environ, "SPACY_LAMBDA_CACHE": str(tmp_path / "cache")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().split()[3].rstrip(";")
            client = boto3.client("lambda", endpoint_url=url)
            answer = client.invoke(FunctionName="function", Payload=json.dumps({"text": "iron"}))
            payload = json.loads(answer["Payload"].read())
        finally:
            server.terminate()
    assert payload == [{"text": "iron", "label": "METAL", "start": 0, "end": 4}]
    assert [path.name for path in (tmp_path / "cache").iterdir() if not path.name.startswith(".")] == [
        location.rpartition("=")[2]
    ]
