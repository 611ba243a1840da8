"""The user's destination -> where results, records and the final files are.

A folder has a file of results for each shard, and everything else under names with ``_``, which Spark, Arrow and the
Hub's data sets skip::

    DST/abstracts.jsonl-00000.jsonl     results, in the format of the destination
    DST/_errors.jsonl                   documents with an error, if there are any
    DST/_annotate/run.json              the run's settings and its pipeline
    DST/_annotate/shards/….json         a shard that is done: digests, counts, seconds; empty while it is written
    DST/_annotate/errors/….jsonl        its documents with an error
    DST/_annotate/parts/….jsonl         its results, if the destination has another format

One file as destination has these beside it, in ``NAME.annotate``, until it appears; then ``.NAME.annotate.json``, by
which the same command recognizes it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from spacy_lambda.core.files import UNFINISHED_LENGTH
from spacy_lambda.core.source.found_artifact import FROM_ENVIRONMENT, S3Options
from spacy_lambda.core.source.s3 import s3_client
from spacy_lambda.corpus.destination import Destination, FolderDestination
from spacy_lambda.corpus.formats.registry import FORMATS, Format, bare_name, format_of, is_gzip, named_format
from spacy_lambda.corpus.result_marks import INTERNAL, RUN, completion_name
from spacy_lambda.corpus.s3_destination import S3Destination
from spacy_lambda.corpus.s3_files import S3Place, is_in_s3
from spacy_lambda.corpus.summary import ERRORS_FILE
from spacy_lambda.errors import CorpusError

__all__ = ["Layout", "make_layout"]

FILE_SUFFIXES = frozenset(
    ".json .jsonlines .ldjson .yaml .yml .xml .html .htm .md .text .pdf"
    " .doc .docx .odt .xls .xlsx .ods .arrow .feather .avro .orc .tab"
    " .pkl .pickle .npy .npz .h5 .hdf5 .db .sqlite .conll .conllu .iob .ann"
    " .zip .tar .tgz .gz .bz2 .xz .zst".split()
)
"""Suffixes of files in formats that are not written: a folder with such a name would surprise."""


MAX_NAME = 255
"""Maximum bytes of a name on the file systems of Linux and macOS."""


@dataclass(frozen=True)
class Layout:
    """The files of a run.

    :param name: The destination, as the user named it.
    :param work: Where shards' results and records are.
    :param final: Where the output appears: the same, or the folder of the one file.
    :param format: The output's format.
    :param file: The name of the one file of the output; ``None`` if each shard has its own.
    :param own: Everything of it that sources may contain: the output, then files, and folders with all that is in
        them.
    """

    name: str
    work: Destination
    final: Destination
    format: Format
    file: str | None = None
    own: tuple[str, ...] = ()

    @property
    def converts(self) -> bool:
        """True if shards' results are not yet the output."""
        return self.file is not None or self.format.name != "jsonl"

    @property
    def run(self) -> str:
        """Name of the file with the run's settings."""
        return RUN

    @property
    def output_begun(self) -> str:
        """Name of the mark that the output of one file is being written."""
        return f"{INTERNAL}/output.json"

    @property
    def lock(self) -> str:
        """Name of the file that keeps other runs out."""
        return f"{INTERNAL}/.lock"

    @property
    def completion(self) -> str:
        """Name of the record of an output of one file that is complete, next to that."""
        return completion_name(str(self.file))

    @property
    def records(self) -> str:
        """Prefix of the shards' records."""
        return f"{INTERNAL}/shards/"

    def record(self, shard: str) -> str:
        """Name of a shard's record."""
        return f"{self.records}{shard}.json"

    def part(self, shard: str) -> str:
        """Name of a shard's results as JSON Lines."""
        return f"{INTERNAL}/parts/{shard}.jsonl" if self.converts else f"{shard}.jsonl"

    def shard_errors(self, shard: str) -> str:
        """Name of a shard's documents with an error."""
        return f"{INTERNAL}/errors/{shard}.jsonl"

    def output(self, shard: str) -> str:
        """Name of a shard's results in the output."""
        return f"{shard}{self.format.suffixes[0]}"

    @property
    def errors(self) -> str:
        """Name of the output's file of errors."""
        return ERRORS_FILE if self.file is None else errors_name(self.file)


def make_layout(destination: str, *, format_name: str | None = None, s3: S3Options = FROM_ENVIRONMENT) -> Layout:
    """Return the layout of a destination: one file if its name has the suffix of a format, else a folder.

    :param format_name: The output's format; by default the name decides, and a folder has JSON Lines.
    :param s3: Options of S3.
    :raises CorpusError: If the format is unknown or cannot be written.
    """
    if destination == "-":
        raise CorpusError("results cannot be written to standard output", remedy="name a folder or a file")
    in_s3 = is_in_s3(destination)
    own = None if destination.endswith("/") else format_of(destination.rpartition("/")[2])
    form = named_format(format_name, choices=_written()) if format_name is not None else own or FORMATS["jsonl"]
    if not form.is_written:
        raise CorpusError(
            f"{destination}: {form.name} cannot hold annotations", remedy=f"choose from {', '.join(_written())}"
        )
    if own is not None and form.compressed and is_gzip(destination):
        raise CorpusError(
            f"{destination}: {form.name} files are compressed in themselves",
            remedy=f"name a file that ends with {form.suffixes[0]}",
        )
    if own is None and _looks_like_file(destination):
        suffixes = ", ".join(suffix for one in FORMATS.values() if one.is_written for suffix in one.suffixes)
        raise CorpusError(
            f"{destination} has the name of a file of an unknown format",
            remedy=f"name a file that ends with {suffixes}, or a folder with / at the end",
        )
    if in_s3:
        return _in_bucket(destination, form, s3, is_file=own is not None)
    return _local(destination, form, is_file=own is not None)


def _looks_like_file(destination: str) -> bool:
    suffix = PurePosixPath(destination.rpartition("/")[2]).suffix.lower()
    return suffix in FILE_SUFFIXES and not os.path.isdir(destination)


def _local(destination: str, form: Format, *, is_file: bool) -> Layout:
    path, real = Path(destination), Path(os.path.realpath(destination))
    if not is_file:
        if path.exists() and not path.is_dir():
            raise CorpusError(f"{destination} is a file", remedy="name a folder, or a file that ends with .jsonl")
        folder = FolderDestination(path)
        return Layout(destination, folder, folder, form, own=(str(real),))
    _check_name(path.name)
    work = f"{path.name}.annotate"
    beside = (work, *errors_names(path.name), completion_name(path.name))
    own = (str(real), *(str(real.with_name(name)) for name in beside))
    final = FolderDestination(path.parent)
    return Layout(destination, FolderDestination(path.with_name(work)), final, form, path.name, own)


def _check_name(file: str) -> None:
    """Refuse a name of one file that its record, which is written at the end, cannot hold, or cannot have beside it.

    :raises CorpusError: If it is not UTF-8, or too long.
    """
    try:
        length = len(file.encode())
    except UnicodeEncodeError as exc:
        raise CorpusError(f"the destination's name {file!a} is not UTF-8", remedy="choose another name") from exc
    longest = MAX_NAME - len(completion_name("")) - UNFINISHED_LENGTH
    if length > longest:
        raise CorpusError(
            f"the destination's name has {length} bytes, which leaves no room for the names of files beside it",
            remedy=f"choose one of at most {longest} bytes",
        )


def _in_bucket(destination: str, form: Format, options: S3Options, *, is_file: bool) -> Layout:
    place, client = S3Place.of(destination), s3_client(options)
    if not is_file:
        prefix = f"{place.key.strip('/')}/" if place.key.strip("/") else ""
        folder = S3Destination(client, place.bucket, prefix)
        return Layout(destination, folder, folder, form, own=(str(S3Place(place.bucket, prefix)),))
    parent, slash, name = place.key.rpartition("/")
    work = f"{place.key}.annotate/"
    beside = (parent + slash + one for one in (*errors_names(name), completion_name(name)))
    own = tuple(str(S3Place(place.bucket, key)) for key in (place.key, work, *beside))
    return Layout(
        destination,
        S3Destination(client, place.bucket, work),
        S3Destination(client, place.bucket, parent + slash),
        form,
        name,
        own,
    )


def errors_name(file: str) -> str:
    """Return the name of the file of errors beside an output of one file."""
    return f"{file.removesuffix('.jsonl')}.errors.jsonl"


def errors_names(file: str) -> tuple[str, str]:
    """Return the name of the file of errors, and the one that earlier versions gave it, without any suffix."""
    return errors_name(file), f"{PurePosixPath(bare_name(file)).stem}.errors.jsonl"


def _written() -> list[str]:
    return [one.name for one in FORMATS.values() if one.is_written]
