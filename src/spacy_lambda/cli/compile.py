"""``spacy-lambda compile``: a trained pipeline as a compiled one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spacy_lambda.cli.console import print_json, print_lines
from spacy_lambda.cli.next_command import command_line
from spacy_lambda.cli.options import CodeOption, ForceOption, JsonOption
from spacy_lambda.cli.progress import progress
from spacy_lambda.compiler.input_paths import check_paths
from spacy_lambda.compiler.output_folder import check_output
from spacy_lambda.compiler.precisions import CALIBRATED, EXACT, PRECISIONS, require_calibrated
from spacy_lambda.core.artifact.open import check_source
from spacy_lambda.core.compiled_meta import CompiledMeta, Precision
from spacy_lambda.core.files import file_sizes, megabytes
from spacy_lambda.core.pipeline_meta import UNNAMED, pipeline_name, read_meta


def compile_(
    pipeline: Annotated[
        str, typer.Argument(help="Trained pipeline: its folder, its installed package, or its wheel, zip or artifact.")
    ],
    out: Annotated[Path, typer.Argument(help="Folder for the compiled pipeline; it appears whole or not at all.")],
    *,
    precision: Annotated[
        Precision,
        typer.Option(help=f"{'; '.join(f'{rules.name} {rules.summary}' for rules in PRECISIONS.values())}."),
    ] = EXACT.name,
    calibrate: Annotated[
        Path | None,
        typer.Option(
            help=f"For {' and '.join(CALIBRATED)}: texts like those the pipeline will see; a folder of .txt files, a"
            " .jsonl or .spacy file."
        ),
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
    require_calibrated(precision, calibrate)
    check_paths(texts=(calibrate, verify), code=code)
    inputs = [one for one in (calibrate, verify, *(code or ())) if one is not None]
    check_output(out, original=check_source(pipeline), inputs=inputs, force=force)
    from spacy_lambda.compiler import compile_pipeline

    with progress(quiet=as_json) as on_step:
        meta = compile_pipeline(
            pipeline,
            out,
            precision=precision,
            calibrate=calibrate,
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
        _print(meta, out)


def _print(meta: CompiledMeta, out: Path) -> None:
    from spacy_lambda.cli.verify_report import print_report

    size = megabytes(sum(file_sizes(out).values()))
    written = pipeline_name(read_meta(out / "meta.json"))
    print_lines(f"{out}: {written.package} {written.version} at {meta.precision}, {size}")
    if written.name == UNNAMED:
        print_lines(
            f"  {written.package} is spaCy's default name, which other pipelines have too: compile with --name NAME"
            " --version VERSION"
        )
    if meta.code:
        print_lines(f"  with custom code: {', '.join(meta.code)}; load it with spacy_lambda.load")
    for name, encoder in meta.encoders.items():
        print_lines(
            f"  {name}: {encoder['architecture']}, hidden states within {encoder['relative_error']:.1e} of torch's,"
            f" relative to their size, on random wordpieces"
        )
    if not meta.encoders:
        print_lines("  this pipeline has no transformer: it is copied unchanged")
    if any(e["calibration_texts"] == 0 for e in meta.encoders.values()):
        print_lines(f"  calibrated on random wordpieces; --calibrate TEXTS raises the agreement of {meta.precision}")
    if meta.verification is not None:
        print_report(meta.verification)
    elif meta.encoders:
        print_lines("  not compared with the original on texts: --verify TEXTS does, or `spacy-lambda verify` later")
    print_lines(f"next: {command_line('spacy-lambda', 'serve', out)}")
