"""Annotations of a tool -> a corpus of spaCy, or annotations in another format."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from spacy.tokens import DocBin

from spacy_lambda.conversion.accounting import Account, ConversionReport
from spacy_lambda.conversion.annotated_document import AnnotatedDocument
from spacy_lambda.conversion.doc_building import make_tokenizer
from spacy_lambda.conversion.fitting import Fitting
from spacy_lambda.conversion.formats.registry import AnnotationFormat, ReadingContext, named_annotation_format
from spacy_lambda.conversion.offset_units import check_offsets, describe_doubt, in_characters
from spacy_lambda.conversion.output_paths import check_outputs, other_splits, output_format_of, output_paths, written
from spacy_lambda.conversion.policies import ConversionOptions
from spacy_lambda.conversion.recognition import recognize_format
from spacy_lambda.conversion.repeated_texts import RepeatedTexts
from spacy_lambda.conversion.source_files import SourceFile, find_source
from spacy_lambda.conversion.span_checks import keep_sound_spans
from spacy_lambda.conversion.splits import SplitSizes, split_documents, with_one_group
from spacy_lambda.core.files import StrPath
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.errors import CorpusError, first_line

__all__ = ["convert"]

LEFT_OUT_LABEL = "label left out"
NO_TEXT = "no text"
EVERY = 100
"""Documents between two reports of progress."""


def convert(
    source: StrPath,
    destination: StrPath,
    *,
    input_format: str | None = None,
    output_format: str | None = None,
    lang: str = "en",
    base: StrPath | None = None,
    split: str | None = None,
    seed: int = 0,
    options: ConversionOptions | None = None,
    force: bool = False,
    on_step: OnStep = no_progress,
) -> ConversionReport:
    """Convert annotations of a tool to a corpus of spaCy, or to another format.

    Every entity of the source is kept, or counted with the reason why it is not.

    :param source: A file, or a folder of files of one format.
    :param destination: The file, or the folder for brat. With ``split``, its name is the beginning of several.
    :param input_format: The source's format; ``None`` to recognize it.
    :param output_format: The destination's format; ``None`` for the format of its suffix, else ``spacy``.
    :param lang: Language of the tokenizer.
    :param base: Pipeline whose tokenizer is used instead.
    :param split: Sizes of train, dev and test, as in ``80/10/10``.
    :param seed: Seed of the split.
    :param options: Treatment of what does not fit.
    :param force: Replace existing files, and folders that hold nothing but what a conversion wrote.
    :param on_step: Reports the progress.
    :raises CorpusError: If the source cannot be read, with file and line, or the destination exists.
    """
    options = options or ConversionOptions()
    target = named_annotation_format(output_format or output_format_of(Path(destination)))
    if options.overlaps == "spans" and not target.can_keep_overlaps:
        raise CorpusError(
            f"{target.name} cannot hold overlapping spans", remedy="pass --overlaps longest or first, or --to jsonl"
        )
    if options.label is not None and not options.label.strip():
        raise CorpusError(f"--label {options.label!r} has no characters", remedy="name the label, or leave --label out")
    sizes = None if split is None else SplitSizes.of(split)
    paths = output_paths(Path(destination), target, sizes)
    check_outputs(paths.values(), Path(source), target, force=force)
    account = Account()
    for path in other_splits(Path(destination), target, paths):
        account.note("files beside the output that are not of this split", str(path))
    source_format, documents = _read(Path(source), input_format, options, account, on_step)
    parts = {"": documents} if sizes is None else split_documents(documents, sizes, seed)
    fitting = Fitting(target, options, make_tokenizer(lang, None if base is None else os.fspath(base)), account)
    done = {}
    with written(list(paths.values())) as scratch:
        for name, part in parts.items():
            step = f"converting {name}".strip()
            done[str(paths[name])] = _write(part, scratch[paths[name]], fitting, step, on_step)
        check_outputs(paths.values(), Path(source), target, force=force)
    return account.report(str(source), source_format.name, done)


def _read(
    source: Path, name: str | None, options: ConversionOptions, account: Account, on_step: OnStep
) -> tuple[AnnotationFormat, list[AnnotatedDocument]]:
    """Return the source's format, and its documents with sound spans of characters."""
    files, others = find_source(source, encoding=options.encoding)
    for path, what in others:
        account.note(f"{what}, left out", path)
    found, chosen, rest = recognize_format(files, source, name)
    for one in rest:
        account.note("files of other formats, left out", one.name)
    reading = ReadingContext(options, account)
    documents = []
    labels = set[str]()
    repeated = RepeatedTexts(account)
    for number, document in enumerate(_documents(found, chosen, reading), start=1):
        labels.update(span.label for span in document.spans)
        if (ready := _ready(document, options, account)) is not None:
            documents.append(ready)
            repeated.add(ready)
        if number % EVERY == 0:
            on_step("reading", number, 0)
    reading.check_choices()
    for label in sorted(options.rename.keys() - labels):
        account.note("labels to rename that no entity has", str(source), detail=repr(label))
    if not documents:
        raise CorpusError(f"{source} has no annotated documents", remedy="check the export, or name its --format")
    on_step("reading", len(documents), len(documents))
    return found, with_one_group(documents)


def _documents(
    found: AnnotationFormat, files: Sequence[SourceFile], reading: ReadingContext
) -> Iterator[AnnotatedDocument]:
    """Yield the documents of files.

    :raises CorpusError: Also for values of another kind than the format has, which a reader takes for granted.
    """
    last: AnnotatedDocument | None = None
    try:
        for last in found.open().read(files, reading):
            yield last
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as exc:
        where = f"{files[0].name}" if last is None else f"after {last.place()}"
        raise CorpusError(
            f"{where}: a value is not as {found.name} has it: {first_line(exc)}",
            remedy="export the annotations again, or name another --format",
        ) from exc


def _ready(document: AnnotatedDocument, options: ConversionOptions, account: Account) -> AnnotatedDocument | None:
    """Return a document with sound spans of characters, and new labels; ``None`` if it is left out."""
    document, unnamed = _renamed(document, options.rename)
    _check_characters(document)
    check_offsets(document)
    account.read(document)
    reason = document.left_out or (None if document.text.strip() else NO_TEXT)
    if reason is not None:
        account.leave_out(document, reason)
        return None
    unclear = describe_doubt(document, options.offsets)
    document, offsets = in_characters(document, options.offsets)
    if offsets is not None:
        account.note(f"documents with offsets that are {offsets}", document.place())
    elif unclear is not None:
        account.note(unclear, document.place())
    return keep_sound_spans(_selected(document, unnamed, account), account)


def _check_characters(document: AnnotatedDocument) -> None:
    """Refuse halves of characters, which JSON can hold and spaCy cannot.

    :raises CorpusError: If the text or a label has one.
    """
    for value in (document.id, document.text, *(span.label for span in document.spans)):
        try:
            value.encode()
        except UnicodeEncodeError as exc:
            raise CorpusError(
                f"{document.place()}: {value[: exc.start][-30:]!r} is followed by a lone surrogate",
                remedy="remove it, or export the annotations again",
            ) from exc


def _renamed(document: AnnotatedDocument, names: Mapping[str, str]) -> tuple[AnnotatedDocument, frozenset[int]]:
    """Return a document with new labels, and the indexes of the spans whose label has an empty new name."""
    spans = tuple(replace(span, label=names.get(span.label) or span.label) for span in document.spans)
    unnamed = frozenset(index for index, span in enumerate(document.spans) if names.get(span.label) == "")
    return replace(document, spans=spans), unnamed


def _selected(document: AnnotatedDocument, unnamed: frozenset[int], account: Account) -> AnnotatedDocument:
    """Return a document without the spans whose label is left out."""
    for index in sorted(unnamed):
        account.drop(LEFT_OUT_LABEL, document, document.spans[index])
    kept = tuple(span for index, span in enumerate(document.spans) if index not in unnamed)
    return replace(document, spans=kept)


def _write(documents: Sequence[AnnotatedDocument], path: Path, fitting: Fitting, step: str, on_step: OnStep) -> int:
    """Write documents as the format holds them, and return their number. There is one Doc at a time: they are large."""
    docs = DocBin(store_user_data=True)
    fits = []
    for number, document in enumerate(documents, start=1):
        fit = fitting.fit(document)
        if fit is not None and fit.doc is not None:
            docs.add(fit.doc)
        elif fit is not None:
            fits.append(fit.document)
        if number % EVERY == 0 or number == len(documents):
            on_step(step, number, len(documents))
    if fitting.target.name == "spacy":
        docs.to_disk(path)
    else:
        fitting.target.open().write(fits, path, fitting.target.name)
    return len(docs) + len(fits)
