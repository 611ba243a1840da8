"""The two files of an encoder -> an onnxruntime session, opened at the first use or while the pipeline loads."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from spacy_lambda.errors import EncoderError
from spacy_lambda.runtime.cpus import available_cpus
from spacy_lambda.runtime.onnx_import import import_onnxruntime

__all__ = ["FOLD_CONSTANTS", "GRAPH_FILE", "WEIGHTS_FILE", "EncoderBytes", "open_session", "opening_sessions"]

GRAPH_FILE = "encoder.onnx"
WEIGHTS_FILE = "encoder.onnx.data"
"""The large constants, apart from the graph, so that onnxruntime maps them into memory instead of parsing them."""


FOLD_CONSTANTS = "spacy_lambda.fold_constants"
"""Metadata key of graphs whose weights are stored in 8 bits and become fp32 when the graph is loaded."""


class EncoderBytes(NamedTuple):
    """The contents of an encoder's two files.

    :param graph: The ONNX model, whose large constants are in :data:`WEIGHTS_FILE`.
    :param weights: Those constants, at the places that the graph names.
    """

    graph: bytes
    weights: bytes


class _Opening(threading.Thread):
    """A thread that opens a session.

    :param folder: The folder with both files.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(name=f"open {folder.name}")
        self._folder = folder
        self._session: Any = None
        self._error: Exception | None = None

    def run(self) -> None:
        try:
            self._session = _open(self._folder)
        except Exception as exc:
            self._error = exc

    def result(self) -> Any:
        self.join()
        if self._error is not None:
            raise self._error
        return self._session


_openings: dict[Path, _Opening] = {}


@contextmanager
def opening_sessions(pipeline: Path) -> Iterator[None]:
    """Open the sessions of a pipeline's encoders in threads of their own, for :func:`open_session` in this block.

    Reading a graph and arranging its weights for the CPU needs neither Python nor spaCy, which load the rest meanwhile.
    """
    openings = {file.parent.absolute(): _Opening(file.parent) for file in pipeline.glob(f"*/{GRAPH_FILE}")}
    _openings.update(openings)
    for opening in openings.values():
        opening.start()
    try:
        yield
    finally:
        for folder, opening in openings.items():
            _openings.pop(folder, None)
            opening.join()


def open_session(model: Path | EncoderBytes) -> Any:
    """Return a session, which may be opening already.

    :param model: The folder with both files, or their contents.
    :raises EncoderError: If onnxruntime refuses the files.
    """
    opening = _openings.pop(model, None) if isinstance(model, Path) else None
    return _open(model) if opening is None else opening.result()


def _open(model: Path | EncoderBytes) -> Any:
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = available_cpus()
    options.inter_op_num_threads = 1
    # The compiler has fused the graph already: looking again would only cost start-up time.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    try:
        graph = model.graph if isinstance(model, EncoderBytes) else (model / GRAPH_FILE).read_bytes()
        if FOLD_CONSTANTS.encode() in graph:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
            # Otherwise onnxruntime keeps what dequantizes weights, to fuse it into products that round activations.
            options.add_session_config_entry("session.disable_quant_qdq", "1")
        if isinstance(model, EncoderBytes):
            options.add_external_initializers_from_files_in_memory(
                [WEIGHTS_FILE], [model.weights], [len(model.weights)]
            )
        source = model.graph if isinstance(model, EncoderBytes) else os.fspath(model / GRAPH_FILE)
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as exc:  # onnxruntime's exceptions share no public base
        name = "the encoder" if isinstance(model, EncoderBytes) else os.fspath(model / GRAPH_FILE)
        raise EncoderError(
            f"onnxruntime {onnxruntime.__version__} cannot open {name}: {exc}",
            remedy="compile the pipeline again, or install the onnxruntime version in its meta.json",
        ) from exc
