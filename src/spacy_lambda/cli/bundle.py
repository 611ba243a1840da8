"""``spacy-lambda bundle``: what Lambda runs, in one zip or one image."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spacy_lambda.cli.console import say, say_json, say_table
from spacy_lambda.cli.progress import progress
from spacy_lambda.core.lambda_function import ARCHITECTURES, DEFAULT_ARCHITECTURE, DEFAULT_PYTHON, HANDLER, PYTHONS

if TYPE_CHECKING:
    from spacy_lambda.bundler.build import Bundle


def bundle(
    pipeline: Annotated[
        str,
        typer.Argument(
            help="A pipeline folder, an installed package's name, a wheel, a zip, an artifact or a location."
        ),
    ],
    out: Annotated[
        Path, typer.Argument(help="The zip's file, the image's folder, or an existing folder to put either in.")
    ] = Path(),
    *,
    shape: Annotated[str, typer.Option(help="zip, image, or auto: a zip if it fits.")] = "auto",
    python: Annotated[str, typer.Option(help=f"Lambda's runtime: {', '.join(PYTHONS)}.")] = DEFAULT_PYTHON,
    arch: Annotated[str, typer.Option(help=f"{' or '.join(ARCHITECTURES)}.")] = DEFAULT_ARCHITECTURE,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Leave the pipeline in its store; the function fetches it during init.")
    ] = False,
    base: Annotated[
        str | None, typer.Option(help="The image's base, with Python and awslambdaric.", show_default="AWS's own")
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            help="What builds the image: docker, podman, finch or buildah; none for its folder alone.",
            show_default="what is here",
        ),
    ] = None,
    report: Annotated[
        bool,
        typer.Option("--report", help="Say what weighs what, what was left out and why; draw it beside the bundle."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Make what Lambda takes of a compiled pipeline and all that it needs, for any of its Pythons and architectures."""
    from spacy_lambda.bundler.build import BundleOptions
    from spacy_lambda.bundler.build import bundle as make_bundle
    from spacy_lambda.bundler.target import Target

    options = BundleOptions(target=Target(python, arch), package_type=shape, fetch=fetch, base=base, engine=engine)
    with progress(quiet=as_json) as on_step:
        made = make_bundle(pipeline, out, options, on_step=lambda step, done, total: on_step("bundling", done, total))
    drawing = _draw(made) if report else None
    if as_json:
        say_json(_facts(made))
    else:
        _print(made, report=report)
        if drawing is not None:
            say(f"drawn: {drawing}")


def _facts(made: Bundle) -> dict[str, object]:
    facts = {key: value for key, value in asdict(made).items() if key not in ("sizes", "package_type")}
    return {**facts, "shape": made.package_type, "path": str(made.path), "parts": _parts(made)}


def _parts(made: Bundle) -> dict[str, int]:
    """Bytes by top-level entry, largest first."""
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
    _print_sizes(made)
    if report:
        _print_removed(made)
        _print_licences(made)
    if not made.bytecode:
        say(f"without byte code: Python {made.target.python} is not installed here, so each cold start will compile")
    say(made.proof.about)
    say(made.reason)
    if made.zipped is not None:
        say(f"{made.path}: {made.zipped / 1e6:.1f} MB, {made.unzipped / 1e6:.1f} MB unzipped")
    elif made.image is not None:
        built = f"{made.image.tag}, {made.image.id}" if made.image.id else "not built"
        say(f"{made.path}: {made.unzipped / 1e6:.1f} MB on {made.image.base}; {built}")
    say(f"try it: spacy-lambda run-bundle {made.path}")
    if made.zipped is not None:
        say(f"handler, once it is deployed: {HANDLER}")


def _print_sizes(made: Bundle) -> None:
    from spacy_lambda.core.lambda_limits import UNZIPPED_BYTES

    large = {name: size for name, size in _parts(made).items() if size >= 1_000_000}
    small = sum(_parts(made).values()) - sum(large.values())
    sizes = [*large.items(), ("the rest", small), ("together", made.unzipped)]
    if made.package_type == "zip":
        sizes.append(("below the limit", UNZIPPED_BYTES - made.unzipped))
    say_table(["part", ">MB"], [(name, f"{size / 1e6:.1f}") for name, size in sizes])


def _print_removed(made: Bundle) -> None:
    rows = [(one.what, f"{one.files:,}", f"{one.size / 1e6:.1f}", one.reason) for one in made.removed]
    say_table(["left out", ">files", ">MB", "why"], rows)


def _print_licences(made: Bundle) -> None:
    rows = [(one.name, one.version, one.licence) for one in made.components]
    say_table(["distribution", "version", "licence"], rows)
