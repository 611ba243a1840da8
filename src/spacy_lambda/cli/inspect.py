"""``spacy-lambda inspect``: what a pipeline is, and whether and how it would be compiled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from shlex import quote
from typing import Annotated, Any

import typer

from spacy_lambda.cli.choice_report import print_choice
from spacy_lambda.cli.console import print_json, print_lines, print_table
from spacy_lambda.cli.options import CodeOption, JsonOption
from spacy_lambda.cli.progress import progress
from spacy_lambda.compiler.input_paths import check_paths
from spacy_lambda.core.artifact.open import check_source
from spacy_lambda.core.counts import count
from spacy_lambda.core.files import megabytes

SHOWN_LABELS = 6

NAMES = {
    "largest_difference": "hidden states' largest difference from torch's",
    "relative_error": "hidden states' difference from torch's, relative",
    "checked_length": "checked length, wordpieces",
}
"""Names of settings that need more than their key."""


def inspect(
    pipeline: Annotated[
        str, typer.Argument(help="Pipeline: its folder, its installed package, or its wheel, zip or artifact.")
    ],
    *,
    code: CodeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Describe a pipeline: components, transformer, sizes, and what compiling would do, or why it cannot be compiled.

    A trained pipeline is loaded, which runs the code that it names: inspect only what you trust. Nothing is written.
    Exits with 1 if it can neither be compiled nor run as it is.

    Example: spacy-lambda inspect en_core_web_trf
    """
    check_source(pipeline)
    check_paths(code=code)
    from spacy_lambda.compiler import describe_pipeline

    with progress(quiet=as_json) as on_step:
        on_step("loading", 0, 1)
        found = describe_pipeline(pipeline, code=code or ()).to_dict()
        on_step("loading", 1, 1)
    if as_json:
        print_json(found)
    else:
        _print(found, " ".join(map(quote, (pipeline, *(f"--code={file}" for file in code or ())))))
    if found["reasons"]:
        raise typer.Exit(1)


def _print(found: Mapping[str, Any], arguments: str) -> None:
    size, version = megabytes(found["bytes"]), found["spacy_version"] or "unknown"
    print_lines(f"{found['pipeline']}: {found['kind']}, {size}, for spaCy {version}")
    print_table(["component", "factory", ">labels", "names of labels"], map(_component, found["components"]))
    for transformer in found["transformers"]:
        print_table(["setting", "value"], _rows(transformer), title=f"transformer {transformer['component']!r}")
    for key, title in (("requirements", "requirements"), ("code", "custom code")):
        if found[key]:
            print_lines(f"{title}: {', '.join(found[key])}")
    if found["source"]:
        print_lines("compiled from {name} {version}, sha256={sha256}".format(**found["source"]))
    if found["verification"]:
        agreement = found["verification"].get("agreement")
        shown = "unknown" if agreement is None else f"{agreement:.3f}"
        print_lines(f"verified on {count(found['verification'].get('documents', 0), 'document')}: agreement {shown}")
    if found["choice"]:
        print_choice(found["choice"])
    if found["fits"]:
        print_table(
            ["precision", ">pipeline MB", ">zip MB, unzipped", "fits a zip", ">peak memory MB"],
            (_fit(name, fit) for name, fit in found["fits"].items()),
            title="estimates",
        )
    print_lines(*_verdict(found, arguments))


def _component(component: Mapping[str, Any]) -> tuple[object, ...]:
    labels = component["labels"]
    more = ", …" if len(labels) > SHOWN_LABELS else ""
    shown = ", ".join(map(_label, labels[:SHOWN_LABELS]))
    return component["name"], component["factory"], len(labels) or "", shown + more


def _label(label: str) -> str:
    """Return a label, in quotes where its end could not be seen otherwise."""
    return label if label and not set(", ") & set(label) else repr(label)


def _rows(transformer: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for key, value in transformer.items():
        if key != "component" and value is not None and not (key in ("window", "stride") and value == 0):
            yield NAMES.get(key, key.replace("_", " ")), _figure(value)


def _figure(value: object) -> object:
    """Return integers with separators, and errors, which are the only fractions, in two digits."""
    if isinstance(value, float):
        return f"{value:.2g}"
    return f"{value:,}" if type(value) is int else value


def _fit(name: str, fit: Mapping[str, Any]) -> tuple[object, ...]:
    sizes = (f"{fit[key] / 1e6:.1f}" for key in ("pipeline_bytes", "zip_bytes"))
    return name, *sizes, "yes" if fit["fits_zip"] else "no: an image", fit["memory_mb"]


def _verdict(found: Mapping[str, Any], arguments: str) -> Iterator[str]:
    from spacy_lambda.pipeline.kind import PipelineKind

    if found["reasons"]:
        yield "the pipeline cannot be compiled:"
        for one in found["reasons"]:
            yield f"  {one['reason']}"
            yield f"    remedy: {one['remedy']}"
    elif found["kind"] == PipelineKind.ORIGINAL:
        yield f"compile it: spacy-lambda compile {arguments} compiled"
    else:
        yield f"a function runs it as it is: spacy-lambda serve {arguments}"
