"""Questions are asked where a person can see them, and answered there; or not at all, before any work."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.config.files import FUNCTION, PROJECT
from tests.deploy.terminal import Terminal, visible

# The commands as they are, with an AWS and a preparation that are no more than values.
CODE = """
import sys, time
from types import SimpleNamespace as Values
import typer
from spacy_lambda import cli, corpus
from spacy_lambda.corpus.engines import deployed
from spacy_lambda.corpus.estimate import EngineEstimate, Estimate
from spacy_lambda.deploy import aws, cdk_cli, deployment, destruction, rollbacks
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.deploy.concurrency import ConcurrencyLimit
from spacy_lambda.deploy.resources import Callers, PlannedResource
from spacy_lambda.deploy.changes import Change
from spacy_lambda.deploy.cost import Cost
from spacy_lambda.deploy.final_state import Fact
from spacy_lambda.deploy.latency import Latency
from spacy_lambda.deploy.planning import Plan, Planned
from spacy_lambda.deploy.promotion import LiveVersion
from spacy_lambda.deploy.rollbacks import Rollback
from spacy_lambda.deploy.stacks import StackResource

bundle = Values(package_type="zip", reason="it fits", zipped=1, unzipped=2, pipeline_sha256="a" * 64)
latency = Latency("the default golden tests", 6, 80, 5, 1.0, 2.0)
prepared = Values(config=Values(shape="zip", memory=2048), bundle=bundle, golden_tests=(), latency=latency)
spec = Values(function_name="papers-ner", region="us-east-1")
alias = PlannedResource("AWS::Lambda::Alias", "papers-ner:live")
callers = Callers(True, "PUBLIC: anyone on the internet")
limit = ConcurrencyLimit(10, "at most 10 environments at once")
state = Fact("callers", callers.about), Fact("concurrency", limit.about), Fact("alias", "papers-ner:live")
planned = Planned(prepared, spec, "1", False, None, (Change("memory", "1769", "3008"),), state,
    Cost({}, {}, 0, {"requests": 0.2}, 1.0), (alias,), callers, limit)

def deploy_functions(project, functions, *, confirm, on_line, on_step, **rest):
    for number, name in enumerate(("resolve", "bundle (wheels)", "prepare")):
        on_step(name, number, 3)
        time.sleep(0.3)
    on_step("compare", 3, 3)
    if not confirm(Plan((planned,), None, (PlannedResource("AWS::S3::Bucket", "papers-models"),), True)):
        return None
    on_line("publishing a version")
    on_step("change set", 0, 0)
    time.sleep(0.3)
    on_step("update", 3, 12)
    time.sleep(0.3)
    on_step("shift traffic", 1, 2)
    time.sleep(0.3)
    return [LiveVersion("papers-ner", "2", "1", "https://url")]

def begin(**options):
    print("WORK IS BEGUN", file=sys.stderr)

aws.open_account = lambda project: AwsAccount("123456789012", "eu-central-1", None)
cdk_cli.find_cdk = begin
deployment.deploy = deploy_functions
function = "AWS::Lambda::Function", "papers-ner"
destruction.find_resources_to_delete = lambda aws, stacks: [StackResource(stacks[0], *function)]
destruction.destroy = lambda *arguments, **options: print("DELETED")
rollbacks.find_rollback = rollbacks.rollback = lambda *arguments, **options: Rollback("papers-ner", "1", "2")
def annotate(*arguments, **options):
    print("ANNOTATED")
    raise typer.Exit

one = EngineEstimate(engine="lambda", seconds=1, units=1, measured_on="papers-ner", invocations=1, cost=0.01)
estimate = Estimate(documents=1, unreadable=0, characters=1, shards=1, engines=(one,))
deployed.find_deployed = lambda *arguments, **options: None
corpus.annotate, corpus.estimate_corpus = annotate, lambda *arguments, **options: estimate
"""
MAIN = "cli.main()\n"
EACH = """
for line in sys.stdin.read().splitlines():
    sys.argv[1:] = line.split()
    sys.stdin = open("/dev/null")
    try:
        cli.main()
    except SystemExit as exc:
        print("ENDED WITH", exc.code, flush=True)
        print("ENDED", file=sys.stderr)
"""
"""Runs commands one after the other: their libraries are imported once."""

QUESTIONS = {
    "deploy": ("deploy? [y/N]:", "version 2 is live"),
    "destroy": ("delete 1 resource in 123456789012/eu-central-1? [y/N]:", "DELETED"),
    "annotate texts.jsonl out --function ner": (
        "Annotate on Lambda? [y/N]:",
        "ANNOTATED",
    ),
    "rollback": ("roll back papers-ner from version 2, which is live, to version 1? [y/N]:", "version 1 is live"),
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "spacy-lambda.toml").write_text(PROJECT + FUNCTION)
    (tmp_path / "texts.jsonl").write_text('{"text": "iron"}\n')
    return tmp_path


def run_each(project: Path, *commands: str) -> list[tuple[str, str]]:
    """Return what each command prints on standard output, with its exit code, and on standard error."""
    done = subprocess.run(
        [sys.executable, "-c", CODE + EACH],
        cwd=project,
        input="\n".join(commands),
        capture_output=True,
        text=True,
        check=True,
    )
    outputs = re.findall(r".*?ENDED WITH \d+\n", done.stdout, re.DOTALL)
    errors = re.findall(r".*?ENDED\n", done.stderr, re.DOTALL)
    return list(zip(outputs, errors, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("command", QUESTIONS)
def test_the_question_is_seen_and_answered(project: Path, command: str) -> None:
    question, done = QUESTIONS[command]
    terminal = Terminal(CODE + MAIN, *command.split(), cwd=project)
    terminal.wait_for(question)
    assert terminal.stays(0.5).strip() == ""  # a bar would be drawn ten times a second
    assert visible(terminal.written).splitlines()[-1].strip() == question
    terminal.type("y\n")
    assert terminal.end() == 0, terminal.written
    assert done in terminal.written


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "answer"),
    [("deploy", "\n"), ("deploy", "\x04"), ("deploy", "\x03"), ("destroy", "n\n"), ("rollback", "\n")],
)
def test_only_yes_confirms(project: Path, command: str, answer: str) -> None:
    question, done = QUESTIONS[command]
    terminal = Terminal(CODE + MAIN, *command.split(), cwd=project)
    terminal.wait_for(question)
    terminal.type(answer)
    assert terminal.end() in {1, 130}
    assert done not in terminal.written
    assert "Traceback" not in terminal.written


@pytest.mark.slow
def test_the_plan_stays_to_be_seen_above_the_question(project: Path) -> None:
    terminal = Terminal(CODE + MAIN, "deploy", cwd=project)
    terminal.wait_for("[y/N]:")
    seen = visible(terminal.written)
    for line in ("papers-ner:live", "PUBLIC: anyone on the internet", "at most 10 environments", "papers-models"):
        assert line in seen
    for stage in ("resolve", "bundle (wheels)", "prepare"):
        assert stage in terminal.written
    assert "changes:        memory 1769 → 3008; nothing else" in seen
    assert "bucket:         papers-models" in seen
    assert "AWS::" not in seen
    assert "\n\n  " not in seen
    terminal.type("y\n")
    assert terminal.end() == 0
    assert "publishing a version" in visible(terminal.written)
    after = terminal.written.partition("[y/N]:")[2]
    assert [stage in after for stage in ("change set", "update", "3/12", "shift traffic", "1/2")] == [True] * 5
    assert "bundle" not in after


@pytest.mark.slow
def test_the_question_is_seen_where_the_output_goes_to_a_file(project: Path) -> None:
    with (project / "out.txt").open("wb") as out:
        terminal = Terminal(CODE + MAIN, "deploy", "--json", cwd=project, stdout=out.fileno())
    terminal.wait_for("deploy? [y/N]:")
    assert "PUBLIC: anyone on the internet" in visible(terminal.written)
    terminal.type("y\n")
    assert terminal.end() == 0
    assert json.loads((project / "out.txt").read_text())[0]["version"] == "2"


def test_without_a_terminal_nothing_is_begun(project: Path) -> None:
    found = run_each(project, *QUESTIONS)
    assert len(found) == len(QUESTIONS)
    for out, err in found:
        assert out == "ENDED WITH 1\n"
        assert err == "error: confirmation required but stdin is not a terminal\nremedy: pass --yes\nENDED\n"


@pytest.mark.slow
def test_with_yes_nothing_is_asked(project: Path) -> None:
    found = run_each(project, *(f"{command} --yes" for command in QUESTIONS))
    for (out, err), (_, done) in zip(found, QUESTIONS.values(), strict=True):
        assert out.endswith("ENDED WITH 0\n"), err
        assert "[y/N]" not in out + err
        assert done in out


def test_there_is_one_confirmation_prompt() -> None:
    """Every command confirms through cli/confirm.py, which pauses the progress bars."""
    import spacy_lambda

    source = Path(spacy_lambda.__file__).parent
    asking = (
        "typer.confirm(",
        "typer.prompt(",
        "click.confirm(",
        "click.prompt(",
        " input(",
        "Confirm.ask(",
        "getpass(",
    )
    found = [path.name for path in source.rglob("*.py") if any(word in path.read_text("utf-8") for word in asking)]
    assert found == ["confirm.py"]
