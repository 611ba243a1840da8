"""A compiled pipeline compared with itself on other hosts.

Hosts round fp32 in different orders. A relative change of the norms' weights by a few units in the last place stands
for any other host; emulated CPUs are others.
"""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda.compiler.agreement import Tally
from spacy_lambda.compiler.annotations import annotations_of
from spacy_lambda.compiler.emulated_host import HASWELL, NEOVERSE_N1_NAME, EmulatedHost
from spacy_lambda.compiler.precisions import rules_in
from spacy_lambda.compiler.report import HostReport
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.errors import SpacyLambdaError, VerifyError
from spacy_lambda.runtime.loading import load
from spacy_lambda.runtime.private_transformer import find_transformers
from spacy_lambda.runtime.sessions import WEIGHTS_FILE, EncoderBytes

__all__ = ["ROUNDING", "compare_hosts", "round_differently"]

ROUNDING = 3e-7
"""Relative change of a weight: two or three units in its last place."""

NORMS = {
    "LayerNormalization": 1,
    "SimplifiedLayerNormalization": 1,
    "SkipLayerNormalization": 2,
    "SkipSimplifiedLayerNormalization": 2,
    "EmbedLayerNormalization": 5,
}
"""The input of each kind of norm that holds its weight."""

EMULATED_TEXTS = 3
EMULATED_LENGTH = 300
"""Texts on an emulated CPU, and their characters: one takes about ten seconds."""

OTHER_ROUNDING = "another rounding of fp32"


def compare_hosts(
    pipeline: Path,
    texts: Sequence[str],
    *,
    arm64: EmulatedHost | None = None,
    find: Callable[[str], str | None] = shutil.which,
    on_step: OnStep = no_progress,
) -> list[HostReport]:
    """Compare a compiled pipeline with itself on each other host.

    :param pipeline: Its folder.
    :param arm64: The Neoverse N1, if there is a Python for it.
    :param find: Finds a program.
    """
    nlp = load(pipeline)
    if not find_transformers(nlp):
        return [HostReport(OTHER_ROUNDING, reason="the pipeline has no compiled transformer")]
    found = [_rounded(nlp, pipeline, texts, on_step), _emulated(HASWELL, nlp, pipeline, texts, find, on_step)]
    if arm64 is None:
        return [*found, HostReport(NEOVERSE_N1_NAME, reason="no arm64 Python is given: --arm64-root FOLDER")]
    return [*found, _emulated(arm64, nlp, pipeline, texts, find, on_step)]


def round_differently(model: EncoderBytes) -> EncoderBytes:
    """Change the weights of an encoder's norms by :data:`ROUNDING`, up or down at random.

    :raises VerifyError: If it has no norms.
    """
    graph, weights = onnx.load_from_string(model.graph), bytearray(model.weights)
    names = {node.input[NORMS[node.op_type]] for node in graph.graph.node if node.op_type in NORMS}
    rng = np.random.default_rng(0)
    changed = 0
    for tensor in graph.graph.initializer:
        if tensor.name in names and tensor.data_type == TensorProto.FLOAT:
            _change(tensor, weights, rng)
            changed += 1
    if not changed:
        raise VerifyError("the encoder's graph has no layer norms", remedy="compare on an emulated host")
    return EncoderBytes(graph.SerializeToString(), bytes(weights))


def _change(tensor: onnx.TensorProto, weights: bytearray, rng: np.random.Generator) -> None:
    """Change a weight where it is: in the graph, or in the file of weights."""
    place = {one.key: one.value for one in tensor.external_data}
    if place.get("location") == WEIGHTS_FILE:
        begin, size = int(place["offset"]), int(place["length"])
        values = np.frombuffer(bytes(weights[begin : begin + size]), dtype=np.float32)
        weights[begin : begin + size] = _changed(values, rng).tobytes()
    else:
        values = numpy_helper.to_array(tensor)
        tensor.CopyFrom(numpy_helper.from_array(_changed(values, rng), tensor.name))


def _changed(values: np.typing.NDArray[np.float32], rng: np.random.Generator) -> np.typing.NDArray[np.float32]:
    signs = rng.choice([-1.0, 1.0], size=values.shape)
    return (values.astype(np.float64) * (1 + ROUNDING * signs)).astype(np.float32)


def _rounded(nlp: Language, pipeline: Path, texts: Sequence[str], on_step: OnStep) -> HostReport:
    other = load(pipeline)
    try:
        for transformer in find_transformers(other):
            transformer.replace_encoder(round_differently)
    except VerifyError as exc:
        return HostReport(OTHER_ROUNDING, reason=exc.message)
    tally = _Agreement(nlp)
    for number, text in enumerate(texts):
        first, second = _run(nlp, text), _run(other, text)
        if first is not None and second is not None:
            tally.add(text, first, second)
        on_step("other rounding", number + 1, len(texts))
    return tally.report(OTHER_ROUNDING)


def _emulated(
    host: EmulatedHost,
    nlp: Language,
    pipeline: Path,
    texts: Sequence[str],
    find: Callable[[str], str | None],
    on_step: OnStep,
) -> HostReport:
    obstacle, emulator = host.obstacle(find), find(host.emulator)
    if obstacle is not None or emulator is None:
        return HostReport(host.name, reason=obstacle)
    chosen = [text[:EMULATED_LENGTH] for text in texts if text.strip()][:EMULATED_TEXTS]
    on_step(f"emulating {host.cpu}", 0, 1)
    try:
        found = host.query(pipeline, chosen, emulator)
    except SpacyLambdaError as exc:
        return HostReport(host.name, reason=exc.message)
    tally = _Agreement(nlp)
    for text, content in zip(chosen, found, strict=True):
        first = _run(nlp, text)
        if first is not None:
            tally.add(text, first, Doc(nlp.vocab).from_bytes(base64.b64decode(content)))
    on_step(f"emulating {host.cpu}", 1, 1)
    return tally.report(host.name)


def _run(nlp: Language, text: str) -> Doc | None:
    """Return a text's Doc; ``None`` if the pipeline raises, which the comparison with the original reports."""
    try:
        return nlp(text)
    except Exception:  # any exception of user code
        return None


class _Agreement:
    """Counts of the annotations of one pipeline on two hosts."""

    def __init__(self, nlp: Language) -> None:
        self._exact = rules_in(nlp.meta).exact
        self._tallies: dict[str, Tally] = {}
        self._documents = self._identical = 0

    def add(self, text: str, first: Doc, second: Doc) -> None:
        """Count one document."""
        one, other = (annotations_of(_plain(doc)) for doc in (first, second))
        same = [
            self._tallies.setdefault(kind, Tally("", kind)).add(
                self._documents, text, one.get(kind, {}), other.get(kind, {})
            )
            for kind in one.keys() | other.keys()
        ]
        self._documents += 1
        self._identical += all(same)

    def report(self, host: str) -> HostReport:
        """Return the counts."""
        rows = [one.report(documents=self._documents, exact=self._exact) for one in self._tallies.values()]
        found = [
            row.agreement for row in rows if row.counts and row.agreement is not None and row.annotation != "tokens"
        ]
        reason = None if found else "the pipeline annotates nothing on these texts"
        return HostReport(host, min(found, default=None), self._documents, self._identical, reason)


def _plain(doc: Doc) -> Doc:
    """Return a Doc without what does not pass between processes."""
    return Doc(doc.vocab).from_bytes(doc.to_bytes(exclude=["tensor", "user_data"]))
