"""``spacy-lambda compile``: a pipeline becomes a compiled pipeline."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from spacy_lambda.cli.console import say, say_json
from spacy_lambda.cli.progress import progress
from spacy_lambda.core.compiled_meta import CompiledMeta


class PrecisionOption(StrEnum):
    """How the encoder's weights are stored."""

    fp32 = "fp32"
    int8 = "int8"


def compile_(
    pipeline: Annotated[
        str,
        typer.Argument(
            help="The trained pipeline: its folder, the name of its installed package, or its wheel or zip."
        ),
    ],
    out: Annotated[Path, typer.Argument(help="The folder for the compiled pipeline. It appears whole or not at all.")],
    *,
    precision: Annotated[
        PrecisionOption,
        typer.Option(help="fp32 says exactly what the original says; int8 is a quarter of the size and faster."),
    ] = PrecisionOption.fp32,
    calibrate: Annotated[
        Path | None,
        typer.Option(
            help="For int8: texts like those the pipeline will see (a folder of .txt, a .jsonl, a .spacy corpus)."
        ),
    ] = None,
    verify: Annotated[
        Path | None,
        typer.Option(help="Compare with the original on these texts, and keep the figures in meta.json."),
    ] = None,
    code: Annotated[
        list[Path] | None,
        typer.Option(
            help="A Python file or package that registers what the pipeline names, as for `spacy train`, or a file that"
            " lies beside it. May be repeated."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT when it is a pipeline.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written into meta.json, as JSON.")] = False,
) -> None:
    """Compile a trained pipeline: its transformer becomes ONNX, and torch is needed no more.

    Loading a pipeline runs code that it names: compile only what you trust.
    """
    from spacy_lambda.compiler.compile import compile_pipeline

    with progress(quiet=as_json) as on_step:
        meta = compile_pipeline(
            pipeline,
            out,
            precision=precision.value,
            calibrate=calibrate,
            verify=verify,
            code=code or (),
            force=force,
            on_step=on_step,
        )
    if as_json:
        say_json(meta.to_dict())
    else:
        _print(meta, out)


def _print(meta: CompiledMeta, out: Path) -> None:
    from spacy_lambda.cli.verify import print_report

    megabytes = sum(file.stat().st_size for file in out.rglob("*") if file.is_file()) / 1e6
    say(f"{out}: {meta.source_name} {meta.source_version} at {meta.precision}, {megabytes:.1f} MB")
    if meta.code:
        say(f"  with its own code: {', '.join(meta.code)}; load it with spacy_lambda.load")
    for name, encoder in meta.encoders.items():
        say(
            f"  {name}: {encoder['architecture']}, hidden states within {encoder['relative_error']:.1e} of torch's"
            f" on random wordpieces"
        )
    if not meta.encoders:
        say("  no transformer in this pipeline: it is its own compiled pipeline")
    if meta.precision == "int8" and any(e["calibration_texts"] == 0 for e in meta.encoders.values()):
        say("  calibrated on random wordpieces: --calibrate TEXTS makes int8 agree better")
    if meta.verification is not None:
        print_report(meta.verification)
    elif meta.encoders:
        say(f"compare with the original: spacy-lambda verify ORIGINAL {out} --texts TEXTS")
