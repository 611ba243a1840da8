"""Files and folders of the output: their names, and their appearance as a whole."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from spacy_lambda.conversion.formats.registry import ANNOTATION_FORMATS, AnnotationFormat
from spacy_lambda.conversion.splits import SPLIT_NAMES, SplitSizes
from spacy_lambda.conversion.written_folders import RECORD, check_replaceable, record_folder
from spacy_lambda.core.files import folder_beside, is_special, move_folder_into_place, move_into_place
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.errors import CorpusError

__all__ = ["check_outputs", "other_splits", "output_format_of", "output_paths", "written"]

FORMATS_BY_SUFFIX = {".jsonl": "jsonl", ".csv": "csv", ".conll": "conll", ".tsv": "bio", ".parquet": "parquet"}
"""Formats of files whose suffix names one, without ``--to``."""

SUFFIX_GROUPS = ({".conll", ".tsv"}, {".json", ".jsonl"})
"""Suffixes of which each may be used for the other."""


def output_format_of(destination: Path) -> str:
    """Return the format that a destination's suffix names; spaCy's if none does."""
    return FORMATS_BY_SUFFIX.get(destination.suffix.lower(), "spacy")


def _suffixes_of_others(target: AnnotationFormat) -> set[str]:
    groups = [group for group in SUFFIX_GROUPS if target.suffix in group]
    return {one.suffix for one in ANNOTATION_FORMATS.values()} - {"", target.suffix}.union(*groups)


def output_paths(destination: Path, target: AnnotationFormat, sizes: SplitSizes | None) -> Mapping[str, Path]:
    """Return the path of each split; of the whole, whose name is empty, without a split.

    ``corpus.spacy`` is split into ``corpus-train.spacy`` and so on, the folder ``corpus`` into ``corpus/train.spacy``.

    :raises CorpusError: If the destination cannot have this name.
    """
    suffix = destination.suffix.lower()
    if target.name != "spacy" and suffix in _suffixes_of_others(target):
        raise CorpusError(
            f"{destination} ends with {suffix}, which is the suffix of another format than {target.name}",
            remedy=f"end it with {target.suffix}" if target.suffix else "name a folder",
        )
    if target.name == "spacy" and destination.suffix not in (".spacy", ""):
        raise CorpusError(
            f"{destination} does not end with .spacy", remedy="end it with .spacy, or name another format with --to"
        )
    if sizes is None:
        if target.name == "spacy" and not destination.suffix:
            raise CorpusError(
                f"{destination} does not end with .spacy", remedy="end it with .spacy; a folder needs --split"
            )
        return {"": destination}
    return {name: _split_path(destination, target, name) for name in SPLIT_NAMES[: len(sizes.parts)]}


def _split_path(destination: Path, target: AnnotationFormat, name: str) -> Path:
    if destination.suffix:
        return destination.with_stem(f"{destination.stem}-{name}")
    return destination / f"{name}{target.suffix}"


def other_splits(destination: Path, target: AnnotationFormat, paths: Mapping[str, Path]) -> list[Path]:
    """Return existing files beside a split that are not of it, but would be taken for its parts.

    :param paths: The path of each split.
    :raises CorpusError: If the split replaces another, whose documents they have: a test set with training texts; or if
        it would be inside of a folder that is a corpus as a whole.
    """
    if not any(name in SPLIT_NAMES for name in paths):
        return []
    if not destination.suffix and os.path.lexists(destination / RECORD):
        raise CorpusError(
            f"{destination} is a corpus that convert wrote, of which a split in it would be a part",
            remedy="choose another destination, or remove the folder",
        )
    others = [_split_path(destination, target, name) for name in SPLIT_NAMES if name not in paths]
    found = [path for path in others if os.path.lexists(path)]
    if found and any(os.path.lexists(path) for path in paths.values()):
        raise CorpusError(
            f"{found[0]} is a part of another split, which would have documents of the new one",
            remedy="remove it, or choose another destination",
        )
    return found


def check_outputs(paths: Iterable[Path], source: Path, target: AnnotationFormat, *, force: bool) -> None:
    """Refuse outputs that are the source or exist. A second call sees what was made during the conversion.

    :param force: Replace files, and folders that hold nothing but what a conversion wrote.
    :raises CorpusError: If one is refused.
    """
    real = os.path.realpath(source)
    for path in paths:
        if os.path.realpath(path) == real or real.startswith(os.path.realpath(path) + os.sep):
            raise CorpusError(f"{path} is the source", remedy="choose another destination")
        if os.path.realpath(path).startswith(real + os.sep):
            raise CorpusError(
                f"{path} is in the source, {source}, of which it would be a part the next time",
                remedy="choose a destination outside of it",
            )
        if not target.suffix and (path.name in ("", "..") or (path.is_symlink() and path.is_dir())):
            what = "a link" if path.is_symlink() else "no name of a folder"
            raise CorpusError(f"{path} is {what}, which a folder cannot replace", remedy="name the folder itself")
        if not os.path.lexists(path) or (path.is_dir() and not target.suffix and not any(path.iterdir())):
            continue
        if is_special(path):
            continue
        if not force:
            raise CorpusError(f"{path} exists", remedy="choose another destination, or replace it with --force")
        if path.is_dir() and target.suffix:
            raise CorpusError(f"{path} is a folder, and --force does not replace it", remedy="name a file")
        if path.is_dir():
            check_replaceable(path)
        elif not target.suffix:
            raise CorpusError(f"{path} is a file, and --force does not replace it", remedy="name a folder")


@contextmanager
def written(paths: Sequence[Path]) -> Iterator[Mapping[Path, Path]]:
    """Give a temporary path for each path; at the end, they replace what is there.

    :raises CorpusError: If they cannot be written.
    """
    try:
        with ExitStack() as stack:
            scratch = {path: stack.enter_context(folder_beside(path)) / path.name for path in paths}
            yield scratch
            for path, new in scratch.items():
                if new.is_dir():
                    record_folder(new)
                    move_folder_into_place(new, path)
                else:
                    move_into_place(new, path)
    except OSError as exc:
        raise CorpusError(
            f"{exc.filename or paths[0]} cannot be written: {system_reason(exc)}", remedy="check the path and the disk"
        ) from exc
