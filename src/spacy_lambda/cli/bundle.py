"""``spacy-lambda bundle``: a pipeline as the zip or image that Lambda runs."""

from __future__ import annotations

import platform
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from spacy_lambda.cli.completion import complete_words
from spacy_lambda.cli.console import print_json, print_lines, print_table
from spacy_lambda.cli.next_command import command_line
from spacy_lambda.cli.options import ENGINE_NAMES, ForceOption, JsonOption
from spacy_lambda.cli.output_paths import writable
from spacy_lambda.cli.progress import stages
from spacy_lambda.core.files import megabytes
from spacy_lambda.core.lambda_function import ARCHITECTURES, DEFAULT_ARCHITECTURE, DEFAULT_PYTHON, HANDLER, PYTHONS

if TYPE_CHECKING:
    from spacy_lambda.bundler import Bundle


def bundle(
    pipeline: Annotated[
        str, typer.Argument(help="Pipeline folder, installed package, wheel, zip, artifact, or location.")
    ],
    out: Annotated[
        Path,
        typer.Argument(
            callback=writable, help="File of the zip, folder of the image, or an existing folder for either."
        ),
    ] = Path(),
    *,
    shape: Annotated[
        Literal["auto", "zip", "image"],
        typer.Option(help="Package type: zip, image, or auto for a zip if it fits."),
    ] = "auto",
    python: Annotated[
        str,
        typer.Option(help=f"Python of Lambda's runtime: {', '.join(PYTHONS)}.", autocompletion=complete_words(PYTHONS)),
    ] = DEFAULT_PYTHON,
    architecture: Annotated[
        str,
        typer.Option(
            help=f"Architecture of the function: {' or '.join(ARCHITECTURES)}.",
            autocompletion=complete_words(ARCHITECTURES),
        ),
    ] = DEFAULT_ARCHITECTURE,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Leave the pipeline in its store; the function fetches it during init.")
    ] = False,
    base: Annotated[
        str | None, typer.Option(help="Base image, with Python and awslambdaric.", show_default="AWS's own")
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Program that builds the image: docker, podman, finch or buildah; none for its folder alone.",
            show_default="the first one found",
            autocompletion=complete_words((*ENGINE_NAMES, "none")),
        ),
    ] = None,
    report: Annotated[
        bool,
        typer.Option("--report", help="List what was removed and why, list licences, and draw a treemap of the sizes."),
    ] = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Bundle a compiled pipeline and its dependencies for any Python and architecture of Lambda.

    Example: spacy-lambda bundle compiled bundle.zip --python 3.13 --architecture arm64
    """
    from spacy_lambda.bundler import BundleOptions, Target
    from spacy_lambda.bundler import bundle as make_bundle

    options = BundleOptions(
        target=Target(python, architecture),
        package_type=shape,
        fetch=fetch,
        base=base,
        engine=engine,
        replace=force,
    )
    with stages(quiet=as_json) as on_step:
        made = make_bundle(pipeline, out, options, on_step=on_step)
    drawing = _draw(made) if report else None
    if as_json:
        facts = {key: value for key, value in vars(made).items() if key not in ("sizes", "package_type")}
        print_json({**facts, "shape": made.package_type, "parts": _parts(made)})
    else:
        _print(made, report=report)
        if drawing is not None:
            print_lines(f"treemap: {drawing}")


def _parts(made: Bundle) -> dict[str, int]:
    """Return the bytes of each top-level entry, largest first."""
    parts = Counter[str]()
    for name, size in made.sizes.items():
        parts[name.partition("/")[0]] += size
    return dict(parts.most_common())


def _draw(made: Bundle) -> Path:
    from spacy_lambda.bundler.treemap import treemap_svg
    from spacy_lambda.core.lambda_limits import UNZIPPED_BYTES

    path = made.path.with_name(f"{made.path.name}.svg")
    path.write_text(treemap_svg(made.sizes, limit=UNZIPPED_BYTES, title=made.path.name), encoding="utf-8")
    return path


def _print(made: Bundle, *, report: bool) -> None:
    from spacy_lambda.bundler.sourceless import SOURCES

    _print_sizes(made)
    if report:
        _print_removed(made)
        _print_licences(made)
    if not made.bytecode:
        print_lines(
            f"no bytecode: Python {made.target.python} is not installed here, so each cold start compiles the modules"
        )
    if any(one.what == SOURCES for one in made.removed):
        print_lines("bytecode without sources, so that the zip fits: tracebacks through packages show no lines of code")
    print_lines(made.proof.about)
    print_lines(made.reason)
    if made.zipped is not None:
        print_lines(f"{made.path}: {megabytes(made.zipped)}, {megabytes(made.unzipped)} unzipped")
    elif made.image is not None:
        built = f"{made.image.tag}, {made.image.id}" if made.image.id else "not built"
        print_lines(f"{made.path}: {megabytes(made.unzipped)} on {made.image.base}; {built}")
    if _runs_here(made):
        print_lines(f"try it: {command_line('spacy-lambda', 'run-bundle', made.path)}")
    if made.zipped is not None:
        print_lines(f"handler: {HANDLER}")


def _runs_here(made: Bundle) -> bool:
    """Return ``True`` if ``run-bundle`` can serve it on this machine: its Python is here, or its image was built."""
    from spacy_lambda.bundler.bytecode import find_python

    if made.target.machine != platform.machine():
        return False
    return find_python(made.target) is not None if made.image is None else made.image.id is not None


def _print_sizes(made: Bundle) -> None:
    from spacy_lambda.core.lambda_limits import UNZIPPED_BYTES

    large = {name: size for name, size in _parts(made).items() if size >= 1_000_000}
    small = sum(_parts(made).values()) - sum(large.values())
    sizes = [*large.items(), ("the rest", small), ("total", made.unzipped)]
    if made.package_type == "zip":
        sizes.append(("left of the limit", UNZIPPED_BYTES - made.unzipped))
    print_table(["part", ">MB"], [(name, f"{size / 1e6:.1f}") for name, size in sizes])


def _print_removed(made: Bundle) -> None:
    rows = [(one.what, f"{one.files:,}", f"{one.size / 1e6:.1f}", one.reason) for one in made.removed]
    print_table(["removed", ">files", ">MB", "why"], rows)


def _print_licences(made: Bundle) -> None:
    rows = [(one.name, one.version, one.licence) for one in made.components]
    print_table(["distribution", "version", "licence"], rows)
