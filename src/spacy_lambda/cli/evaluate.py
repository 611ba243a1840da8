"""``spacy-lambda evaluate``: a pipeline's scores and errors on an annotated corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spacy_lambda.cli.console import print_json, print_lines
from spacy_lambda.cli.evaluate_report import print_evaluation
from spacy_lambda.cli.options import CodeOption, ForceFileOption, JsonOption
from spacy_lambda.cli.output_paths import check_output_file, writable
from spacy_lambda.cli.progress import progress
from spacy_lambda.compiler.input_paths import check_paths
from spacy_lambda.core.files import replacing
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.core.pipelines import find_pipeline
from spacy_lambda.errors import CorpusError


def evaluate(
    pipeline: Annotated[str, typer.Argument(help="Trained or compiled pipeline: its folder or installed package.")],
    corpus: Annotated[Path, typer.Argument(help="Annotated corpus: a .spacy file, or a folder of them.")],
    *,
    compare: Annotated[
        str | None,
        typer.Option(metavar="PIPELINE", help="Compare with this pipeline, and test whether the difference is chance."),
    ] = None,
    spans_key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Evaluate these spans, such as sc, in place of the entities.",
            show_default="entities, or the only spans of a corpus without entities",
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(callback=writable, help="Write a report with the errors in their texts, as one HTML file."),
    ] = None,
    code: CodeOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the resampled documents.")] = 0,
    force: ForceFileOption = False,
    as_json: JsonOption = False,
) -> None:
    """Score a pipeline on an annotated corpus, with confidence intervals, and count its errors by kind.

    Example: spacy-lambda evaluate output/model-best dev.spacy --compare compiled --html report.html
    """
    from spacy_lambda.pipeline.spacy_corpus import corpus_files

    corpus_files(corpus)
    for one in (pipeline, compare):
        if one is not None:
            find_pipeline(one)
    check_paths(code=code)
    check_output_file(html, inputs=(corpus, pipeline, compare, *(code or ())), force=force, error=CorpusError)
    from spacy_lambda.evaluation import evaluate as evaluate_on_corpus

    with progress(quiet=as_json) as on_step:
        found = evaluate_on_corpus(
            pipeline, corpus, compare=compare, spans_key=spans_key, code=code or (), seed=seed, on_step=on_step
        )
    if html is not None:
        _write(html, found.to_html())
    if as_json:
        print_json(found.to_dict())
        return
    print_evaluation(found)
    if html is not None:
        print_lines(f"report: {html}")


def _write(html: Path, page: str) -> None:
    try:
        with replacing(html) as file:
            file.write(page.encode("utf-8", "replace"))
    except OSError as exc:
        raise CorpusError(f"{html} cannot be written: {system_reason(exc)}", remedy="choose another file") from exc
