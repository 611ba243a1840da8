"""Annotated corpora: the facts that a config depends on, and the faults that make training useless."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from spacy.training.batchers import minibatch_by_padded_size
from spacy.vocab import Vocab

from spacy_lambda.core.counts import count
from spacy_lambda.errors import CorpusError, TrainingError, shorten
from spacy_lambda.pipeline.spacy_corpus import corpus_files, read_corpus_docs

__all__ = ["AnnotatedCorpus", "check_corpora", "corpus_digest", "read_corpus"]

EXAMPLES = 3
"""Texts or labels that a message names."""


@dataclass(frozen=True)
class AnnotatedCorpus:
    """Facts of a corpus.

    :param path: A ``.spacy`` file, or a folder of them.
    :param lengths: Tokens of each document.
    :param labels: Number of entities or spans of each label.
    :param spans_key: Key in ``doc.spans`` of the annotated spans; ``None`` if ``doc.ents`` are annotated.
    :param span_lengths: Tokens of each span of ``doc.spans``, sorted.
    :param unannotated: Documents whose ``doc.ents`` were never set, which is not the same as without entities.
    :param texts: Digests of the texts.
    """

    path: Path
    lengths: tuple[int, ...]
    labels: Mapping[str, int]
    spans_key: str | None
    span_lengths: tuple[int, ...]
    unannotated: int
    texts: Mapping[bytes, str]

    @property
    def words(self) -> int:
        """Number of tokens."""
        return sum(self.lengths)

    def batches(self, size: int) -> int:
        """Return the number of batches of a padded size in the corpus."""
        texts = [range(length) for length in self.lengths]
        return sum(1 for _ in minibatch_by_padded_size(texts, size))


def corpus_digest(path: Path) -> str:
    """Return the SHA-256 of a corpus's files."""
    digest = sha256()
    for file in corpus_files(path):
        digest.update(sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def read_corpus(path: Path) -> AnnotatedCorpus:
    """Read a corpus.

    :raises CorpusError: If it cannot be read or is empty, or if spans are annotated under several keys.
    """
    unread = [file for file in corpus_files(path) if path.is_dir() and file.suffix != ".spacy"]
    if unread:
        raise CorpusError(
            f"spaCy would not train on {unread[0]}: of a folder it reads only names that end with .spacy",
            remedy="rename the file, or pass it by itself",
        )
    docs = list(read_corpus_docs(path, Vocab()))
    if not any(len(doc) for doc in docs):
        raise CorpusError(f"{path} has no texts", remedy="convert the annotations again: spacy-lambda convert SRC OUT")
    keys = Counter(key for doc in docs for key, group in doc.spans.items() for _ in group)
    if len(keys) > 1:
        raise CorpusError(
            f"{path} has spans under {count(len(keys), 'key')} of doc.spans: {_names(list(keys))}",
            remedy="keep one: remove the others from doc.spans, or pass your own config with --spacy-config",
        )
    key = next(iter(keys), None)
    groups = [doc.ents if key is None else list(doc.spans.get(key, ())) for doc in docs]
    return AnnotatedCorpus(
        path=path,
        lengths=tuple(len(doc) for doc in docs),
        labels=Counter(span.label_ for group in groups for span in group),
        spans_key=key,
        span_lengths=() if key is None else tuple(sorted(len(span) for group in groups for span in group)),
        unannotated=0 if key is not None else sum(not doc.has_annotation("ENT_IOB") for doc in docs),
        texts={sha256(doc.text.strip().encode()).digest(): shorten(doc.text.strip()) for doc in docs},
    )


def check_corpora(train: AnnotatedCorpus, dev: AnnotatedCorpus) -> list[str]:
    """Check that a pipeline can be trained on one corpus and evaluated on the other.

    :returns: Warnings.
    :raises TrainingError: If the training corpus lacks annotations, or labels of the development corpus.
    """
    for one in (train, dev):
        if not one.labels:
            raise TrainingError(
                f"{one.path} has {count(len(one.lengths), 'document')} and no entities",
                remedy="check the report of spacy-lambda convert, and that the annotations are doc.ents or doc.spans",
            )
    if train.spans_key != dev.spans_key:
        raise TrainingError(
            f"{train.path} annotates {_place(train)}, but {dev.path} {_place(dev)}",
            remedy="convert both with the same --overlaps",
        )
    unknown = [label for label in dev.labels if label not in train.labels]
    if unknown:
        raise TrainingError(
            f"{dev.path} has {count(len(unknown), 'label')} that {train.path} lacks: {_names(unknown)}",
            remedy="split the documents again with another --seed, or correct the labels: no pipeline can learn them",
        )
    return list(_warnings(train, dev))


def _warnings(train: AnnotatedCorpus, dev: AnnotatedCorpus) -> Iterator[str]:
    both = [text for digest, text in train.texts.items() if digest in dev.texts and text]
    if both:
        yield (
            f"{count(len(both), 'text')} of {dev.path} {'is' if len(both) == 1 else 'are'} in {train.path}, too, so"
            f" that scores are too high: {_names(both)}"
        )
    unscored = [label for label in train.labels if label not in dev.labels]
    if unscored:
        yield f"{dev.path} has no example of {count(len(unscored), 'label')}, which get no score: {_names(unscored)}"
    for one in (train, dev):
        if one.unannotated:
            yield (
                f"{count(one.unannotated, 'document')} of {one.path} without annotations: doc.ents was never set, so"
                " they are ignored; set doc.ents = [] for texts without entities"
            )


def _place(corpus: AnnotatedCorpus) -> str:
    return "doc.ents" if corpus.spans_key is None else f"doc.spans[{corpus.spans_key!r}]"


def _names(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:EXAMPLES])
    return shown + (f" and {len(names) - EXAMPLES:,} more" if len(names) > EXAMPLES else "")
