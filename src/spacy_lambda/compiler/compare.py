"""Original and compiled pipeline on the same texts: what each component says, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from ..errors import VerifyError
from ..pipelines import find_pipeline
from ..runtime.component import OnnxTransformer
from ..runtime.encoding import get_encoding
from ..runtime.pipeline import load_pipeline
from .texts import read_docs

__all__ = ["ComponentReport", "Report", "compare", "verify"]

Item = tuple[Any, ...]
"""One thing that a component says about a text: characters and a value."""

BATCH = 16
CATEGORY_THRESHOLD = 0.5


@dataclass(frozen=True)
class ComponentReport:
    """How far two pipelines agree on what one component says.

    :param component: The component's name.
    :param says: What is compared: ``ents``, ``tags``, ...
    :param original: Number of items that the original says.
    :param compiled: Number of items that the compiled pipeline says.
    :param agreement: F1 of the two sets of items; 1 when both are empty.
    :param identical_documents: Documents on which both say exactly the same.
    :param gold_original: F1 of the original against the annotations; ``None`` without any.
    :param gold_compiled: The same for the compiled pipeline.
    :param differing_documents: Numbers of the first documents, from 0, on which they differ.
    """

    component: str
    says: str
    original: int
    compiled: int
    agreement: float
    identical_documents: int
    gold_original: float | None
    gold_compiled: float | None
    differing_documents: tuple[int, ...]


@dataclass(frozen=True)
class Report:
    """The comparison of two pipelines.

    :param documents: Number of texts.
    :param identical_documents: Documents on which all components say the same.
    :param largest_hidden_difference: Largest difference of two hidden states; ``None`` without a transformer.
    :param relative_hidden_error: Root mean square of the differences, as a part of the hidden states' own.
    """

    documents: int
    identical_documents: int
    largest_hidden_difference: float | None
    relative_hidden_error: float | None
    components: tuple[ComponentReport, ...]

    @property
    def agreement(self) -> float:
        """The lowest agreement of all components; 1 without any."""
        return min((component.agreement for component in self.components), default=1.0)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {**asdict(self), "agreement": self.agreement}


@dataclass(frozen=True)
class _Layer:
    """One kind of annotation: what it says of a Doc, and whether a gold Doc has it."""

    says: str
    items: Callable[[Doc], Iterable[Item]]
    in_gold: Callable[[Doc], bool]


def verify(original: str, compiled: str, texts: Path, *, on_step: Callable[[str, int, int], None]) -> Report:
    """Compare an original pipeline with its compiled one.

    :param original: Directory or package name of the original.
    :param compiled: Directory or package name of the compiled pipeline.
    :param texts: See :func:`.texts.read_docs`.
    :raises VerifyError: When there are no texts, or the pipelines are not of the same components.
    :raises PipelineNotFoundError: When one of them is no pipeline.
    """
    first, second = find_pipeline(original), find_pipeline(compiled)
    try:
        nlp = spacy.load(first)
    except Exception as exc:  # whatever the pipeline's own code raises
        raise VerifyError(
            f"{original} does not load: {type(exc).__name__}: {exc}",
            remedy='install what it needs, for example pip install "spacy-lambda[compile]"',
        ) from exc
    return compare(nlp, second, read_docs(texts, nlp), on_step=on_step)


def compare(
    original: Language, compiled: Path, docs: Sequence[Doc], *, on_step: Callable[[str, int, int], None]
) -> Report:
    """Run both pipelines on texts and compare what they say.

    :param original: The original, loaded.
    :param compiled: The compiled pipeline's directory.
    :param docs: The texts, with annotations where there are some.
    :param on_step: Told about progress.
    """
    other = load_pipeline(compiled)
    if other.pipe_names != original.pipe_names:
        raise VerifyError(
            f"the pipelines have different components: {original.pipe_names} and {other.pipe_names}",
            remedy="compare a pipeline with what was compiled from it",
        )
    tallies = [_Tally(name, layer) for name in original.pipe_names for layer in _layers(original, name)]
    hidden = _HiddenTally()
    identical = 0
    for begin in range(0, len(docs), BATCH):
        golds = docs[begin : begin + BATCH]
        texts = [gold.text for gold in golds]
        pairs = zip(original.pipe(texts), other.pipe(texts), golds, strict=True)
        for number, (first, second, gold) in enumerate(pairs, start=begin):
            # All tallies must see the document, whatever the first one says.
            identical += sum(tally.add(number, first, second, gold) for tally in tallies) == len(tallies)
            hidden.add(first, second, other)
            on_step("comparing", number + 1, len(docs))
    return Report(len(docs), identical, hidden.largest, hidden.relative, tuple(tally.report() for tally in tallies))


def _layers(nlp: Language, name: str) -> Iterator[_Layer]:
    factory = nlp.get_pipe_meta(name).factory
    component: Any = nlp.get_pipe(name)
    if factory in ("ner", "beam_ner", "entity_ruler"):
        yield _Layer("ents", _entities, lambda doc: doc.has_annotation("ENT_IOB"))
    elif factory in ("spancat", "spancat_singlelabel", "span_ruler", "span_finder"):
        key = component.key
        yield _Layer(f"spans[{key}]", lambda doc: _spans(doc, key), lambda doc: key in doc.spans)
    elif factory in ("textcat", "textcat_multilabel"):
        yield _Layer("cats", _categories, lambda doc: bool(doc.cats))
    elif factory == "tagger":
        yield _token_layer("tags", "TAG", lambda token: token.tag_)
    elif factory == "morphologizer":
        yield _token_layer("morphs", "MORPH", lambda token: str(token.morph))
        yield _token_layer("pos", "POS", lambda token: token.pos_)
    elif factory in ("parser", "beam_parser"):
        yield _token_layer("deps", "DEP", lambda token: (token.head.idx, token.dep_))
    elif factory in ("senter", "sentencizer"):
        yield _Layer("sents", _sentences, lambda doc: doc.has_annotation("SENT_START"))
    elif factory in ("lemmatizer", "trainable_lemmatizer"):
        yield _token_layer("lemmas", "LEMMA", lambda token: token.lemma_)


def _token_layer(says: str, attribute: str, value: Callable[[Any], Any]) -> _Layer:
    return _Layer(
        says,
        lambda doc: ((token.idx, token.idx + len(token), value(token)) for token in doc),
        lambda doc: doc.has_annotation(attribute),
    )


def _entities(doc: Doc) -> Iterator[Item]:
    return ((ent.start_char, ent.end_char, ent.label_) for ent in doc.ents)


def _spans(doc: Doc, key: str) -> Iterator[Item]:
    return ((span.start_char, span.end_char, span.label_) for span in doc.spans.get(key, []))


def _sentences(doc: Doc) -> Iterator[Item]:
    return ((sent.start_char, sent.end_char) for sent in doc.sents)


def _categories(doc: Doc) -> Iterator[Item]:
    return ((label,) for label, score in doc.cats.items() if score >= CATEGORY_THRESHOLD)


class _Tally:
    """Counts for one component, document by document."""

    LISTED = 10

    def __init__(self, component: str, layer: _Layer) -> None:
        self._component = component
        self._layer = layer
        self._original = self._compiled = self._shared = self._identical = 0
        self._differing: list[int] = []
        self._gold = self._gold_original = self._gold_compiled = 0
        self._in_gold_original = self._in_gold_compiled = 0
        self._has_gold = False

    def add(self, number: int, original: Doc, compiled: Doc, gold: Doc) -> bool:
        """Count one document; whether both say the same of it."""
        first, second = set(self._layer.items(original)), set(self._layer.items(compiled))
        self._original += len(first)
        self._compiled += len(second)
        self._shared += len(first & second)
        if first == second:
            self._identical += 1
        elif len(self._differing) < self.LISTED:
            self._differing.append(number)
        # spaCy calls an empty Doc annotated.
        if len(gold) and self._layer.in_gold(gold):
            self._add_gold(first, second, set(self._layer.items(gold)))
        return first == second

    def _add_gold(self, first: set[Item], second: set[Item], expected: set[Item]) -> None:
        self._has_gold = True
        self._gold += len(expected)
        self._in_gold_original += len(first)
        self._in_gold_compiled += len(second)
        self._gold_original += len(first & expected)
        self._gold_compiled += len(second & expected)

    def report(self) -> ComponentReport:
        """The counts as figures."""
        gold = self._gold if self._has_gold else None
        return ComponentReport(
            component=self._component,
            says=self._layer.says,
            original=self._original,
            compiled=self._compiled,
            agreement=_f1(self._shared, self._original, self._compiled),
            identical_documents=self._identical,
            gold_original=None if gold is None else _f1(self._gold_original, gold, self._in_gold_original),
            gold_compiled=None if gold is None else _f1(self._gold_compiled, gold, self._in_gold_compiled),
            differing_documents=tuple(self._differing),
        )


class _HiddenTally:
    """The differences of the hidden states, over all documents."""

    def __init__(self) -> None:
        self.largest: float | None = None
        self._squared = self._size = 0.0

    @property
    def relative(self) -> float | None:
        """Root mean square of the differences as a part of the hidden states' own."""
        return None if self.largest is None else float(np.sqrt(self._squared / max(self._size, 1e-12)))

    def add(self, original: Doc, compiled: Doc, nlp: Language) -> None:
        """Compare one document's hidden states, where both pipelines have some."""
        encoding = get_encoding(compiled)
        if encoding is None or not any(isinstance(pipe, OnnxTransformer) for _, pipe in nlp.pipeline):
            return
        expected = _torch_rows(original)
        if expected is None:
            return
        if expected.shape != encoding.hidden.shape:
            raise VerifyError(
                f"the hidden states have different shapes: {expected.shape} and {encoding.hidden.shape}",
                remedy="please report it, with the text and the pipeline's config.cfg",
            )
        difference = np.abs(expected - encoding.hidden)
        self.largest = max(self.largest or 0.0, float(difference.max(initial=0.0)))
        self._squared += float(np.square(difference).sum())
        self._size += float(np.square(expected).sum())


def _torch_rows(doc: Doc) -> Any:
    """The hidden states that spacy-transformers left on a Doc, without padding. *Shape:* ``(n_pieces, width)``"""
    data = getattr(doc._, "trf_data", None) if Doc.has_extension("trf_data") else None
    if data is None or "last_hidden_state" not in data.model_output:
        return None
    hidden = data.model_output.last_hidden_state
    mask = np.asarray(data.wordpieces.attention_mask) > 0
    return hidden[mask]


def _f1(shared: int, expected: int, found: int) -> float:
    return 2 * shared / (expected + found) if expected + found else 1.0
