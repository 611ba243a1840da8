"""A pipeline and an annotated corpus -> scores, errors and their report.

The flow of :func:`evaluate`, one module each::

    job              pipelines, corpus -> evaluation
      gold           a .spacy file -> annotated Docs
      predictions    a pipeline, and the corpus's texts -> Docs beside the annotated ones
      spans          a Doc and its annotated one -> labelled spans of both, in the places of the annotated one
      matching       spans of one document -> pairs, each correct or an error of a kind
      scores         numbers of documents -> precision, recall and F1
      resampling     numbers of documents -> confidence intervals and p-values
      comparison     two pipelines' numbers -> the difference, and the documents that differ
      report         the result, and its JSON
    html_report      the result -> one HTML file
      displacy_text  annotated and predicted spans of a document -> displaCy's markup

The names are imported when they are used. The runtime must not import this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spacy_lambda.extras import lazy_imports

if TYPE_CHECKING:
    from spacy_lambda.evaluation.job import evaluate
    from spacy_lambda.evaluation.report import Comparison, Evaluation

__all__ = ["Comparison", "Evaluation", "evaluate"]

__getattr__ = lazy_imports(
    __name__,
    {
        "Comparison": "spacy_lambda.evaluation.report",
        "Evaluation": "spacy_lambda.evaluation.report",
        "evaluate": "spacy_lambda.evaluation.job",
    },
)
