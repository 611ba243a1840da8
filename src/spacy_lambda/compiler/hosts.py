"""A compiled pipeline compared with itself on other hosts.

Hosts round fp32 in different orders. A relative change of the norms' weights by a few units in the last place stands
for any other host; an emulated CPU without VNNI is one.
"""

from __future__ import annotations

import base64
import platform
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
from spacy_lambda.compiler.precisions import rules_in
from spacy_lambda.compiler.report import HostReport
from spacy_lambda.core.pipeline_meta import read_meta
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.errors import SpacyLambdaError, VerifyError
from spacy_lambda.packages.isolation import run_isolated
from spacy_lambda.packages.task_root import function_task_root
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

QUERIES = Path(__file__).with_name("host_queries.py")
OLDER_CPU = "Haswell"
EMULATED_TEXTS = 3
EMULATED_LENGTH = 300
"""Texts on an emulated CPU, and their characters: one takes about ten seconds."""

OTHER_ROUNDING = "another rounding of fp32"
EMULATED = f"an emulated {OLDER_CPU}, without VNNI"


def compare_hosts(
    pipeline: Path,
    texts: Sequence[str],
    *,
    find: Callable[[str], str | None] = shutil.which,
    on_step: OnStep = no_progress,
) -> list[HostReport]:
    """Compare a compiled pipeline with itself on each other host.

    :param pipeline: Its folder.
    :param find: Finds a program.
    """
    nlp = load(pipeline)
    if not find_transformers(nlp):
        return [HostReport(OTHER_ROUNDING, reason="the pipeline has no compiled transformer")]
    return [_rounded(nlp, pipeline, texts, on_step), _emulated(nlp, pipeline, texts, find, on_step)]


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
    nlp: Language, pipeline: Path, texts: Sequence[str], find: Callable[[str], str | None], on_step: OnStep
) -> HostReport:
    emulator = find("qemu-x86_64")
    if platform.machine() not in ("x86_64", "AMD64"):
        return HostReport(EMULATED, reason=f"this machine is {platform.machine()}, not x86_64")
    if emulator is None:
        return HostReport(EMULATED, reason="qemu-x86_64 is not installed: apt-get install qemu-user")
    chosen = [text[:EMULATED_LENGTH] for text in texts if text.strip()][:EMULATED_TEXTS]
    on_step("emulating", 0, 1)
    try:
        found = _query(pipeline, chosen, emulator)
    except SpacyLambdaError as exc:
        return HostReport(EMULATED, reason=exc.message)
    tally = _Agreement(nlp)
    for text, content in zip(chosen, found, strict=True):
        first = _run(nlp, text)
        if first is not None:
            tally.add(text, first, Doc(nlp.vocab).from_bytes(base64.b64decode(content)))
    on_step("emulating", 1, 1)
    return tally.report(EMULATED)


def _query(pipeline: Path, texts: Sequence[str], emulator: str) -> list[str]:
    """Return the Docs of an emulated process that has the function's packages."""
    with function_task_root(read_meta(pipeline / "meta.json").get("requirements", ())) as root:
        done = run_isolated(
            QUERIES,
            {"texts": list(texts)},
            root=root,
            pipeline=pipeline,
            subject="the pipeline on an emulated CPU",
            error=VerifyError,
            emulator=(emulator, "-cpu", OLDER_CPU),
        )
    if done.failure is not None:
        raise VerifyError(
            f"the pipeline fails on an emulated CPU: {done.failure.kind}: {done.failure.message}",
            remedy="run it there to find the reason",
        )
    found: list[str] = done.results["docs"]
    return found


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
