"""The app of the page on constructs: its caller may invoke the live alias, and nothing else of the function."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.docs.blocks import ROOT, blocks
from tests.docs.surroundings import constructs


def test_the_caller_may_invoke_the_alias(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (app, _) = (block for block in blocks(ROOT / "docs" / "constructs.md") if block.language == "python")
    with constructs(tmp_path) as given:
        exec(compile(given.adapt(app.text), str(app.path), "exec"), {})
    resources = json.loads((tmp_path / "cdk.out" / "mine.template.json").read_text(encoding="utf-8"))["Resources"]
    policies: list[dict[str, Any]] = [
        one["Properties"] for one in resources.values() if one["Type"] == "AWS::IAM::Policy"
    ]
    (statement,) = (
        statement
        for policy in policies
        if policy["Roles"] == ["backend"]
        for statement in policy["PolicyDocument"]["Statement"]
    )
    (alias,) = (name for name, one in resources.items() if one["Type"] == "AWS::Lambda::Alias")
    assert statement == {"Action": "lambda:InvokeFunction", "Effect": "Allow", "Resource": {"Ref": alias}}
