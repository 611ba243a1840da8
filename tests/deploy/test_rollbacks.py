"""The version that a rollback chooses."""

from __future__ import annotations

from typing import Any

import pytest

from spacy_lambda.deploy import rollbacks
from spacy_lambda.deploy.rollbacks import Rollback, find_rollback
from spacy_lambda.deploy.stacks import Stack
from spacy_lambda.deploy.versions import Version
from spacy_lambda.errors import DeployError


def found(
    patch: pytest.MonkeyPatch,
    *,
    published: tuple[int, ...],
    live: str | None,
    before: tuple[str, ...],
    version: str | None = None,
) -> Rollback:
    patch.setattr(rollbacks, "find_stack", lambda aws, function: Stack(function, "UPDATE_COMPLETE"))
    patch.setattr(rollbacks, "require_own", lambda aws, project, name: None)
    patch.setattr(rollbacks, "live_version", lambda aws, function: live)
    patch.setattr(rollbacks, "live_before", lambda aws, function: before)
    versions = [Version(number, "", "", "") for number in sorted(published, reverse=True)]
    patch.setattr(rollbacks, "list_versions", lambda aws, function: versions)
    aws: Any = None
    return find_rollback("papers", "ner", aws=aws, version=version)


@pytest.mark.parametrize(
    ("published", "live", "before", "chosen"),
    [
        ((5, 6, 7), "7", ("5",), "5"),  # 6 failed its golden tests
        ((3, 5, 6, 7), "7", ("6", "5", "3"), "6"),
        ((3, 7), "7", ("5", "3"), "3"),  # 5 was deleted
        ((5, 7, 8), "8", ("5",), "5"),  # 7 was rolled back from
        ((2, 3), "2", ("3",), "3"),
    ],
)
def test_the_default_is_the_version_that_was_live_before(
    monkeypatch: pytest.MonkeyPatch, published: tuple[int, ...], live: str, before: tuple[str, ...], chosen: str
) -> None:
    expected = Rollback("papers-ner", chosen, live)
    assert found(monkeypatch, published=published, live=live, before=before) == expected


def test_a_version_that_was_never_live_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeployError) as caught:
        found(monkeypatch, published=(5, 6, 7), live="7", before=("4",))
    assert caught.value.message == "version 7 of papers-ner is live, and no version that was live before it is kept"
    assert caught.value.remedy == (
        "choose one with --version from 6, 5, which may have failed its golden tests; or deploy the pipeline that"
        " should be live"
    )
    assert found(monkeypatch, published=(5, 6, 7), live="7", before=(), version="6").version == "6"


def test_there_is_nothing_to_roll_back_to(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeployError) as caught:
        found(monkeypatch, published=(7,), live="7", before=())
    assert caught.value.remedy == "deploy the pipeline that should be live"


@pytest.mark.parametrize(("version", "message"), [("7", "is live already"), ("4", "has no version '4'")])
def test_a_named_version_has_to_be_another_one_that_is_kept(
    monkeypatch: pytest.MonkeyPatch, version: str, message: str
) -> None:
    with pytest.raises(DeployError, match=message):
        found(monkeypatch, published=(5, 7), live="7", before=("5",), version=version)
