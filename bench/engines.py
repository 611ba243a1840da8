"""One engine in a process of its own, for ``others.py``: it reads requests and writes responses, one JSON line each.

    python bench/engines.py ENGINE FOLDER THREADS

FOLDER has the original pipeline, the compiled ones, the encoder in the form of Hugging Face's transformers, and the
texts. An idle engine waits for its next request, so that it takes no CPU from the others.
"""

from __future__ import annotations

import json
import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

ORIGINAL, FP32, INT8, TRANSFORMER, TEXTS, CALIBRATION = (
    "original",
    "fp32",
    "int8",
    "transformer",
    "texts.json",
    "calibration.json",
)
"""Files in the folder."""

REFERENCE = "torch fp32"

CALIBRATED = 100
"""Windows with which static quantization is calibrated."""

Window = np.ndarray[Any, np.dtype[np.int64]]
Hidden = np.ndarray[Any, np.dtype[np.float32]]


class Engine(ABC):
    """An encoder. It takes the windows of a text one by one, or padded in one batch: whichever is faster for it."""

    def __init__(self) -> None:
        self.is_batched = False

    def __call__(self, windows: Sequence[Window], types: object = None) -> list[Hidden]:
        """Encode windows, in order."""
        if self.is_batched:
            return self.run(windows)
        return [self.run([window])[0] for window in windows]

    @abstractmethod
    def run(self, windows: Sequence[Window]) -> list[Hidden]:
        """Encode windows in one batch."""

    def choose_form(self, windows: Sequence[Window]) -> None:
        """Take the faster form for these windows."""
        seconds = {}
        for self.is_batched in (False, True):
            self(windows)
            seconds[self.is_batched] = min(timed(self, windows) for _ in range(3))
        self.is_batched = seconds[True] < seconds[False]


class Torch(Engine):
    """torch, with the model as it is or with quantized products."""

    def __init__(self, folder: Path, threads: int, *, is_quantized: bool = False) -> None:
        super().__init__()
        import torch
        import transformers

        torch.set_num_threads(threads)
        self._torch = torch
        self._model = transformers.AutoModel.from_pretrained(folder / TRANSFORMER).eval()
        if is_quantized:
            products = {torch.nn.Linear}
            self._model = torch.ao.quantization.quantize_dynamic(self._model, products, dtype=torch.qint8)

    def run(self, windows: Sequence[Window]) -> list[Hidden]:
        """Encode windows in one batch."""
        ids, mask = (self._torch.from_numpy(one) for one in padded(windows))
        with self._torch.inference_mode():
            hidden = self._model(input_ids=ids, attention_mask=mask).last_hidden_state.numpy()
        return unpadded(hidden, windows)


class OpenVINO(Engine):
    """OpenVINO, quantized by NNCF with the range of each activation in the calibration texts."""

    def __init__(self, folder: Path, threads: int) -> None:
        super().__init__()
        import openvino

        file = folder / "openvino.xml"
        if not file.exists():
            openvino.save_model(self._quantize(folder), file, compress_to_fp16=False)
        settings = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": threads}
        model = openvino.Core().compile_model(file, "CPU", settings)
        self._request = model.create_infer_request()

    @staticmethod
    def _quantize(folder: Path) -> Any:
        import nncf
        import openvino
        import torch
        import transformers

        model = transformers.AutoModel.from_pretrained(folder / TRANSFORMER).eval()
        example = dict(zip(("input_ids", "attention_mask"), map(torch.from_numpy, padded([np.arange(8)])), strict=True))
        windows = [np.array(one) for one in read(folder, CALIBRATION)]
        with torch.inference_mode():
            exact = openvino.convert_model(model, example_input=example)
        data = nncf.Dataset(windows, lambda window: dict(zip(example, padded([window]), strict=True)))
        return nncf.quantize(exact, data, model_type=nncf.ModelType.TRANSFORMER, subset_size=len(windows))

    def run(self, windows: Sequence[Window]) -> list[Hidden]:
        """Encode windows in one batch."""
        ids, mask = padded(windows)
        found = self._request.infer({"input_ids": ids, "attention_mask": mask})
        return unpadded(np.array(found[0]), windows)


class CTranslate2(Engine):
    """CTranslate2, with its own conversion to int8."""

    def __init__(self, folder: Path, threads: int) -> None:
        super().__init__()
        import ctranslate2

        model = folder / "ctranslate2"
        if not model.exists():
            converter = ctranslate2.converters.TransformersConverter(str(folder / TRANSFORMER))
            converter.convert(str(model), quantization="int8")
        self._encoder = ctranslate2.Encoder(str(model), device="cpu", inter_threads=1, intra_threads=threads)

    def run(self, windows: Sequence[Window]) -> list[Hidden]:
        """Encode windows in one batch."""
        output = self._encoder.forward_batch([window.tolist() for window in windows])
        return unpadded(np.array(output.last_hidden_state), windows)


class Ours(Engine):
    """The encoder of a compiled pipeline, which takes windows one by one."""

    def __init__(self, folder: Path, precision: str) -> None:
        super().__init__()
        from spacy_lambda.runtime.encoder import Encoder

        self._encoder = Encoder(folder / precision / "transformer")

    def choose_form(self, windows: Sequence[Window]) -> None:
        """Keep the only form."""

    def run(self, windows: Sequence[Window]) -> list[Hidden]:
        """Encode windows, one by one."""
        return self._encoder(windows)


ENGINES = {
    REFERENCE: Torch,
    "torch dynamic int8": lambda folder, threads: Torch(folder, threads, is_quantized=True),
    "OpenVINO static int8": OpenVINO,
    "CTranslate2 int8": CTranslate2,
    "spacy-lambda fp32": lambda folder, threads: Ours(folder, FP32),
    "spacy-lambda int8": lambda folder, threads: Ours(folder, INT8),
}
"""Every engine, by its name in the table. The first is the original's."""


class Worker:
    """Requests of ``others.py``.

    :param name: Of the engine.
    """

    def __init__(self, name: str, folder: Path, threads: int) -> None:
        import spacy_lambda

        self._folder, self._is_reference = folder, name == REFERENCE
        self._texts: list[str] = read(folder, TEXTS)
        self._nlp = spacy_lambda.load(folder / FP32)
        self._transformer = self._nlp.get_pipe("transformer")
        self._engine: Engine = ENGINES[name](folder, threads)
        self._windows = self._prepared(self._texts[0])
        self._engine.choose_form(self._windows)

    def describe(self) -> dict[str, Any]:
        """Return what the first text is to the encoder."""
        form = "one batch" if self._engine.is_batched else "one by one"
        return {"form": form, "windows": len(self._windows), "wordpieces": sum(map(len, self._windows))}

    def time(self, calls: int) -> dict[str, Any]:
        """Time the encoder on the first text, after a call that is not counted."""
        self._engine(self._windows)
        return {"ms": [1000 * timed(self._engine, self._windows) for _ in range(calls)]}

    def compare(self, file: str) -> dict[str, Any]:
        """Write the hidden states of the other texts, and return their entities: the original's own for its engine."""
        rows = [row for text in self._texts[1:] for row in self._engine(self._prepared(text))]
        np.save(file, np.concatenate(rows))
        if self._is_reference:
            import spacy

            nlp = spacy.load(self._folder / ORIGINAL)
        else:
            nlp, self._transformer._encoder = self._nlp, self._engine
        docs = [nlp(text) for text in self._texts[1:]]
        return {"entities": [[[ent.start_char, ent.end_char, ent.label_] for ent in doc.ents] for doc in docs]}

    def _prepared(self, text: str) -> list[Window]:
        windows: list[Window] = self._transformer.prepare(self._nlp.make_doc(text)).windows
        return windows


def timed(engine: Engine, windows: Sequence[Window]) -> float:
    """Return the seconds of one call."""
    begun = time.perf_counter()
    engine(windows)
    return time.perf_counter() - begun


def padded(windows: Sequence[Window]) -> tuple[Window, Window]:
    """Return a batch and its attention mask."""
    ids = np.zeros((len(windows), max(map(len, windows))), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, window in enumerate(windows):
        ids[row, : len(window)] = window
        mask[row, : len(window)] = 1
    return ids, mask


def unpadded(hidden: Hidden, windows: Sequence[Window]) -> list[Hidden]:
    """Return the rows of each window."""
    return [hidden[row, : len(window)] for row, window in enumerate(windows)]


def read(folder: Path, name: str) -> Any:
    """Read a file of JSON."""
    return json.loads((folder / name).read_text(encoding="utf-8"))


def main() -> None:
    """Answer requests until the input ends. The libraries' own output goes to the error stream."""
    name, folder, threads = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])  # spacy-lambda takes one thread for each CPU
    worker = Worker(name, folder, threads)
    for line in sys.stdin:
        what, *arguments = json.loads(line)
        print(json.dumps(getattr(worker, what)(*arguments)), file=answers, flush=True)


if __name__ == "__main__":
    main()
