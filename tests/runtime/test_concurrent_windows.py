"""Windows that run at the same time, on the threads of one session."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda.errors import EncoderError
from spacy_lambda.runtime import sessions
from spacy_lambda.runtime.concurrent_windows import ConcurrentWindows
from spacy_lambda.runtime.encoder import Encoder, Inputs
from spacy_lambda.runtime.encoder_output import get_encoding
from spacy_lambda.runtime.loading import load_pipeline
from spacy_lambda.runtime.transformer import CompiledTransformer

UNKNOWN = np.array([1, 10**7])
LEFT_RUNNING = """
import sys
from pathlib import Path
import numpy as np
from spacy_lambda.runtime import sessions
from spacy_lambda.runtime.concurrent_windows import ConcurrentWindows
from spacy_lambda.runtime.encoder import Encoder
sessions.available_cpus = lambda: 2
encoder = Encoder(Path(sys.argv[1]))

def run():
    with ConcurrentWindows(encoder) as windows:
        yield windows.add(encoder.inputs([np.arange(1000, 1100)] * 50))

suspended = run()
next(suspended)
print("end")
"""


@pytest.fixture(params=[1, 2, 4])
def encoder(request: pytest.FixtureRequest, bundled_path: Path, monkeypatch: pytest.MonkeyPatch) -> Encoder:
    """An encoder with so many CPUs."""
    monkeypatch.setattr(sessions, "available_cpus", lambda: request.param)
    return Encoder(bundled_path / "transformer")


@pytest.fixture
def transformer(bundled_path: Path, monkeypatch: pytest.MonkeyPatch) -> CompiledTransformer:
    """A transformer with two CPUs."""
    monkeypatch.setattr(sessions, "available_cpus", lambda: 2)
    found = load_pipeline(bundled_path).get_pipe("transformer")
    assert isinstance(found, CompiledTransformer)
    return found


def ids(count: int) -> list[Any]:
    return [np.arange(1000 + number, 1003 + number + 7 * (number % 5)) for number in range(count)]


def inputs(encoder: Encoder, windows: list[Any]) -> list[Inputs]:
    return encoder.inputs(windows)


def test_hidden_states_are_those_of_one_window_after_the_other(encoder: Encoder) -> None:
    texts = [ids(count) for count in (3, 0, 1, 12, 2)]
    with ConcurrentWindows(encoder) as windows:
        runs = [windows.add(inputs(encoder, text)) for text in texts]
        for text, run in zip(texts, runs, strict=True):
            for found, expected in zip(windows.results(run), encoder(text), strict=True):
                np.testing.assert_array_equal(found, expected)
                assert found.flags.writeable


def test_an_error_belongs_to_its_text(encoder: Encoder) -> None:
    texts = [ids(4), [*ids(2), UNKNOWN, *ids(2)], ids(4), [UNKNOWN], ids(1)]
    with ConcurrentWindows(encoder) as windows:
        runs = [windows.add(inputs(encoder, text)) for text in texts]
        for number, run in enumerate(runs):
            if number % 2:
                with pytest.raises(EncoderError, match="a window of 2 wordpieces"):
                    windows.results(run)
            else:
                assert len(windows.results(run)) == len(texts[number])


def test_closing_drops_what_has_not_begun(encoder: Encoder) -> None:
    with ConcurrentWindows(encoder) as windows:
        runs = windows.add(inputs(encoder, ids(60)))
    assert not all(run.is_done for run in runs)
    begun = [run.is_done for run in runs]
    encoder(ids(5))
    assert [run.is_done for run in runs] == begun


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_runs_what_its_parent_has_begun(encoder: Encoder) -> None:
    texts = [ids(8), ids(4)]
    with ConcurrentWindows(encoder) as windows:
        runs = [windows.add(inputs(encoder, text)) for text in texts]
        if not (child := os.fork()):
            same = all(
                np.array_equal(found, expected)
                for text, run in zip(texts, runs, strict=True)
                for found, expected in zip(windows.results(run), encoder(text), strict=True)
            )
            windows.close()
            os._exit(0 if same else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert [len(windows.results(run)) for run in runs] == [8, 4]


def test_a_thread_of_the_session_that_closes_does_not_wait_for_itself(
    bundled_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "available_cpus", lambda: 2)
    encoder = Encoder(bundled_path / "transformer")
    windows = ConcurrentWindows(encoder)
    windows._busy = 1
    closed = threading.Event()

    def collect_garbage(*_: Any) -> None:
        windows._shared.threads.add(threading.get_ident())
        windows.close()
        closed.set()

    encoder.start(inputs(encoder, ids(1))[0], collect_garbage, None)
    assert closed.wait(30)


@pytest.mark.slow
def test_python_ends_while_windows_run(bundled_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEFT_RUNNING, bundled_path / "transformer"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def texts() -> Iterator[str]:
    yield from (f"Film {number} of iron oxide. " * (1 + number % 4) for number in range(40))


@pytest.mark.slow
def test_pipe_equals_call(transformer: CompiledTransformer, bundled: Language) -> None:
    docs = [bundled.make_doc(text) for text in ["", *texts(), " \n"]]
    for batch_size in (1, 7, 1000):
        piped = transformer.pipe((doc.copy() for doc in docs), batch_size=batch_size)
        for doc, found in zip(docs, piped, strict=True):
            np.testing.assert_array_equal(hidden_states(found), hidden_states(transformer(doc.copy())))


def test_pipe_reads_ahead_within_bounds(transformer: CompiledTransformer, bundled: Language) -> None:
    read = 0

    def docs() -> Iterator[Doc]:
        nonlocal read
        for text in texts():
            read += 1
            yield bundled.make_doc(text)

    piped = transformer.pipe(docs(), batch_size=8)
    for number, _ in zip(range(1, 5), piped, strict=False):
        assert read <= number + 8
    piped.close()  # type: ignore[attr-defined]
    assert read < 20


def test_errors_leave_pipe(transformer: CompiledTransformer, bundled: Language) -> None:
    def docs() -> Iterator[Doc]:
        yield from (bundled.make_doc(text) for text in texts())
        raise KeyError("a reader's")

    found: list[Doc] = []
    with pytest.raises(KeyError, match="a reader's"):
        found.extend(transformer.pipe(docs(), batch_size=4))
    assert len(found) == 36
    transformer(bundled.make_doc("iron"))


@pytest.mark.slow
def test_abandoned_pipes_end(transformer: CompiledTransformer, bundled: Language) -> None:
    cycle: list[Any] = [transformer.pipe(map(bundled.make_doc, texts()))]
    cycle.append(cycle)
    next(cycle[0])
    del cycle
    gc.collect()
    assert hidden_states(transformer(bundled.make_doc("iron"))).shape[0] == 3


def hidden_states(doc: Doc) -> Any:
    encoding = get_encoding(doc)
    assert encoding is not None
    return encoding.hidden
