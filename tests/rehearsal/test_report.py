"""What is printed about a rehearsal, and its end."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from spacy_lambda.cli import make_app
from spacy_lambda.cli.deploy import _AWS_EFFECT, _KEPT_EFFECT, _following, _interruption_explained
from spacy_lambda.cli.rehearsal import print_rehearsal, serve_rehearsal
from spacy_lambda.core.env_names import AWS_REGION_VARIABLES, REGION_VARIABLE
from spacy_lambda.deploy.promotion import LiveVersion
from spacy_lambda.deploy.resources import PlannedResource
from spacy_lambda.rehearsal.emulator_access import new_access, using
from spacy_lambda.rehearsal.rehearse import Rehearsal

ACCESS = new_access(4000, account="111122223333", region="eu-central-1")
SUMMARY = """
This was a rehearsal: nothing was read or changed in AWS. There, the deployment would have
  - run `cdk bootstrap`, if the account and region do not have it yet
  - created the stack papers: papers-models
  - created the stack papers-ner: 1 resource
  - published version 1 (51.1 MB), which passed 2 golden tests, and made it live
  - cost about $3.50 a month when idle
Not rehearsed: permissions, quotas, networks, sources other than queues, and the speed of Lambda's CPUs.
Made for the rehearsal, and expected in AWS: sqs:eu-central-1:111122223333:texts
This machine cannot run the bundle of papers-ner (see `spacy-lambda doctor`): its pipeline ran with the packages \
that are installed here.
next: spacy-lambda deploy
"""


def running(*substituted: str) -> Any:
    functions = SimpleNamespace(substituted={*substituted}) if substituted else None
    return Rehearsal(ACCESS, ("sqs:eu-central-1:111122223333:texts",), functions)  # type: ignore[arg-type]


def plan(*, is_new: bool, changes: tuple[str, ...] = ()) -> Any:
    prepared = SimpleNamespace(bundle=SimpleNamespace(zipped=51_100_000, unzipped=0), golden_tests=("a", "b"))
    planned = SimpleNamespace(
        prepared=prepared,
        spec=SimpleNamespace(function_name="papers-ner"),
        is_new=is_new,
        changes=changes,
        resources=("function",),
        cost=SimpleNamespace(idle_total=3.5),
    )
    shared = SimpleNamespace(project="papers")
    resources = [
        PlannedResource("AWS::S3::Bucket", "papers-models"),
        PlannedResource("AWS::S3::BucketPolicy", "ArtifactsBucketPolicyBC103148"),
    ]
    return SimpleNamespace(functions=[planned], shared=shared, shared_resources=resources, bootstrapped=not is_new)


def test_the_deployment_is_described_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    live = LiveVersion("papers-ner", "1", None, None)
    print_rehearsal(plan(is_new=True), [live], running("papers-ner"), following="spacy-lambda deploy", err=False)
    assert capsys.readouterr().out == SUMMARY


def test_the_next_version_is_an_update(capsys: pytest.CaptureFixture[str]) -> None:
    live = LiveVersion("papers-ner", "1", "1", None)
    print_rehearsal(plan(is_new=False), [live], running(), following="spacy-lambda deploy", err=True)
    printed = capsys.readouterr().err
    assert "  - updated, if it differs, the stack papers: " in printed
    assert "  - left the stack papers-ner as it is\n" in printed
    assert "bootstrap" not in printed
    assert "published" not in printed


def test_an_update_is_described_as_in_the_plan(capsys: pytest.CaptureFixture[str]) -> None:
    live = LiveVersion("papers-ner", "2", "1", None)
    changed = plan(is_new=False, changes=("code", "memory 1769 → 3008"))
    print_rehearsal(changed, [live], running(), following="spacy-lambda deploy", err=False)
    assert "  - updated the stack papers-ner: code, memory 1769 → 3008; nothing else\n" in capsys.readouterr().out


def test_serving_ends_with_a_signal(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
    live = LiveVersion("papers-ner", "1", None, "http://localhost:4000/function-url/papers-ner/")
    serve_rehearsal(running(), [live], words=["ner", "--config", "my app.toml"], err=False)
    printed = capsys.readouterr().out
    assert "  papers-ner: http://localhost:4000/function-url/papers-ner/\n" in printed
    assert "spacy-lambda invoke ner --config 'my app.toml' --local --text '...'" in printed
    assert printed.endswith("stopping\n")
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_project_without_a_region_needs_one_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (REGION_VARIABLE, *AWS_REGION_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "my app.toml"
    file.write_text('[project]\nname = "papers"\n')
    words: list[str | Path] = ["--config", file]
    set_first = f"set project.region in {file}, then: spacy-lambda deploy --plan --config '{file}'"
    assert _following(file, None, words) == set_first
    assert _following(file, "eu-central-1", words) == f"spacy-lambda deploy --config '{file}'"
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert _following(file, None, words) == f"spacy-lambda deploy --config '{file}'"


@pytest.mark.parametrize("effect", [_AWS_EFFECT, _KEPT_EFFECT])
def test_an_interruption_explains_its_effect(effect: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), _interruption_explained(effect):
        raise KeyboardInterrupt
    assert "live" in effect
    assert capsys.readouterr().err == f"stopped here; {effect}\n"


def test_the_region_of_the_rehearsal_is_not_that_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (REGION_VARIABLE, *AWS_REGION_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    Path("spacy-lambda.toml").write_text('[project]\nname = "p"\n[functions.ner]\npipeline = "./compiled"\n')
    printed: list[str] = []

    @contextmanager
    def rehearsed(*arguments: Any, **options: Any) -> Iterator[Rehearsal]:
        with using(ACCESS):
            yield running()

    monkeypatch.setattr("spacy_lambda.rehearsal.rehearse.rehearsal", rehearsed)
    monkeypatch.setattr("spacy_lambda.deploy.aws.open_account", lambda project: None)
    monkeypatch.setattr("spacy_lambda.deploy.cdk_cli.find_cdk", lambda **_: None)
    monkeypatch.setattr("spacy_lambda.cli.deploy._release", lambda *_, **__: (plan(is_new=True), []))
    monkeypatch.setattr(
        "spacy_lambda.cli.rehearsal.print_rehearsal", lambda *_, following, err: printed.append(following)
    )
    done = CliRunner().invoke(make_app(), ["deploy", "--local"])
    assert (done.exit_code, printed) == (
        0,
        ["set project.region in spacy-lambda.toml, then: spacy-lambda deploy --plan"],
    )
