"""The commands that commands recommend: a shell runs them as they are printed, whatever names are in them."""

from __future__ import annotations

import inspect
import json
import os
import platform
import re
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from spacy_lambda.bundler import bytecode
from spacy_lambda.bundler.target import Target
from spacy_lambda.cli import bundle, compile, make_app, push, serving
from spacy_lambda.cli.next_command import command_line, invoke_command
from spacy_lambda.config.project import FunctionConfig, Project
from spacy_lambda.core.compiled_meta import CompiledMeta
from spacy_lambda.deploy import source_checks, stacks
from spacy_lambda.pipeline.kind import PipelineKind
from tests.client.http_stub import Reply, stub_server

AWKWARD = "a b;$(id) 'c' \"d\" #e&"
"""A name with spaces and with the shell's special characters."""


def project(*names: str) -> Project:
    functions = tuple(FunctionConfig(name=name, pipeline="./compiled") for name in names)
    return Project(name="papers", region="eu-central-1", functions=functions, folder=Path())


@pytest.mark.parametrize(
    ("names", "config", "region", "command"),
    [
        (("ner",), None, None, "spacy-lambda invoke --text '...'"),
        (("ner", "large"), None, None, "spacy-lambda invoke ner --text '...'"),
        (
            ("ner",),
            Path("my apps/papers.toml"),
            "us-east-1",
            "spacy-lambda invoke --config 'my apps/papers.toml' --region us-east-1 --text '...'",
        ),
    ],
)
def test_an_invocation_names_what_the_deployment_named(
    names: tuple[str, ...], config: Path | None, region: str | None, command: str
) -> None:
    assert invoke_command(project(*names), "ner", config=config, region=region) == command
    with_profile = command.replace(" --text", " --profile mine --text")
    assert invoke_command(project(*names), "ner", config=config, region=region, profile="mine") == with_profile


def words(line: str, cwd: Path, program: str = "spacy-lambda") -> list[str]:
    """Let a shell run a line, with a stand-in for its program, and return the arguments that this one got."""
    folder = cwd / "programs"
    folder.mkdir(exist_ok=True)
    stand_in = folder / program
    code = "import json, os, sys\nprint(json.dumps([sys.argv[1:], dict(os.environ)]))"
    stand_in.write_text(f"#!{sys.executable} -S\n{code}\n")
    stand_in.chmod(0o755)
    environ = {"PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-c", line], cwd=cwd, env=environ, capture_output=True, text=True, check=True)
    arguments, variables = json.loads(done.stdout.splitlines()[-1])
    return [*(f"{name}={variables[name]}" for name in sorted(variables) if name.startswith("AWS_")), *arguments]


def recommended(printed: str, mark: str = "next") -> str:
    (found,) = re.findall(rf"^ *{mark}: +(.*)$", printed, re.MULTILINE)
    return str(found)


def test_words_are_quoted(tmp_path: Path) -> None:
    environ = {"AWS_PROFILE": AWKWARD, "AWS_REGION": None}
    line = command_line("spacy-lambda", "serve", AWKWARD, Path("-x"), environ=environ)
    assert words(line, tmp_path) == [f"AWS_PROFILE={AWKWARD}", "serve", AWKWARD, "./-x"]


def test_init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spacy_lambda.config.create_project", lambda *arguments, **options: [])
    arguments = ["init", "--pipeline", "x", "--region", "eu-central-1", "--out", f"{AWKWARD}/papers.toml"]
    printed = CliRunner().invoke(make_app(), arguments).stdout
    assert words(recommended(printed), tmp_path) == ["deploy", "--plan", "--config", f"{AWKWARD}/papers.toml"]


def test_compile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / AWKWARD
    out.mkdir()
    (out / "meta.json").write_text('{"lang": "en", "name": "news", "version": "1.0.0"}')
    encoder = {"architecture": "bert", "relative_error": 1e-6, "calibration_texts": None}
    meta = SimpleNamespace(precision="fp32", code=(), encoders={"transformer": encoder}, choice=None, verification=None)
    compile._print(cast("CompiledMeta", meta), out)
    assert words(recommended(capsys.readouterr().out), tmp_path) == ["serve", str(out)]


@pytest.mark.parametrize("kind", list(PipelineKind))
def test_push(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: PipelineKind) -> None:
    location = f"./{AWKWARD}/en_news@1.0.0#sha256={'5f' * 32}"
    pushed: Any = SimpleNamespace(
        version="1.0.0", uploaded=1, aliases=(), left_out=(), page=None, kind=kind, location=location
    )
    push._print_pushed(pushed, "compiled", {"AWS_PROFILE": "mine", "AWS_REGION": None})
    printed = capsys.readouterr().out
    if kind is PipelineKind.ORIGINAL:
        assert "next:" not in printed
    else:
        assert words(recommended(printed), tmp_path) == ["AWS_PROFILE=mine", "serve", location]


@pytest.mark.parametrize(
    ("target", "image", "runs"),
    [
        (Target("3.13", "x86_64"), None, True),
        (Target("3.13", "arm64"), None, False),
        (Target("3.12", "x86_64"), None, False),
        (Target("3.12", "x86_64"), SimpleNamespace(id="sha256:1", tag="x", base="y"), True),
        (Target("3.13", "x86_64"), SimpleNamespace(id=None, tag="x", base="y"), False),
    ],
)
def test_bundle(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    target: Target,
    image: Any,
    runs: bool,
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(bytecode, "find_python", lambda target: "python" if target.python == "3.13" else None)
    path = tmp_path / AWKWARD
    made: Any = SimpleNamespace(
        path=path, target=target, image=image, bytecode=True, removed=(), reason="", sizes={}, package_type="zip"
    )
    made.proof, made.unzipped, made.zipped = SimpleNamespace(about=""), 1, None if image else 1
    bundle._print(made, report=False)
    printed = capsys.readouterr().out
    assert ("run-bundle" in printed) == runs
    if runs:
        assert words(recommended(printed, "try it"), tmp_path) == ["run-bundle", str(path)]


@pytest.mark.slow
def test_serve(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each call reaches the function; that of the AWS CLI needs no file, no region and no credentials."""
    with stub_server(Reply(body=[]), Reply(body=[])) as stub:
        settings = SimpleNamespace(name="papers-ner", environment={})
        program = SimpleNamespace(about="")
        served: Any = SimpleNamespace(
            settings=settings, endpoint_url=stub.url, url=stub.url, program=program, missing_limits=()
        )
        serving._print_welcome({"/": served})
        printed = capsys.readouterr().out
        lines = re.findall(r"^  (?:try|or): +(.*)$", printed, re.MULTILINE)
        assert [line.split()[0] for line in lines] == ["curl", "spacy-lambda", "echo"]
        options = ["--endpoint", stub.url, "--function", "papers-ner", "--text", "..."]
        assert words(lines[1], tmp_path) == ["invoke", *options]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environ["PATH"] = f"{Path(sys.executable).parent}:{environ['PATH']}"
        for line in (lines[0], lines[2]):
            subprocess.run(["sh", "-c", line], cwd=tmp_path, env=environ, check=True, capture_output=True)
    assert [(path, json.loads(body)) for _, path, _, body in stub.requests] == [
        ("/predict", {"text": "..."}),
        ("/2015-03-31/functions/papers-ner/invocations", {"text": "..."}),
    ]


def test_the_demonstration(tmp_path: Path) -> None:
    """A shell runs everything that ``make demo`` prints, from the first command on, as it is pasted."""
    scripts = Path(__file__).parents[2] / "scripts"
    demo = runpy.run_path(str(scripts / "demo.py"))
    programs = tmp_path / ".venv-demo" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    for program in (programs / "aws", programs / "spacy-lambda"):
        program.write_text('#!/bin/sh\necho "$0" "$@" >> called\n')
        program.chmod(0o755)
    (tmp_path / "event.json").write_text('{"text": "..."}')
    environ = {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with stub_server(*[Reply(body=["answered"])] * 3) as stub:
        printed = demo["CALLS"].format(url=stub.url, name="function", event="event.json")
        pasted = printed.partition("in this folder:\n")[2]
        done = subprocess.run(
            ["bash", "-e"], input=pasted, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("answered") == 3
    called = (tmp_path / "called").read_text().splitlines()
    assert [Path(line.split()[0]).name for line in called] == ["spacy-lambda", "aws"]
    assert called[1].endswith("--payload fileb://event.json /dev/stdout")


@pytest.mark.parametrize("module", [source_checks, stacks])
def test_a_remedy_in_the_aws_cli_names_the_region(module: Any) -> None:
    """The resources are in the project's region, which need not be that of the AWS configuration."""
    commands = re.findall(r"aws (?:sqs|cloudformation) [^\"]*", inspect.getsource(module))
    assert commands
    assert [one for one in commands if "region" not in one] == []
