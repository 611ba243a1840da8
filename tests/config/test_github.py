"""The GitHub workflow that checks and deploys a project."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from spacy_lambda.cli import make_app
from spacy_lambda.compiler.precisions import DEFAULT_THRESHOLDS
from spacy_lambda.config.github import render_workflow


def workflow(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "project": "papers",
        "config": "spacy-lambda.toml",
        "compiled": "compiled",
        "region": "eu-central-1",
    }
    values["origin"] = {}
    return dict(yaml.safe_load(render_workflow(**{**values, **changes})))


def steps(jobs: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in jobs.values() for step in job["steps"]]


def test_the_order_of_the_jobs() -> None:
    jobs = workflow()["jobs"]
    assert {name: job.get("needs") for name, job in jobs.items()} == {
        "verify": None,
        "plan": None,
        "staging": ["verify", "plan"],
        "production": ["staging"],
    }
    assert all(job["timeout-minutes"] <= 60 for job in jobs.values())


def test_a_pipeline_is_verified_by_the_threshold_it_was_compiled_by() -> None:
    (verify,) = (step["run"] for step in workflow()["jobs"]["verify"]["steps"] if "verify" in step.get("run", ""))
    assert f"--min-agreement {DEFAULT_THRESHOLDS.min_agreement}" in verify


def test_a_pipeline_in_a_store_is_not_verified_again() -> None:
    without = workflow(compiled=None)
    assert list(without["jobs"]) == ["plan", "staging", "production"]
    assert without["jobs"]["staging"]["needs"] == ["plan"]
    assert without["env"] == {"CONFIG": "spacy-lambda.toml"}


def test_only_main_is_deployed_and_each_stage_is_an_environment() -> None:
    jobs = workflow()["jobs"]
    for stage, project in (("staging", "papers-staging"), ("production", "papers")):
        assert jobs[stage]["environment"] == stage
        assert jobs[stage]["if"] == "github.ref == 'refs/heads/main'"
        assert jobs[stage]["env"] == {"SPACY_LAMBDA_PROJECT": project}
        assert jobs[stage]["concurrency"] == {"group": f"spacy-lambda-{stage}", "cancel-in-progress": False}


def test_no_key_is_stored() -> None:
    text = render_workflow(project="papers", config="spacy-lambda.toml", compiled="compiled", region=None, origin={})
    assert not re.search(r"secret|access[-_]key|password", text, re.IGNORECASE)
    jobs = yaml.safe_load(text)["jobs"]
    roles = [step for step in steps(jobs) if step.get("uses", "").startswith("aws-actions/")]
    assert roles == 3 * [
        {
            "uses": "aws-actions/configure-aws-credentials@v6",
            "with": {"role-to-assume": "${{ vars.AWS_ROLE_ARN }}", "aws-region": "${{ vars.AWS_REGION }}"},
        }
    ]
    assert workflow()["permissions"] == {"contents": "read"}
    assert {name for name, job in jobs.items() if job.get("permissions", {}).get("id-token") == "write"} == {
        "plan",
        "staging",
        "production",
    }


def test_its_actions_and_packages_are_pinned() -> None:
    found = steps(workflow()["jobs"])
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"]) for step in found if "uses" in step)
    installs = [step["run"] for step in found if "pip install" in step.get("run", "")]
    assert installs
    assert all(re.fullmatch(r'pip install "spacy-lambda\[\w+\]==[\w.]+"', install) for install in installs)


def test_each_step_calls_an_existing_command_and_options() -> None:
    import typer.main

    commands = typer.main.get_command(make_app()).commands  # type: ignore[attr-defined]
    for step in steps(workflow()["jobs"]):
        assert ("uses" in step) != ("run" in step)
        # Expressions reach a shell through variables only.
        assert "${{" not in step.get("run", "")
        called = re.match(r"spacy-lambda (\S+)(.*)", step.get("run", ""))
        if called:
            known = {option for parameter in commands[called[1]].params for option in parameter.opts}
            assert set(re.findall(r"--[\w-]+", called[2])) <= known


def test_its_expressions_use_known_names_of_github() -> None:
    text = render_workflow(project="papers", config="x", compiled="compiled", region=None, origin={})
    assert set(re.findall(r"\b(?:github|vars|env)\.[\w.]+", text)) == {
        "env.TEXTS",
        "github.event.pull_request.head.repo.full_name",
        "github.event.pull_request.number",
        "github.event_name",
        "github.ref",
        "github.repository",
        "github.run_id",
        "vars.AWS_REGION",
        "vars.AWS_ROLE_ARN",
    }
    assert "@" not in re.sub(r"@v\d+", "", text)


COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("origin", "address"),
    [
        ({"url": "https://example.com/x.whl", "archive_info": {}}, "https://example.com/x.whl"),
        (
            {"url": "https://example.com/x", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
            f"git+https://example.com/x@{COMMIT}",
        ),
        ({"url": "file:///nowhere", "dir_info": {"editable": True}}, "${{ vars.INSTALL_FROM }}"),
    ],
)
def test_it_installs_what_exists(origin: dict[str, Any], address: str) -> None:
    made = workflow(origin=origin)
    assert made["env"]["INSTALL_FROM"] == address
    installs = {step["run"] for step in steps(made["jobs"]) if "pip install" in step.get("run", "")}
    assert installs == {f'pip install "spacy-lambda[{extra}] @ $INSTALL_FROM"' for extra in ("compile", "deploy")}


def test_a_checkout_is_installed_from_its_remote(tmp_path: Path) -> None:
    git = ("git", "-C", str(tmp_path))
    for words in (
        ("init", "-q"),
        ("remote", "add", "origin", "https://example.com/mine"),
        ("-c", "user.name=x", "-c", "user.email=x", "commit", "-q", "--allow-empty", "-m", "x"),
    ):
        subprocess.run([*git, *words], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    made = workflow(origin={"url": tmp_path.as_uri(), "dir_info": {}})
    assert made["env"]["INSTALL_FROM"] == f"git+https://example.com/mine@{commit}"
