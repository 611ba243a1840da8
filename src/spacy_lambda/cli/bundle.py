"""``spacy-lambda bundle``: what Lambda runs, in one zip."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spacy_lambda.cli.progress import progress

if TYPE_CHECKING:
    from spacy_lambda.bundler.build import Bundle


def bundle(
    pipeline: Annotated[
        str, typer.Argument(help="A pipeline folder, an installed package's name, a wheel, a zip or an artifact.")
    ],
    out: Annotated[
        Path, typer.Argument(help="The zip's file, or a folder for LANG_NAME-VERSION-pyXY-ARCH.zip.")
    ] = Path(),
    *,
    python: Annotated[str, typer.Option(help="Lambda's runtime: 3.12, 3.13 or 3.14.")] = "3.13",
    arch: Annotated[str, typer.Option(help="x86_64 or arm64.")] = "x86_64",
    report: Annotated[bool, typer.Option("--report", help="Say what was left out, and why.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Make a Lambda zip of a compiled pipeline and all that it needs, for any Python and architecture of Lambda."""
    from spacy_lambda.bundler.build import bundle_zip
    from spacy_lambda.bundler.target import Target

    with progress(quiet=as_json) as on_step:
        made = bundle_zip(
            pipeline, out, Target(python, arch), on_step=lambda step, done, total: on_step("bundling", done, total)
        )
    if as_json:
        print(json.dumps({**asdict(made), "path": str(made.path)}, indent=2))
    else:
        _print(made, report=report)


def _print(made: Bundle, *, report: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from spacy_lambda.bundler.target import UNZIPPED_LIMIT

    console = Console()
    table = Table("part", "MB")
    small = 0
    for name, size in made.parts.items():
        if size >= 1_000_000:
            table.add_row(name, f"{size / 1e6:.1f}")
        else:
            small += size
    table.add_row("the rest", f"{small / 1e6:.1f}")
    table.add_row("together", f"{made.unzipped / 1e6:.1f}", style="bold")
    console.print(table)
    if report:
        removed = Table("left out", "files", "MB", "why")
        for one in made.removed:
            removed.add_row(one.what, f"{one.files:,}", f"{one.size / 1e6:.1f}", one.reason)
        console.print(removed)
    if not made.bytecode:
        console.print(
            f"without byte code: Python {made.target.python} is not installed here, so each cold start will compile"
        )
    left = (UNZIPPED_LIMIT - made.unzipped) / 1e6
    print(
        f"{made.path}: {made.zipped / 1e6:.1f} MB, {made.unzipped / 1e6:.1f} MB unzipped, {left:.1f} MB below the limit"
    )
    print("handler: spacy_lambda.runtime.handler.handler, with SPACY_LAMBDA_PIPELINE=pipeline")
