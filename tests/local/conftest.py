"""Functions, the processes that serve them, and a browser."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_lambda.core.lambda_function import HANDLER
from tests.aws_variables import without_aws_variables
from tests.local.local_lambda import CODE, COMMAND, Lambda, settings


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pipeline")
    nlp = spacy.blank("xx")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "ORG", "pattern": "Acme"}])  # type: ignore[attr-defined]
    nlp.to_disk(path)
    return path


@pytest.fixture(scope="module")
def local(pipeline: Path) -> Iterator[Lambda]:
    """A function that tests of one module share; they must not break it."""
    with Lambda(settings(pipeline, max_concurrency=2)) as running:
        yield running


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A headless Chromium that all tests of the page share."""
    from tests.local.chromium import start_chromium

    running = start_chromium(tmp_path_factory.mktemp("chromium"))
    try:
        yield running
    finally:
        running.quit()


@pytest.fixture(scope="session")
def with_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a pipeline whose labels and words are of several kinds."""
    from tests.local.chromium import CAFE

    path = tmp_path_factory.mktemp("with_page")
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns(  # type: ignore[attr-defined]
        [
            {"label": "ORG", "pattern": "Acme"},
            {"label": "PLACE", "pattern": CAFE},
            {"label": "METAL", "pattern": "حديد"},
            {"label": "<b>ODD</b>", "pattern": "odd"},
        ]
    )
    nlp.meta.update(license="MIT", performance={"ents_p": 0.5, "ents_r": 0.25, "ents_f": 0.333})
    nlp.to_disk(path)
    return path


@pytest.fixture(scope="module")
def tried(with_page: Path) -> Iterator[Lambda]:
    """A function with a page."""
    from tests.local.chromium import ELSEWHERE, ENVIRON

    changes = {"handler": HANDLER, "code": None, "environment": ENVIRON, "name": "tried"}
    with Lambda(settings(with_page, **changes), allow_hosts=[ELSEWHERE]) as running:
        yield running


@pytest.fixture
def page(browser: Any, tried: Lambda) -> Iterator[Any]:
    """Its page, which has no errors at the end."""
    from tests.local.chromium import Page

    page = Page(browser, f"{tried.endpoint_url}/")
    yield page
    assert page.errors() == []


@pytest.fixture
def start(pipeline: Path) -> Iterator[Callable[..., Lambda]]:
    """Start functions for one test, with its own settings."""
    running: list[Lambda] = []

    def start_one(**changes: Any) -> Lambda:
        running.append(Lambda(settings(pipeline, **changes)))
        return running[-1]

    yield start_one
    for one in running:
        one.close()


@pytest.fixture(autouse=True)
def _no_aws_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    without_aws_variables(monkeypatch)


def _restore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def served(pipeline: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``spacy-lambda serve`` in a process, and its endpoint."""
    arguments = ("serve", str(pipeline), "--port", "0", "--handler", "stub.handler", "--code", str(CODE))
    with subprocess.Popen(
        [*COMMAND, *arguments, "--env", "A=b"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # What is started in the background of a script has them ignored.
        preexec_fn=_restore_signals,  # noqa: PLW1509
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        match = re.search(r"http://[\d.:]+\d", first)
        assert match, first + process.stdout.read()
        yield process, match[0]
        process.kill()
