"""``spacy-lambda verify``: compare a compiled pipeline with its original."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spacy_lambda.cli.console import print_error, print_json
from spacy_lambda.cli.options import CodeOption, JsonOption, finite
from spacy_lambda.cli.progress import progress
from spacy_lambda.cli.verify_report import nothing_compared, print_report
from spacy_lambda.compiler.input_paths import check_paths
from spacy_lambda.core.counts import count
from spacy_lambda.core.pipelines import find_pipeline
from spacy_lambda.errors import VerifyError

if TYPE_CHECKING:
    from spacy_lambda.compiler.emulated_host import EmulatedHost


def verify(
    original: Annotated[str, typer.Argument(help="Original pipeline: its folder or installed package.")],
    compiled: Annotated[str, typer.Argument(help="Compiled pipeline: its folder or installed package.")],
    *,
    texts: Annotated[
        Path,
        typer.Option(
            help="A folder of .txt files, a .jsonl with `text` in each line, or a .spacy corpus, whose annotations give"
            " gold F1."
        ),
    ],
    code: CodeOption = None,
    min_agreement: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            callback=finite,
            help="Exit with 1 if a component's agreement F1 is below this, or if the compiled pipeline fails on a text"
            " where the original does not.",
        ),
    ] = None,
    hosts: Annotated[
        bool,
        typer.Option(
            "--hosts",
            help="Compare the compiled pipeline with itself on other hosts: with another rounding of fp32, and on an"
            " emulated Haswell where qemu-x86_64 is installed.",
        ),
    ] = False,
    arm64_root: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="With --hosts, emulate a Neoverse N1 too, with the arm64 Python in this folder (made by"
            " scripts/make_arm64_root.sh).",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run both pipelines on the same texts and compare the annotations of each component.

    Example: spacy-lambda verify output/model-best compiled --texts texts.jsonl --min-agreement 0.98
    """
    for one in (original, compiled):
        find_pipeline(one)
    check_paths(texts=(texts,), code=code)
    from spacy_lambda.compiler import verify as compare_on_texts

    arm64 = None if arm64_root is None else _arm64_host(arm64_root)
    with progress(quiet=as_json) as on_step:
        report = compare_on_texts(
            original, compiled, texts, code=code or (), hosts=hosts or arm64 is not None, arm64=arm64, on_step=on_step
        )
    if as_json:
        print_json(report.to_dict())
    else:
        print_report(report.to_dict())
    if report.agreement is None:
        print_error(VerifyError(nothing_compared(report.to_dict()), remedy="give texts that the original annotates"))
        raise typer.Exit(1)
    if min_agreement is not None and report.compiled_failures:
        print_error(
            VerifyError(
                f"the compiled pipeline fails on {count(report.compiled_failures, 'text')} on which the original does"
                " not",
                remedy="correct the component that is named above, and compile the pipeline again",
            )
        )
        raise typer.Exit(1)
    if min_agreement is not None and report.agreement < min_agreement:
        print_error(
            VerifyError(
                f"the agreement is {report.agreement:.4f}, below {min_agreement}",
                remedy="compile with --precision fp32, or with --calibrate and texts like these",
            )
        )
        raise typer.Exit(1)


def _arm64_host(root: Path) -> EmulatedHost:
    """Return the Neoverse N1, for which pip downloads the function's packages."""
    from spacy_lambda.bundler.target import Target
    from spacy_lambda.bundler.target_root import target_task_root
    from spacy_lambda.compiler.emulated_host import make_neoverse_n1

    return make_neoverse_n1(root, lambda pipeline, python: target_task_root(pipeline, Target(python, "arm64")))
