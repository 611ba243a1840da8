"""Encoders that open while the rest of their pipeline loads."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_lambda.errors import EncoderError
from spacy_lambda.runtime import sessions
from spacy_lambda.runtime.loading import load_pipeline
from spacy_lambda.runtime.sessions import GRAPH_FILE, WEIGHTS_FILE, open_session, opening_sessions


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, bool]]:
    """Return the models that were opened, each with whether a separate thread did."""
    found: list[tuple[Any, bool]] = []
    open_now = sessions._open

    def record(model: Any) -> Any:
        found.append((model, threading.current_thread() is not threading.main_thread()))
        return open_now(model)

    monkeypatch.setattr(sessions, "_open", record)
    return found


def test_a_pipeline_opens_its_encoder_once_and_early(bundled_path: Path, opened: list[tuple[Any, bool]]) -> None:
    nlp = load_pipeline(bundled_path)
    assert nlp("Thin films of iron oxide were grown on silicon.").ents
    assert opened == [(bundled_path / "transformer", True)]
    assert sessions._openings == {}


def test_relative_paths(bundled_path: Path, opened: list[tuple[Any, bool]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bundled_path.parent)
    load_pipeline(Path(bundled_path.name))
    assert len(opened) == 1


def test_a_session_is_handed_over_once(bundled_path: Path, opened: list[tuple[Any, bool]]) -> None:
    folder = bundled_path / "transformer"
    with opening_sessions(bundled_path):
        assert open_session(folder) is not open_session(folder)
    open_session(folder)
    assert [early for _, early in opened] == [True, False, False]


def test_two_loads_of_one_pipeline(bundled_path: Path) -> None:
    with opening_sessions(bundled_path), opening_sessions(bundled_path):
        assert load_pipeline(bundled_path)("Iron.").text == "Iron."
        assert open_session(bundled_path / "transformer")


def test_errors_are_raised_where_the_session_is_needed(tmp_path: Path) -> None:
    folder = tmp_path / "transformer"
    folder.mkdir()
    for name in (GRAPH_FILE, WEIGHTS_FILE):
        (folder / name).write_bytes(b"broken")
    with opening_sessions(tmp_path), pytest.raises(EncoderError, match=r"encoder\.onnx"):
        open_session(folder)
    spacy.blank("en").to_disk(tmp_path)
    assert load_pipeline(tmp_path)("Iron.").text == "Iron."  # no component reads that folder
    assert sessions._openings == {}
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("open ")] == []
