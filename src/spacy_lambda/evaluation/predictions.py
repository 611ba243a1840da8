"""A pipeline on a corpus's texts: predicted Docs beside the annotated ones, and spaCy's own scores of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Example

from spacy_lambda.compiler.custom_code import find_code, import_custom_code
from spacy_lambda.core.pipelines import find_pipeline
from spacy_lambda.core.progress import OnStep
from spacy_lambda.errors import CorpusError, PipelineLoadError, first_line
from spacy_lambda.evaluation.gold import GoldCorpus
from spacy_lambda.extras import install_command
from spacy_lambda.runtime.loading import load

__all__ = ["PredictedCorpus", "load_any", "predict", "spacy_scores"]

BATCH = 32


@dataclass(frozen=True)
class PredictedCorpus:
    """A pipeline's Docs of a corpus.

    :param examples: Each with its annotated Doc.
    :param words_per_second: The pipeline's speed, with tokenization.
    """

    examples: tuple[Example, ...]
    words_per_second: float


def load_any(pipeline: str, code: Sequence[Path] = ()) -> Language:
    """Load a trained or a compiled pipeline.

    :param pipeline: Its folder or installed package.
    :param code: Files that register what it names.
    :raises PipelineNotFoundError: If it is neither.
    :raises PipelineLoadError: If it does not load.
    """
    path = find_pipeline(pipeline)
    if code:
        import_custom_code(find_code(path, code))
    try:
        return load(path)
    except PipelineLoadError as exc:
        if isinstance(exc.__cause__, OSError):
            raise
        raise PipelineLoadError(
            exc.message,
            remedy=f"install what it requires, for example {install_command('compile')};"
            " give files that register its own functions with --code",
        ) from exc


def predict(nlp: Language, corpus: GoldCorpus, *, step: str, on_step: OnStep) -> PredictedCorpus:
    """Run a pipeline on the texts of annotated Docs.

    As in ``spacy benchmark accuracy``, the pipeline tokenizes the texts by itself, unless a Doc's spaces are unknown.

    :param step: Name of the step that is reported.
    :raises CorpusError: If the pipeline fails on a document.
    """
    golds, examples = corpus.docs, list[Example]()
    begun = time.perf_counter()
    on_step(step, 0, len(golds))
    for begin in range(0, len(golds), BATCH):
        batch, numbers = golds[begin : begin + BATCH], corpus.numbers[begin : begin + BATCH]
        examples += (Example(doc, gold) for doc, gold in zip(_run(nlp, batch, numbers), batch, strict=True))
        on_step(step, len(examples), len(golds))
    seconds = max(time.perf_counter() - begun, 1e-9)
    return PredictedCorpus(tuple(examples), sum(len(one.predicted) for one in examples) / seconds)


def _run(nlp: Language, golds: Sequence[Doc], numbers: Sequence[int]) -> list[Doc]:
    try:
        return list(nlp.pipe([_unannotated(nlp, gold) for gold in golds]))
    except Exception:  # any exception of user code; on which document, is found out below
        return list(_run_each(nlp, golds, numbers))


def _run_each(nlp: Language, golds: Sequence[Doc], numbers: Sequence[int]) -> Iterator[Doc]:
    for number, gold in zip(numbers, golds, strict=True):
        try:
            yield nlp(_unannotated(nlp, gold))
        except Exception as exc:  # any exception of user code
            raise CorpusError(
                f"the pipeline fails on document {number} of the corpus, {gold.text[:60]!r}:"
                f" {type(exc).__name__}: {first_line(exc)}",
                remedy="remove the document, or correct the component that raises this",
            ) from exc


def _unannotated(nlp: Language, gold: Doc) -> Doc:
    if not gold.has_unknown_spaces:
        return nlp.make_doc(gold.text)
    words, spaces = [token.text for token in gold], [bool(token.whitespace_) for token in gold]
    return Doc(nlp.vocab, words=words, spaces=spaces)


def spacy_scores(nlp: Language, predictions: PredictedCorpus) -> dict[str, Any]:
    """Return the scores that spaCy's components compute, by the names of ``spacy benchmark accuracy``.

    :raises CorpusError: If one of them cannot read the annotations.
    """
    try:
        scores = Scorer(nlp).score(predictions.examples)
    except Exception as exc:  # scorers are user code
        raise CorpusError(
            f"spaCy cannot score the corpus: {type(exc).__name__}: {first_line(exc)}",
            remedy="check that the corpus is annotated as the pipeline's training data was",
        ) from exc
    plain = {name: _plain(value) for name, value in scores.items() if _is_scored(value)}
    return plain | {"speed": predictions.words_per_second}


def _is_scored(value: Any) -> bool:
    """Return whether there is a score: for an annotation that the corpus lacks, spaCy gives none."""
    return value is not None and value != {}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    return value.item() if hasattr(value, "item") else value
