"""Wordpiece ids -> hidden states, by onnxruntime."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from spacy_lambda.errors import EncoderError
from spacy_lambda.runtime.sessions import GRAPH_FILE, WEIGHTS_FILE, EncoderBytes, open_session

__all__ = ["GRAPH_FILE", "WEIGHTS_FILE", "Encoder", "EncoderBytes", "HiddenStates", "Inputs"]

INPUT = "input_ids"
TOKEN_TYPES = "token_type_ids"
"""Input of a graph whose tokenizer gives token types other than 0."""

OUTPUT = "last_hidden_state"
ALL_LAYERS = "hidden_states"
"""Output of a graph that gives the embeddings and every layer. *Shape:* ``(batch, n_layers + 1, wordpieces, width)``"""

HiddenStates = npt.NDArray[np.float32]
"""One row for each wordpiece, or one in each layer. *Shape:* ``(n_wordpieces, width)``, ``(n_layers + 1, …)``"""

Inputs = dict[str, npt.NDArray[np.int64]]
"""Inputs of the graph for one window, by their names. *Shape of each:* ``(1, n_wordpieces)``"""

T = TypeVar("T")
OnEnd = Callable[[T, HiddenStates | None, Exception | None], None]
"""Receives the data that was passed with a window, and the window's hidden states or the error."""

_lost_in_fork: list[Any] = []
"""Sessions of a parent process: their threads are gone, and closing them would wait for those threads."""


_opening: dict[int, threading.Lock] = {}
"""One lock for each process: a forked child cannot use its parent's, which a thread may have held."""


class Encoder:
    """A transformer encoder in an ONNX file.

    The graph takes ``input_ids`` *(batch, wordpieces)* without padding and without a mask. Windows therefore run one
    by one: nothing is paid for padding, and a window's hidden states do not depend on its neighbors in a batch,
    which matters where activations are quantized by their range.

    The session is opened at the first use and again in a forked child, where the threads of the parent's session
    do not exist. Threads share one session. A pickle has the contents of both files, except the pickle for a child
    process that :mod:`multiprocessing` is starting, which maps the same files. Copies are the encoder itself.

    :param model: The folder with both files, or their contents.
    :param all_layers: Return the hidden states of all layers, embeddings first. The graph gives either these or the
        last layer's.
    """

    def __init__(self, model: Path | EncoderBytes, *, all_layers: bool = False) -> None:
        self.model = model if isinstance(model, EncoderBytes) else model.absolute()  # the working directory may change
        self._output = ALL_LAYERS if all_layers else OUTPUT
        self._session: Any = None
        self._takes_types = False
        self._pid = -1

    def open(self) -> None:
        """Load the model file now instead of at the first use.

        :raises EncoderError: If onnxruntime refuses the file.
        """
        pid = os.getpid()
        if self._pid == pid:
            return
        with _opening.setdefault(pid, threading.Lock()):
            if self._pid == pid:
                return
            if self._session is not None:
                _lost_in_fork.append(self._session)
            self._session = open_session(self.model)
            self._takes_types = any(one.name == TOKEN_TYPES for one in self._session.get_inputs())
            self._pid = pid

    def __call__(
        self, windows: Sequence[npt.NDArray[np.int64]], types: Sequence[npt.NDArray[np.int64] | None] | None = None
    ) -> list[HiddenStates]:
        """Encode windows, in order.

        :param windows: Wordpiece ids of each window. *Shape of each:* ``(n_wordpieces,)``
        :param types: Token types of each window, for graphs that take them; ``None`` if they are all 0.
            *Shape of each:* ``(n_wordpieces,)``
        :raises EncoderError: If onnxruntime fails on a window.
        """
        self.open()
        return [self.run(one) for one in self.inputs(windows, types)]

    def inputs(
        self, windows: Sequence[npt.NDArray[np.int64]], types: Sequence[npt.NDArray[np.int64] | None] | None = None
    ) -> list[Inputs]:
        """Return the inputs of the graph for each window; see :meth:`__call__`."""
        self.open()
        if not self._takes_types:
            return [{INPUT: ids[np.newaxis]} for ids in windows]
        filled = [None] * len(windows) if types is None else types
        return [
            {INPUT: ids[np.newaxis], TOKEN_TYPES: (np.zeros_like(ids) if one is None else one)[np.newaxis]}
            for ids, one in zip(windows, filled, strict=True)
        ]

    @property
    def threads(self) -> int:
        """Threads of the session, with the one that calls it."""
        self.open()
        return int(self._session.get_session_options().intra_op_num_threads)

    def run(self, inputs: Inputs) -> HiddenStates:
        """Encode one window.

        :raises EncoderError: If onnxruntime fails on it.
        """
        self.open()
        try:
            (hidden,) = self._session.run([self._output], inputs)
        except Exception as exc:  # onnxruntime's exceptions share no public base
            raise _failure(inputs, exc) from exc
        return _rows(hidden)

    def start(self, inputs: Inputs, on_end: OnEnd[T], data: T) -> None:
        """Let a thread of the session encode one window; there must be more than one thread.

        :param on_end: Called in that thread; it must not raise.
        :param data: Its first argument.
        """

        def end(found: Sequence[Any], _: Any, error: str) -> None:
            if error:
                on_end(data, None, _failure(inputs, error))
            else:
                on_end(data, _rows(found[0]), None)

        self._session.run_async([self._output], inputs, end, None)

    def read(self) -> EncoderBytes:
        """Return the contents of both files.

        :raises EncoderError: If they cannot be read.
        """
        if isinstance(self.model, EncoderBytes):
            return self.model
        try:
            return EncoderBytes((self.model / GRAPH_FILE).read_bytes(), (self.model / WEIGHTS_FILE).read_bytes())
        except OSError as exc:
            from spacy_lambda.core.foreign_errors import system_reason

            raise EncoderError(
                f"{self.model}, from which the encoder was loaded, cannot be read: {system_reason(exc)}",
                remedy="load the pipeline again, from a folder that stays",
            ) from exc

    def write(self, folder: Path) -> None:
        """Write both files into a folder, which may be the one they are in.

        Files that are there are replaced, not overwritten: another pipeline may have mapped them.
        """
        if isinstance(self.model, EncoderBytes):
            _replace(folder / GRAPH_FILE, self.model.graph)
            _replace(folder / WEIGHTS_FILE, self.model.weights)
        elif not (self.model.exists() and folder.samefile(self.model)):
            for name in (GRAPH_FILE, WEIGHTS_FILE):
                _replace(folder / name, self.model / name)

    def __getstate__(self) -> dict[str, Any]:
        model = self.model if _is_starting_child() else self.read()
        return {**self.__dict__, "model": model, "_session": None, "_pid": -1}

    def __deepcopy__(self, memo: dict[int, Any]) -> Encoder:
        return self


def _rows(hidden: Any) -> HiddenStates:
    return np.asarray(hidden[0], dtype=np.float32)


def _failure(inputs: Inputs, reason: object) -> EncoderError:
    return EncoderError(
        f"onnxruntime failed on a window of {inputs[INPUT].shape[1]} wordpieces: {reason}",
        remedy="check `spacy-lambda verify` on this text, and report it with the pipeline's meta.json",
    )


def _replace(path: Path, content: Path | bytes) -> None:
    """Write a file next to its place and move it there, so that processes that have mapped the old one keep it.

    :param content: Its bytes, or a file to copy.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if isinstance(content, Path):
            shutil.copyfile(content, new)
        else:
            new.write_bytes(content)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _is_starting_child() -> bool:
    """Return whether :mod:`multiprocessing` is pickling for a process that it starts on this machine."""
    context = sys.modules.get("multiprocessing.context")
    return context is not None and context.get_spawning_popen() is not None
