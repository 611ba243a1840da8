"""The CDK's command line: installed once, and run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from spacy_lambda.core.env_names import CDK_VARIABLE
from spacy_lambda.deploy.cdk_cli import VERSION, Cdk, find_cdk
from spacy_lambda.errors import DeployError
from tests.deploy.programs import program, with_node

INSTALL = """
[ "$1 $2 $5 $6" = "install --prefix --no-fund aws-cdk@{version}" ] || [ "$6" = "aws-cdk@{version}" ] || exit 9
mkdir -p "$3/node_modules/.bin"
printf '#!/bin/sh\\necho installed\\n' > "$3/node_modules/.bin/cdk"
chmod +x "$3/node_modules/.bin/cdk"
echo once >> {count}
"""


def test_the_pinned_version_is_installed_once(bin_folder: Path, tmp_path: Path) -> None:
    count = tmp_path / "count"
    with_node(bin_folder, "22.0.0", INSTALL.format(version=VERSION, count=count))
    assert find_cdk().run("--version") == "installed"
    assert find_cdk().run("--version") == "installed"
    assert count.read_text() == "once\n"


def test_a_failed_installation_leaves_nothing(bin_folder: Path, tmp_path: Path) -> None:
    with_node(bin_folder, "22.0.0", "echo no network >&2; exit 1")
    with pytest.raises(DeployError, match="cannot be installed: no network") as caught:
        find_cdk()
    assert CDK_VARIABLE in caught.value.remedy
    assert caught.value.remedy.startswith("check the network, or ")
    assert list((tmp_path / "cache" / "spacy-lambda").iterdir()) == []
    with_node(bin_folder, "22.0.0", "echo npm error code ENOSPC >&2; exit 1")
    with pytest.raises(DeployError) as caught:
        find_cdk()
    assert caught.value.remedy.startswith("free disk space, or ")


def test_another_command_may_be_named(bin_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_node(bin_folder, "22.0.0")
    monkeypatch.setenv(CDK_VARIABLE, str(program(tmp_path / "my-cdk", "echo mine $1")))
    assert find_cdk().run("synth") == "mine synth"
    monkeypatch.setenv(CDK_VARIABLE, str(tmp_path / "none"))
    with pytest.raises(DeployError, match="which is not a file"):
        find_cdk()


def test_lines_are_reported_as_they_come_and_a_failure_with_the_last_of_them(tmp_path: Path) -> None:
    command = program(tmp_path / "cdk", r"printf '\033[31mone\033[0m\n'; echo two >&2; exit 3")
    lines: list[str] = []
    with pytest.raises(DeployError) as caught:
        Cdk(command, dict(os.environ)).run("deploy", on_line=lines.append)
    assert lines == ["one", "two"]
    assert caught.value.message == "'cdk deploy' failed with status 3:\n  one\n  two"


def test_stages_of_an_update_are_reported(tmp_path: Path) -> None:
    output = """
papers-ner: start: Building papers-ner/Function Code
papers-ner: success: Published papers-ner/Function Code
papers-ner: deploying... [1/1]
papers-ner: creating CloudFormation changeset...
papers-ner |  0/12 | 10:00:00 AM | UPDATE_IN_PROGRESS   | AWS::CloudFormation::Stack | papers-ner
papers-ner |  1/12 | 10:00:09 AM | UPDATE_COMPLETE      | AWS::Lambda::Alias         | Function/Live (FunctionLive12)
"""
    command = program(tmp_path / "cdk", f"cat <<'END'{output}END")
    lines: list[str] = []
    steps: list[tuple[str, int, int]] = []
    Cdk(command, dict(os.environ)).deploy(
        "papers-ner",
        tmp_path,
        on_line=lines.append,
        on_step=lambda *step: steps.append(step),
        stage="shift traffic",
    )
    assert list(dict.fromkeys(steps)) == [
        ("upload", 0, 0),
        ("change set", 0, 0),
        ("shift traffic", 0, 12),
        ("shift traffic", 1, 12),
        ("shift traffic", 12, 12),
    ]
    assert lines == [
        "  update in progress: CloudFormation::Stack papers-ner",
        "  update complete: Lambda::Alias Function/Live",
    ]


INTERRUPTED = """
import os, signal, sys
from pathlib import Path
from spacy_lambda.deploy.synthesis import write_templates
from tests.deploy.specs import SHARED
before = dict(os.environ)
write_templates([], SHARED, Path(sys.argv[1]))
assert dict(os.environ) == before
try:
    os.killpg(0, signal.SIGINT)
    signal.pause()
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.slow
def test_the_node_of_the_library_has_its_own_path_and_session(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("interrupted\n", "", 0)
