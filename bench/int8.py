"""Compare ways to quantize the transformers of a trained pipeline: agreement, error and speed of each.

    python bench/int8.py PIPELINE TEXTS [--calibrate TEXTS] [--limit N] [CANDIDATE ...]

Prints a row for each candidate: F1 of its entities against the original's; against its own where the weights of all
layer norms are changed by 3e-7, which stands for the fp32 of another host; against gold entities, if TEXTS has some;
the root mean square of the hidden states' error, relative to their own; bytes of the encoders; processor time per text
of the whole pipeline on one thread, medians of alternating runs. The first row is the original, the second the
compiled pipeline at fp32. Texts for calibration and for comparison should be different ones.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from learned import learn
from spacy.language import Language
from spacy.tokens import Doc

import spacy_lambda
from spacy_lambda.compiler.compile import compile_pipeline
from spacy_lambda.compiler.encode import calibration_windows
from spacy_lambda.compiler.graphs.builder import split_weights
from spacy_lambda.compiler.graphs.encoder_graph import build_graph
from spacy_lambda.compiler.graphs.layers import LINEARS, LinearKey
from spacy_lambda.compiler.graphs.products import QuantizedLinear
from spacy_lambda.compiler.graphs.weights import EncoderWeights, Linear, Norm
from spacy_lambda.compiler.inspection import inspect_original
from spacy_lambda.compiler.quantize import RECIPES, Recipe, calibrate, quantize_linears, quantize_table
from spacy_lambda.compiler.texts import read_docs
from spacy_lambda.runtime import sessions
from spacy_lambda.runtime.encoder import Encoder, EncoderBytes
from spacy_lambda.runtime.encoder_output import get_encoding

CHANGE = 3e-7
ROUNDS = 3
TIMED = 10

Spans = list[set[tuple[int, int, str]]]


@dataclass(frozen=True)
class Candidate:
    """A way to quantize.

    :param recipes: Of each product.
    :param is_weight_only: Leave the inputs of the products in fp32: the error of the weights alone.
    :param exact_words: Leave the word embeddings in fp32.
    :param is_learned: Learn the rounding of weights, with scales, biases and norms, on the calibration texts.
    """

    recipes: Mapping[str, Recipe]
    is_weight_only: bool = False
    exact_words: bool = False
    is_learned: bool = False


ONE_TERM = {
    "qkv": Recipe(smoothing=0.65),
    "attention_out": Recipe(smoothing=0.65),
    "ffn_in": Recipe(smoothing=0.65),
    "ffn_out": Recipe(smoothing=0.5, per_row=True),
}
NO_EXACT = {
    "qkv": Recipe(smoothing=0.5, per_row=True),
    "attention_out": Recipe(smoothing=0.5, per_row=True),
    "ffn_in": Recipe(smoothing=0.5, per_row=True),
    "ffn_out": Recipe(smoothing=0.5, terms=2),
}
ONE_TERM_ROWS = {name: replace(recipe, per_row=True) for name, recipe in ONE_TERM.items()}
TWO_TERMS = {**dict.fromkeys(LINEARS, Recipe(terms=2)), "ffn_out": RECIPES["ffn_out"]}
CANDIDATES = {
    "int8": Candidate(RECIPES),
    "without exact inputs": Candidate(NO_EXACT),
    "16 exact inputs": Candidate({**RECIPES, **{name: replace(RECIPES[name], exact=16) for name in ("qkv", "ffn_in")}}),
    "two terms in attention_out": Candidate({**RECIPES, "attention_out": Recipe(smoothing=0.5, terms=2)}),
    "one term": Candidate(ONE_TERM),
    "one term per row": Candidate(ONE_TERM_ROWS),
    "one term per row, learned": Candidate(ONE_TERM_ROWS, is_learned=True),
    "one term but in ffn_out": Candidate({**ONE_TERM, "ffn_out": RECIPES["ffn_out"]}),
    "two terms but in qkv": Candidate({**TWO_TERMS, "qkv": RECIPES["qkv"]}),
    "two terms but in ffn_in": Candidate({**TWO_TERMS, "ffn_in": RECIPES["ffn_in"]}),
    "two terms": Candidate(TWO_TERMS),
    "fp32 inputs": Candidate(TWO_TERMS, is_weight_only=True),
    "fp32 inputs and embeddings": Candidate(TWO_TERMS, is_weight_only=True, exact_words=True),
}


def main() -> None:
    """Compare, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pipeline", type=Path)
    parser.add_argument("texts", type=Path)
    parser.add_argument("candidates", nargs="*", default=list(CANDIDATES), metavar="CANDIDATE")
    parser.add_argument("--calibrate", type=Path)
    parser.add_argument("--limit", type=int, help="texts to compare on at most")
    options = parser.parse_intermixed_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    sessions.available_cpus = lambda: 1  # type: ignore[attr-defined]
    original = inspect_original(options.pipeline)
    docs = read_docs(options.texts, original.nlp)[: options.limit]
    with tempfile.TemporaryDirectory(prefix="spacy-lambda-bench-") as folder:
        compiled = compile_pipeline(str(options.pipeline), Path(folder) / "fp32", prove=lambda *_, **__: [])
        print(f"{len(docs)} texts, {compiled.source_name}", flush=True)
        bench = Bench(original, spacy_lambda.load(Path(folder) / "fp32"), docs)
        bench.add("fp32", {}, {})
        texts = [doc.text for doc in read_docs(options.calibrate, original.nlp)] if options.calibrate else []
        windows = {part.name: calibration_windows(part, texts) for part in original.transformers}
        calibrations = {
            name: calibrate(bench.weights[name], found, on_step=lambda done, total: None)
            for name, found in windows.items()
        }
        for name in options.candidates:
            bench.add_candidate(name, CANDIDATES[name], calibrations, windows)
        bench.print_table()


class Bench:
    """The original, a compiled pipeline whose encoders are exchanged, and what was measured.

    :param original: From :func:`.inspect_original`.
    :param compiled: The pipeline at fp32.
    """

    def __init__(self, original: Any, compiled: Language, docs: Sequence[Doc]) -> None:
        self._original, self._compiled, self._docs = original.nlp, compiled, docs
        self.weights: dict[str, EncoderWeights] = {part.name: part.weights() for part in original.transformers}
        self._expected = [entities(original.nlp(doc.text)) for doc in docs]
        self._hidden: list[Any] = []
        self._encoders: dict[str, dict[str, Encoder]] = {}
        self._rows: dict[str, str] = {}

    def add_candidate(
        self, name: str, candidate: Candidate, calibrations: Mapping[str, Any], windows: Mapping[str, Any]
    ) -> None:
        """Quantize, and compare.

        :param calibrations: By the transformers' names.
        :param windows: Those of the calibration.
        """
        linears = {
            part: dict(quantize_linears(weights, calibrations[part], candidate.recipes))
            for part, weights in self.weights.items()
        }
        tables = (
            {} if candidate.exact_words else {part: quantize_table(one.words) for part, one in self.weights.items()}
        )
        exact = self.weights
        if candidate.is_weight_only:
            self.weights = {part: dequantized(one, linears[part]) for part, one in exact.items()}
            linears = {}
        elif candidate.is_learned:
            learned = {
                part: learn(one, linears[part], tables[part].values * tables[part].scales, windows[part])
                for part, one in exact.items()
            }
            self.weights = {part: found[0] for part, found in learned.items()}
            linears = {part: found[1] for part, found in learned.items()}
        self.add(name, linears, tables)
        self.weights = exact

    def add(self, name: str, linears: Mapping[str, Any], tables: Mapping[str, Any]) -> None:
        """Compare the pipeline with other encoders, and with the same ones after the change.

        :param linears: Quantized products by the transformers' names.
        :param tables: Quantized word embeddings by the transformers' names.
        """

        def encoders(weights: Mapping[str, EncoderWeights]) -> dict[str, EncoderBytes]:
            return {
                part: split_weights(build_graph(one, linears=linears.get(part), words=tables.get(part)))
                for part, one in weights.items()
            }

        files = encoders(self.weights)
        self._encoders[name] = {part: Encoder(one) for part, one in files.items()}
        found, hidden = self._annotate(self._encoders[name])
        changed = {part: Encoder(one) for part, one in encoders(self._changed()).items()}
        again, _ = self._annotate(changed)
        self._hidden = self._hidden or hidden
        gold = [entities(doc) for doc in self._docs]
        cells = [
            f"{f1(found, self._expected):.3f}",
            f"{f1(found, again):.3f}",
            f"{100 * f1(found, gold):.1f}" if any(gold) else "",
            f"{error(hidden, self._hidden):.4f}",
            f"{sum(len(part) for one in files.values() for part in one) / 1e6:.1f}",
        ]
        self._rows[name] = " | ".join(cells)
        print(f"{name} | {self._rows[name]}", flush=True)

    def print_table(self) -> None:
        """Measure the speed of all, and print the table."""
        seconds: dict[str, list[float]] = {name: [] for name in ("original", *self._encoders)}
        texts = [doc.text for doc in self._docs[:TIMED]]
        for _ in range(ROUNDS):
            for name, times in seconds.items():
                if name != "original":
                    self._use(self._encoders[name])
                nlp = self._original if name == "original" else self._compiled
                nlp(texts[0])
                for text in texts:
                    started = time.process_time()
                    nlp(text)
                    times.append(time.process_time() - started)
        cost = {
            name: statistics.mean(statistics.median(times[i :: len(texts)]) for i in range(len(texts)))
            for name, times in seconds.items()
        }
        print("\n| | agreement | with itself | gold F1 | error | MB | ms | x |\n| --- " + "| --- " * 7 + "|")
        for name, one in cost.items():
            row = self._rows.get(name, "1 | | | | ")
            print(f"| {name} | {row} | {1000 * one:.1f} | {cost['original'] / one:.2f} |")

    def _annotate(self, encoders: Mapping[str, Encoder]) -> tuple[Spans, list[Any]]:
        self._use(encoders)
        docs = [self._compiled(doc.text) for doc in self._docs]
        return [entities(doc) for doc in docs], [get_encoding(doc).hidden for doc in docs]

    def _use(self, encoders: Mapping[str, Encoder]) -> None:
        for name, encoder in encoders.items():
            self._compiled.get_pipe(name)._encoder = encoder

    def _changed(self) -> dict[str, EncoderWeights]:
        return {part: changed(one) for part, one in self.weights.items()}


def changed(weights: EncoderWeights) -> EncoderWeights:
    """Return the weights with a change of the norms as small as another host's."""
    rng = np.random.default_rng(0)

    def norm(one: Norm | None) -> Any:
        if one is None:
            return None
        return replace(
            one, weight=(one.weight * (1 + CHANGE * rng.choice([-1, 1], one.weight.shape))).astype(np.float32)
        )

    layers = {id(layer): layer for layer in weights.layers}
    new = {
        key: replace(layer, attention_norm=norm(layer.attention_norm), ffn_norm=norm(layer.ffn_norm))
        for key, layer in layers.items()
    }
    return replace(
        weights,
        embedding_norm=norm(weights.embedding_norm),
        layers=tuple(new[id(layer)] for layer in weights.layers),
        final_norm=norm(weights.final_norm),
    )


def dequantized(weights: EncoderWeights, linears: Mapping[LinearKey, QuantizedLinear]) -> EncoderWeights:
    """Return fp32 weights that have the error of the quantized ones."""

    def linear(number: int, name: str) -> Linear:
        one = linears[number, name]
        weight = one.weight * one.scales
        weight = weight if one.input_scale is None else weight * one.input_scale[:, np.newaxis]
        if one.exact is not None:
            weight[one.exact.indices] = one.exact.weight
        return Linear(weight, one.bias)

    layers = {
        number: replace(weights.layers[number], **{name: linear(number, name) for name in LINEARS})
        for number in set(weights.sources)
    }
    return replace(weights, layers=tuple(layers[number] for number in weights.sources))


def entities(doc: Doc) -> set[tuple[int, int, str]]:
    """Return the entities of a Doc."""
    return {(one.start_char, one.end_char, one.label_) for one in doc.ents}


def f1(found: Spans, expected: Spans) -> float:
    """Return the F1 of entities."""
    total = sum(len(a) + len(b) for a, b in zip(found, expected, strict=True))
    return 2 * sum(len(a & b) for a, b in zip(found, expected, strict=True)) / total if total else 1.0


def error(found: Sequence[Any], expected: Sequence[Any]) -> float:
    """Return the root mean square of the differences, relative to that of the expected values."""
    a, b = np.concatenate(found), np.concatenate(expected)
    return float(np.sqrt(np.square(a - b).mean() / np.square(b).mean()))


if __name__ == "__main__":
    main()
