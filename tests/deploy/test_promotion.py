"""The last stage of a deployment, with a function of versions that exist, and a stack that is only recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.cdk.spec import FunctionSpec
from spacy_lambda.deploy import promotion
from spacy_lambda.deploy.promotion import LiveVersion, promote
from spacy_lambda.deploy.publication import Published
from tests.deploy.specs import function_spec


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls that would change AWS."""
    found: list[str] = []

    def prune(aws: Any, function: str, *, keep: int, live: str, before: tuple[str, ...]) -> list[int]:
        found.append(f"keep {keep}: {live}, {', '.join(before)}")
        return [1, 2]

    def update(spec: FunctionSpec, **_: Any) -> None:
        found.append(f"update: {spec.live_version}, {', '.join(spec.live_before)}")

    monkeypatch.setattr(promotion, "update_stack", update)
    monkeypatch.setattr(promotion, "prune_versions", prune)
    monkeypatch.setattr(promotion, "find_stack", lambda *_: None)
    return found


@pytest.mark.parametrize(
    ("version", "expected"), [("7", ["keep 3: 7, 5, 4"]), ("8", ["update: 8, 7, 5", "keep 3: 8, 7, 5"])]
)
def test_old_versions_are_deleted_with_or_without_a_new_one(
    version: str, expected: list[str], calls: list[str], tmp_path: Path
) -> None:
    """The versions that were live are recorded, as many as are kept."""
    spec = function_spec(tmp_path, "ner", live_version="7", live_before=("5", "4"))
    aws: Any = None
    cdk: Any = None
    published = Published(spec, version, "7", 3)
    live = promote(published, aws=aws, cdk=cdk, out=tmp_path, on_line=lambda line: None)
    assert live == LiveVersion("news-ner", version, "7", None, (1, 2))
    assert calls == expected
