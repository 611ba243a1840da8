"""An evaluation as a whole: pipelines and corpus -> scores, errors, comparison."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from spacy_lambda.core.files import StrPath
from spacy_lambda.core.pipelines import find_pipeline
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.errors import CorpusError
from spacy_lambda.evaluation.comparison import compare as compare_evaluations
from spacy_lambda.evaluation.gold import GoldCorpus, read_gold
from spacy_lambda.evaluation.matching import KINDS, match_spans
from spacy_lambda.evaluation.predictions import load_any, predict, spacy_scores
from spacy_lambda.evaluation.report import Confusion, DocumentResult, Evaluation, LabelScore, SchemeScore
from spacy_lambda.evaluation.resampling import Interval, bootstrap_sums, interval, interval_of
from spacy_lambda.evaluation.scores import (
    SCHEMES,
    Array,
    CountTable,
    Credit,
    Ratios,
    Scheme,
    categories,
    count_documents,
    credits_of,
    ratios,
)
from spacy_lambda.evaluation.spans import ENTITIES, DocumentSpans, chosen_key, spans_of
from spacy_lambda.pipeline.spacy_corpus import corpus_files, hidden_files
from spacy_lambda.runtime.labels import PipelineLabels, pipeline_labels

__all__ = ["evaluate"]

ALWAYS_SCORED = ("speed", "token_")
"""Names, or their beginnings, of spaCy's scores that need no annotation."""


def evaluate(
    pipeline: StrPath,
    corpus: StrPath,
    *,
    compare: StrPath | None = None,
    spans_key: str | None = None,
    code: Sequence[StrPath] = (),
    seed: int = 0,
    on_step: OnStep = no_progress,
) -> Evaluation:
    """Evaluate a trained or compiled pipeline on an annotated corpus.

    :param pipeline: Its folder or installed package.
    :param corpus: A ``.spacy`` file, or a folder of them.
    :param compare: Another pipeline to compare with.
    :param spans_key: Evaluate ``doc.spans[spans_key]``. By default ``doc.ents``, or the only key with spans of a corpus
        that has no entities.
    :param code: Files that register what the pipelines name.
    :param seed: Seed of the resamples.
    :param on_step: Receives progress.
    :raises CorpusError: If the corpus cannot be read, or has no annotations that the pipeline predicts.
    :raises PipelineNotFoundError: If one of them is not a pipeline.
    :raises PipelineLoadError: If one of them does not load.
    """
    path, names = Path(corpus), [str(one) for one in (pipeline, compare) if one is not None]
    corpus_files(path)
    for name in names:
        find_pipeline(name)
    steps = ["evaluating", "comparing"]
    found = [
        _evaluate(
            name,
            path,
            spans_key=spans_key,
            code=[Path(one) for one in code],
            seed=seed,
            step=step,
            on_step=on_step,
            must_predict=spans_key is not None or compare is not None,
        )
        for name, step in zip(names, steps, strict=False)
    ]
    if len(found) == 1:
        return found[0]
    return replace(found[0], comparison=compare_evaluations(*found, seed=seed))


def _evaluate(
    pipeline: str,
    corpus: Path,
    *,
    spans_key: str | None,
    code: Sequence[Path],
    seed: int,
    step: str,
    on_step: OnStep,
    must_predict: bool,
) -> Evaluation:
    nlp = load_any(pipeline, code)
    golds = read_gold(corpus, nlp.vocab)
    key = chosen_key(golds.docs, spans_key)
    own = pipeline_labels(nlp, key)
    components = ", ".join(nlp.pipe_names) or "no components"
    if must_predict and not own.is_predicted:
        raise _not_predicted(pipeline, key, components)
    predictions = predict(nlp, golds, step=step, on_step=on_step)
    annotated = list(spans_of(predictions.examples, key, numbers=golds.numbers))
    results = tuple(_results(golds, annotated)) if own.is_predicted else ()
    labels = sorted({label for one in results for match in one.matches for label in match.labels})
    table = count_documents([one.matches for one in results], labels)
    schemes, by_label = _scores(table, own, seed=seed) if labels else ({}, {})
    scores = {**_as_spacy(key, schemes, by_label), **spacy_scores(nlp, predictions)}
    if all(name.startswith(ALWAYS_SCORED) for name in scores) and not results:
        raise CorpusError(
            f"{corpus} has no annotations that {pipeline} predicts ({components})",
            remedy="give a corpus that is annotated as the training data was, or choose its spans with --spans-key",
        )
    return Evaluation(
        pipeline=pipeline,
        name=f"{nlp.meta['lang']}_{nlp.meta['name']} {nlp.meta['version']}",
        corpus=str(corpus),
        documents=golds.documents,
        spans_key=key,
        results=results,
        schemes=schemes,
        labels=by_label,
        confusion=_confusion(results, labels),
        spacy=scores,
        is_predicted=own.is_predicted,
        annotated_documents=len(annotated),
        annotated_spans=sum(len(one.gold) for one in annotated),
        hidden_files=hidden_files(corpus),
    )


def _not_predicted(pipeline: str, key: str | None, components: str) -> CorpusError:
    place = "doc.ents" if key is None else f"doc.spans[{key!r}]"
    return CorpusError(
        f"no component of {pipeline} sets {place}, which is evaluated; it has {components}",
        remedy="choose what the pipelines predict with --spans-key, or leave it out to evaluate entities",
    )


def _results(golds: GoldCorpus, annotated: Sequence[DocumentSpans]) -> Iterator[DocumentResult]:
    """Yield the documents whose spans are annotated."""
    docs = dict(zip(golds.numbers, golds.docs, strict=True))
    for one in annotated:
        doc = docs[one.document]
        tokens = tuple((token.idx, token.idx + len(token)) for token in doc)
        yield DocumentResult(one.document, doc.text, tokens, tuple(match_spans(one.gold, one.predicted)))


def _scores(
    table: CountTable, own: PipelineLabels, *, seed: int
) -> tuple[dict[Scheme, SchemeScore], dict[str, LabelScore]]:
    columns = table.columns
    draws = bootstrap_sums(columns, seed=seed) if len(columns) > 1 else None
    total = table.split(columns.sum(axis=0))
    sums = None if draws is None else table.split(draws)
    kinds = {kind: int(number) for kind, number in zip(KINDS, total[0], strict=True)}
    schemes = {
        scheme: SchemeScore(
            **_ratios(ratios(credits_of(total[0], scheme))),
            interval=None if sums is None else interval(ratios(credits_of(sums[0], scheme)).f),
            categories=categories(kinds, scheme),
        )
        for scheme in SCHEMES
    }
    found = ratios(_of_labels(total))
    resampled = None if sums is None else _of_labels(sums)
    documents = np.count_nonzero(table.gold + table.predicted, axis=0)
    labels = {
        label: LabelScore(
            **_ratios(Ratios(found.p[i], found.r[i], found.f[i])),
            interval=None if resampled is None else _label_interval(resampled, i, int(documents[i])),
            support=int(total[1][i]),
            predicted=int(total[2][i]),
            correct=int(total[3][i]),
            predictable=own.has(label) or bool(total[2][i]),
        )
        for i, label in enumerate(table.labels)
    }
    return schemes, labels


def _of_labels(sums: tuple[Array, Array, Array, Array]) -> Credit:
    _, gold, predicted, correct = sums
    return Credit(correct, gold, predicted)


def _label_interval(resampled: Credit, column: int, documents: int) -> Interval | None:
    occurs = resampled.gold[:, column] + resampled.predicted[:, column] > 0
    return interval_of(ratios(resampled).f[:, column], occurs, documents)


def _ratios(found: Ratios) -> dict[str, float]:
    return {name: float(value) for name, value in (("p", found.p), ("r", found.r), ("f", found.f))}


def _confusion(results: Sequence[DocumentResult], labels: Sequence[str]) -> Confusion:
    order: list[str | None] = [*labels, None]
    place = {label: i for i, label in enumerate(order)}
    counts = np.zeros((len(order), len(order)), dtype=int)
    for match in (match for one in results for match in one.matches):
        gold, predicted = (None if span is None else span.label for span in (match.gold, match.predicted))
        counts[place[gold], place[predicted]] += 1
    return Confusion(tuple(order), tuple(tuple(map(int, row)) for row in counts))


def _as_spacy(
    key: str | None, schemes: Mapping[Scheme, SchemeScore], labels: Mapping[str, LabelScore]
) -> dict[str, Any]:
    """Return the scores under spaCy's names, even if no component of the pipeline scores itself."""
    if not schemes:
        return {}
    name = ENTITIES if key is None else f"spans_{key}"
    by_label = {label: {part: asdict(score)[part] for part in "prf"} for label, score in labels.items()}
    strict = asdict(schemes["strict"])
    return {**{f"{name}_{part}": strict[part] for part in "prf"}, f"{name}_per_type": by_label}
