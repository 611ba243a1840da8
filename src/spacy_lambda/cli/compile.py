"""``spacy-lambda compile``: a trained pipeline as a compiled one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from spacy_lambda.cli.console import print_json, print_lines
from spacy_lambda.cli.next_command import command_line
from spacy_lambda.cli.options import CodeOption, ForceOption, JsonOption, finite
from spacy_lambda.cli.output_paths import check_output_file, writable
from spacy_lambda.cli.progress import progress
from spacy_lambda.compiler.input_paths import check_paths
from spacy_lambda.compiler.output_folder import check_output
from spacy_lambda.compiler.precisions import (
    AUTO,
    CALIBRATED,
    DEFAULT_THRESHOLDS,
    EXACT,
    PRECISIONS,
    PrecisionRequest,
    Thresholds,
    check_inputs,
)
from spacy_lambda.core.artifact.open import check_source
from spacy_lambda.core.compiled_meta import CompiledMeta, precision_of
from spacy_lambda.core.files import file_sizes, megabytes, replacing
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.core.pipeline_meta import UNNAMED, pipeline_name, read_meta
from spacy_lambda.errors import CompileError, InvalidPipelineError


def compile_(
    pipeline: Annotated[
        str, typer.Argument(help="Trained pipeline: its folder, its installed package, or its wheel, zip or artifact.")
    ],
    out: Annotated[
        Path,
        typer.Argument(callback=writable, help="Folder for the compiled pipeline; it appears whole or not at all."),
    ],
    *,
    precision: Annotated[
        PrecisionRequest,
        typer.Option(
            help=f"{'; '.join(f'{rules.name} {rules.summary}' for rules in PRECISIONS.values())};"
            f" {AUTO} measures them on --texts and keeps the fastest that is good enough."
        ),
    ] = EXACT.name,
    calibrate: Annotated[
        Path | None,
        typer.Option(
            help=f"For {' and '.join(CALIBRATED)}: texts like those the pipeline will see; a folder of .txt files, a"
            " .jsonl or .spacy file."
        ),
    ] = None,
    texts: Annotated[
        Path | None,
        typer.Option(help=f"For {AUTO}: texts like those the pipeline will see; half of them calibrate, half measure."),
    ] = None,
    min_agreement: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            callback=finite,
            help=f"For {AUTO}: lowest agreement F1 with the original.",
            show_default=f"{DEFAULT_THRESHOLDS.min_agreement}",
        ),
    ] = None,
    max_drop: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=100.0,
            callback=finite,
            help=f"For {AUTO}: largest drop of gold F1, in points, if the texts are annotated.",
            show_default=f"{DEFAULT_THRESHOLDS.max_drop}",
        ),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(callback=writable, help=f"For {AUTO}: draw speed against agreement, as an SVG file.")
    ] = None,
    verify: Annotated[
        Path | None,
        typer.Option(help="Compare with the original on these texts, and keep the figures in meta.json."),
    ] = None,
    code: CodeOption = None,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the compiled pipeline, such as materials.", show_default="the original's"),
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="Version of the compiled pipeline.", show_default="the original's")
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Compile a trained pipeline: its transformer becomes ONNX and runs without torch.

    Loading a pipeline runs the code that it names: compile only what you trust.

    Example: spacy-lambda compile output/model-best compiled --precision int8 --name materials --version 1.0.0
    """
    check_inputs(precision, calibrate=calibrate, texts=texts, verify=verify)
    _check_measuring(texts, {"--min-agreement": min_agreement, "--max-drop": max_drop, "--plot": plot})
    check_paths(texts=(calibrate, texts, verify), code=code)
    inputs = [one for one in (calibrate, texts, verify, *(code or ())) if one is not None]
    check_output_file(plot, inputs=(pipeline, *inputs), force=force, error=CompileError)
    check_output(out, original=check_source(pipeline), inputs=inputs, force=force)
    from spacy_lambda.compiler import compile_pipeline

    replaced = _name_and_precision(out)
    with progress(quiet=as_json) as on_step:
        meta = compile_pipeline(
            pipeline,
            out,
            precision=precision,
            calibrate=calibrate,
            texts=texts,
            thresholds=Thresholds(
                DEFAULT_THRESHOLDS.min_agreement if min_agreement is None else min_agreement,
                DEFAULT_THRESHOLDS.max_drop if max_drop is None else max_drop,
            ),
            verify=verify,
            code=code or (),
            name=name,
            version=version,
            force=force,
            on_step=on_step,
        )
    if as_json:
        print_json(meta.to_dict())
    else:
        _print(meta, out, replaced)
        if precision == AUTO and texts is None and meta.encoders:
            print_lines(f"{AUTO} without texts is {meta.precision}: to measure faster precisions, pass --texts TEXTS")
    if plot is not None and meta.choice is not None:
        _draw(meta.choice, plot)


def _check_measuring(texts: Path | None, options: dict[str, Any]) -> None:
    """Check that options of measuring come with texts.

    :raises CompileError: If they do not.
    """
    given = [name for name, value in options.items() if value is not None]
    if given and texts is None:
        raise CompileError(
            f"{given[0]} applies to --precision {AUTO} with --texts only", remedy="add --texts TEXTS, or leave it out"
        )


def _draw(choice: dict[str, Any], plot: Path) -> None:
    from spacy_lambda.compiler.precision_plot import draw_plot

    try:
        with replacing(plot) as file:
            file.write(draw_plot(choice).encode())
    except OSError as exc:
        raise CompileError(
            f"{plot} cannot be written, but the pipeline was: {system_reason(exc)}", remedy="choose another file"
        ) from exc


def _name_and_precision(folder: Path) -> tuple[str, str] | None:
    """Return the name and the precision of a compiled pipeline; ``None`` if the folder does not have one."""
    try:
        meta = read_meta(folder / "meta.json")
        precision = precision_of(meta)
        return None if precision is None else (pipeline_name(meta).package, precision)
    except InvalidPipelineError:
        return None


def _print(meta: CompiledMeta, out: Path, replaced: tuple[str, str] | None = None) -> None:
    from spacy_lambda.cli.choice_report import print_choice
    from spacy_lambda.cli.verify_report import print_report

    size = megabytes(sum(file_sizes(out).values()))
    written = pipeline_name(read_meta(out / "meta.json"))
    print_lines(f"{out}: {written.package} {written.version} at {meta.precision}, {size}")
    if replaced is not None and replaced != (written.package, meta.precision):
        print_lines(
            f"  replaces {replaced[0]} at {replaced[1]}: to keep its name and precision, repeat --name and --precision"
        )
    if written.name == UNNAMED:
        print_lines(
            f"  {written.package} is spaCy's default name, which other pipelines have too: compile with --name NAME"
            " --version VERSION"
        )
    if meta.code:
        print_lines(f"  with custom code: {', '.join(meta.code)}; load it with spacy_lambda.load")
    for name, encoder in meta.encoders.items():
        print_lines(
            f"  {name}: {encoder['architecture']}, hidden states differ from torch's by"
            f" {100 * encoder['relative_error']:.2g} % (root mean square, on random wordpieces)"
        )
    if not meta.encoders:
        print_lines("  this pipeline has no transformer: it is copied unchanged")
    if any(e["calibration_texts"] == 0 for e in meta.encoders.values()):
        print_lines(f"  calibrated on random wordpieces; --calibrate TEXTS raises the agreement of {meta.precision}")
    if meta.choice is not None:
        print_choice(meta.choice)
    if meta.verification is not None:
        print_report(meta.verification)
    elif meta.encoders:
        print_lines(
            "  not compared with the original on texts; pass --verify TEXTS, or run `spacy-lambda verify` later"
        )
    print_lines(f"next: {command_line('spacy-lambda', 'serve', out)}")
