"""``spacy-lambda convert``: annotations of a tool as a corpus of spaCy."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from spacy_lambda.cli.completion import complete_words
from spacy_lambda.cli.console import print_json
from spacy_lambda.cli.convert_report import print_conversion
from spacy_lambda.cli.options import JsonOption
from spacy_lambda.cli.output_paths import writable
from spacy_lambda.cli.progress import progress
from spacy_lambda.conversion.format_names import FORMAT_NAMES
from spacy_lambda.conversion.policies import (
    ConversionOptions,
    Discontinuous,
    DocumentUnit,
    Malformed,
    Misaligned,
    OffsetUnit,
    Overlaps,
)

SPANS_KEY = "sc"


def convert(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="File of annotations, or folder of files.")],
    out: Annotated[
        Path,
        typer.Argument(
            callback=writable,
            metavar="OUT",
            help="File, such as corpus.spacy; a folder with --to brat or webanno, and, if preferred, --split.",
        ),
    ],
    *,
    source_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help=f"Format of the source: {', '.join(FORMAT_NAMES)}.",
            show_default="by its content",
            autocompletion=complete_words(FORMAT_NAMES),
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            help=f"Format of the output: {', '.join(FORMAT_NAMES)}.",
            show_default="by OUT's suffix, else spacy",
            autocompletion=complete_words(FORMAT_NAMES),
        ),
    ] = None,
    misaligned: Annotated[
        Misaligned, typer.Option(help="Spans that begin or end inside a token; drop leaves its tokens without a value.")
    ] = "drop",
    overlaps: Annotated[
        Overlaps | None,
        typer.Option(
            help="Overlapping spans: keep the longest, keep the first, or keep all in doc.spans, for spancat.",
            show_default="longest, unless the output can hold them",
        ),
    ] = None,
    spans_key: Annotated[str, typer.Option(help="Key of doc.spans, for --overlaps spans.")] = SPANS_KEY,
    discontinuous: Annotated[
        Discontinuous,
        typer.Option(help="Spans of several fragments; join takes what is between the fragments, too."),
    ] = "drop",
    malformed: Annotated[
        Malformed, typer.Option(help="Tags in an order that BIO or BILUO does not allow, such as I after O.")
    ] = "repair",
    documents: Annotated[
        DocumentUnit,
        typer.Option(
            help="A document in files of tokens; auto is -DOCSTART- if there are several, else a sentence, which ends"
            " with a blank line."
        ),
    ] = "auto",
    rename_label: Annotated[
        list[str] | None,
        typer.Option(metavar="OLD=NEW", help="Rename a label; without NEW, leave it out; repeatable."),
    ] = None,
    tag_names: Annotated[
        str | None, typer.Option(help="Names of numeric tags from 0, with commas.", show_default="by the file")
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Label of tags that have no type, such as B and I.", show_default="ENTITY, reported"
        ),
    ] = None,
    annotator: Annotated[
        str | None,
        typer.Option(help="The annotator to take, where several annotated a document.", show_default="the first"),
    ] = None,
    spans_from: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE",
            help="Place of the spans or tags, if there are several: a key of JSON, a column of Parquet, or a layer or"
            " layer.feature of WebAnno.",
            show_default="the one that has spans",
        ),
    ] = None,
    text_from: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Key of the text in Label Studio's tasks, if there are several.",
            show_default="the one with which the spans agree",
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(help="Encoding of the source, such as cp1252.", show_default="UTF-8, UTF-16 or cp1252"),
    ] = None,
    offsets: Annotated[
        OffsetUnit, typer.Option(help="Unit of the offsets; auto compares them with the annotated text.")
    ] = "auto",
    lang: Annotated[str, typer.Option(help="Language of the tokenizer.")] = "en",
    base: Annotated[
        str | None,
        typer.Option(help="Pipeline whose tokenizer is used: folder or installed package.", show_default="--lang"),
    ] = None,
    retokenize: Annotated[
        bool, typer.Option("--retokenize", help="Replace the tokens of files that have tokens by the tokenizer's.")
    ] = False,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="SIZES",
            help="Split into train, dev and test by relative sizes, as in 80/10/10, or 80/10 for train and dev;"
            " documents of one source or text stay together.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of --split.")] = 0,
    force: Annotated[
        bool,
        typer.Option("--force", help="Replace OUT if it exists; a folder only if nothing but convert wrote its files."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Convert annotations of a tool to a corpus of spaCy, and report what does not fit.

    Example: spacy-lambda convert export.jsonl corpus.spacy --split 80/10/10
    """
    from spacy_lambda.conversion import convert as convert_annotations

    if spans_key != SPANS_KEY and overlaps != "spans":
        raise typer.BadParameter("it needs --overlaps spans", param_hint="--spans-key")
    options = ConversionOptions(
        encoding=encoding,
        offsets=offsets,
        misaligned=misaligned,
        overlaps=overlaps,
        discontinuous=discontinuous,
        malformed=malformed,
        documents=documents,
        tag_names=() if tag_names is None else tuple(name.strip() for name in tag_names.split(",")),
        label=label,
        rename=_renamed(rename_label or ()),
        spans_key=spans_key,
        retokenize=retokenize,
        spans_from=spans_from,
        text_from=text_from,
        annotator=annotator,
    )
    with progress(quiet=as_json) as on_step:
        report = convert_annotations(
            source,
            out,
            input_format=source_format,
            output_format=to,
            lang=lang,
            base=base,
            split=split,
            seed=seed,
            options=options,
            force=force,
            on_step=on_step,
        )
    if as_json:
        print_json(report.to_dict())
    else:
        print_conversion(report)


def _renamed(pairs: Iterable[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for pair in pairs:
        old, equals, new = pair.rpartition("=")
        if not equals or not old:
            raise typer.BadParameter(f"{pair!r} is not OLD=NEW", param_hint="--rename-label")
        if names.setdefault(old, new) != new:
            raise typer.BadParameter(f"{old!r} has two new names: {names[old]!r}, {new!r}", param_hint="--rename-label")
    return names
