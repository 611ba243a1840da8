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
    location = output.partition("SPACY_LAMBDA_PIPELINE=")[2].splitlines()[0]
    assert location.startswith(f"{store}/en_metals@1.2.3#sha256=")
    assert "1.2.3" in run("ls", store)
    assert json.loads(run("ls", f"{store}/en_metals", "--json"))[0]["aliases"] == ["latest", "live"]
    assert "all verified" in run("pull", location, str(tmp_path / "out"))
    assert "is now 1.2.3" in run("alias", f"{store}/en_metals@1.2.3", "canary")
    assert "unexpected argument" in run("push", str(pipeline), store, "more", code=1)
    assert "--revision is for the Hub" in run("push", str(pipeline), store, "--revision", "x", code=1)
    assert "exists" in run("pull", location, str(tmp_path / "out"), code=1)
    assert "all verified" in run("pull", location, str(tmp_path / "out"), "--force")
    assert "is not a pipeline" in run("pull", location, str(tmp_path), "--force", code=1)
    assert "names no version" in run("alias", f"{store}/en_metals", "canary", code=1)
    (tmp_path / "none").mkdir()
    assert "holds no pipelines" in run("ls", str(tmp_path / "none"))


def test_a_version_is_removed_once_nothing_points_to_it(pipeline: Path, tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    run("push", str(pipeline), store)
    version, latest = f"{store}/en_metals@1.2.3", f"{store}/en_metals@latest"
    assert "latest points to it" in run("rm", version, "--yes", code=1)
    assert "pass --yes" in run("rm", latest, code=1)
    assert "names no version" in run("rm", f"{store}/en_metals", "--yes", code=1)
    assert "removed the alias" in run("rm", latest, "--yes")
    (stored,) = json.loads(run("ls", store, "--json"))
    assert stored["modified"].startswith("20")
    assert json.loads(run("rm", version, "--yes", "--json"))["size"] == stored["size"]
    assert not any(path.is_file() for path in Path(store).rglob("*"))
    assert "in version '1.2.3'" in run("rm", version, "--yes", code=1)


def test_an_artifact_that_another_version_has_is_kept(pipeline: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    run("push", str(pipeline), str(store), "--no-latest")
    refs = store / "en_metals" / "refs"
    copy = (refs / "1.2.3.json").read_text().replace("1.2.3", "1.2.4")
    (refs / "1.2.4.json").write_text(copy)
    assert "and its artifact" not in run("rm", f"{store}/en_metals@1.2.4", "--yes")
    assert "and its artifact" in run("rm", f"{store}/en_metals@1.2.3", "--yes")


@pytest.mark.slow
def test_the_same_version_with_other_contents_says_what_to_type(next_pipeline: Path, tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    run("push", str(next_pipeline), store)
    (next_pipeline / "weights").write_bytes(b"others")
    refused = run("push", str(next_pipeline), store, code=1)
    assert '"version": "1.2.4"' in refused
    assert f"replace that one: spacy-lambda push {next_pipeline} {store} --force\n" in refused
    meta = json.loads((next_pipeline / "meta.json").read_text())
    (next_pipeline / "meta.json").write_text(json.dumps({**meta, "spacy_lambda": {"precision": "int8"}}))
    run("push", str(next_pipeline), store)
    (next_pipeline / "weights").write_bytes(b"more")
    compile_it = f"spacy-lambda compile ORIGINAL {next_pipeline} --precision int8 --version 1.2.4 --force &&"
    assert compile_it in run("push", str(next_pipeline), store, code=1)
    assert "aliases: latest" in run("push", str(next_pipeline), store, "--force")


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


@pytest.mark.slow
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
    assert "exists" in run("pull", pushed["location"], str(tmp_path / "out.tar"), *there, code=1)
    assert "MB" in run("rm", "s3://models/ner/en_metals@1.2.3", "--yes", *there)
    assert "holds no pipelines" in run("ls", "s3://models/ner", *there)
    assert "the bucket 'nobodys' does not exist" in run("ls", "s3://nobodys", *there, code=1)


@pytest.mark.slow
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
    assert "has no tag 'main'" in run("rm", "hf://acme/metals@main", "--yes", code=1)
    assert "removed the version hf://acme/metals@1.2.3" in run("rm", "hf://acme/metals@1.2.3", "--yes")
    hub.inference = (200, [{"entity_group": "METAL", "word": "iron", "start": 0, "end": 4, "score": 1.0}], {})
    endpoint = ("--endpoint", f"{hub.url}/inference")
    assert "METAL" in run("query", "hf://acme/metals", "iron", *endpoint)
    assert json.loads(run("query", "hf://acme/metals", "iron", *endpoint, "--json")) == hub.inference[1]
    hub.inference = (503, {"error": "loading", "estimated_time": 9}, {})
    assert "estimated time 9 s" in run("query", "hf://acme/metals", "iron", *endpoint, code=1)


@pytest.mark.slow
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
