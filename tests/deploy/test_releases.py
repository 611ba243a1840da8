"""The two updates of a release: which version is live in each, and which event sources invoke it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from spacy_lambda.cdk.source_settings import SourceConfig
from spacy_lambda.cdk.spec import FunctionSpec
from spacy_lambda.deploy import promotion, publication
from tests.deploy.specs import SOURCES, function_spec

QUEUE, STREAM, PING = SOURCES[0], SOURCES[3], SOURCES[4]
Update = tuple[str | None, tuple[SourceConfig, ...], tuple[SourceConfig, ...]]
"""Live version, connected sources, and sources that may be read."""


def release(
    patch: pytest.MonkeyPatch,
    zipped: Path,
    *,
    live: str | None,
    newest: str,
    before: tuple[SourceConfig, ...],
    after: tuple[SourceConfig, ...],
) -> list[Update | str]:
    """Release a function, and return what happened to its stack, and when its version was tested."""
    happened: list[Update | str] = []

    def update(spec: FunctionSpec, **_: Any) -> str:
        happened.append((spec.live_version, spec.connected_sources, spec.readable_sources))
        return newest

    for module in (publication, promotion):
        patch.setattr(module, "update_stack", update)
    patch.setattr(publication, "live_version", lambda aws, function: live)
    patch.setattr(publication, "connected_sources", lambda aws, function: before)
    patch.setattr(publication, "live_before", lambda aws, function: ())
    patch.setattr(publication, "wait_until_ready", lambda *arguments: None)
    patch.setattr(publication, "run_golden_tests", lambda *arguments, **options: happened.append("tested"))
    patch.setattr(promotion, "prune_versions", lambda *arguments, **options: [])
    patch.setattr(promotion, "find_stack", lambda *arguments: None)
    prepared = SimpleNamespace(golden_tests=(), config=SimpleNamespace(keep_versions=3))
    stored: Any = SimpleNamespace(spec=function_spec(zipped, "ner", sources=after), prepared=prepared)
    anything: Any = None
    published = publication.publish(stored, aws=anything, cdk=anything, out=Path(), on_line=lambda line: None)
    promoted = promotion.promote(published, aws=anything, cdk=anything, out=Path(), on_line=lambda line: None)
    assert (promoted.version, promoted.previous) == (newest, live)
    return happened


def test_the_first_release(monkeypatch: pytest.MonkeyPatch, zipped: Path) -> None:
    happened = release(monkeypatch, zipped, live=None, newest="1", before=(), after=(QUEUE, PING))
    assert happened == [(None, (), (QUEUE, PING)), "tested", ("1", (QUEUE, PING), (QUEUE, PING))]


def test_sources_change_with_the_version(monkeypatch: pytest.MonkeyPatch, zipped: Path) -> None:
    happened = release(monkeypatch, zipped, live="1", newest="2", before=(QUEUE, PING), after=(STREAM, PING))
    assert happened == [
        ("1", (QUEUE, PING), (QUEUE, PING, STREAM)),
        "tested",
        ("2", (STREAM, PING), (STREAM, PING)),
    ]


def test_sources_change_without_a_version(monkeypatch: pytest.MonkeyPatch, zipped: Path) -> None:
    happened = release(monkeypatch, zipped, live="2", newest="2", before=(QUEUE,), after=())
    assert happened == [("2", (QUEUE,), (QUEUE,)), ("2", (), ())]


@pytest.mark.parametrize("after", [(QUEUE, PING), (PING, QUEUE)])
def test_nothing_changes(monkeypatch: pytest.MonkeyPatch, zipped: Path, after: tuple[SourceConfig, ...]) -> None:
    happened = release(monkeypatch, zipped, live="2", newest="2", before=(QUEUE, PING), after=after)
    assert [update[:2] for update in happened] == [("2", (QUEUE, PING))]
