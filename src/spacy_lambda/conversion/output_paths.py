"""Files and folders of the output: their names, and their appearance as a whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from spacy_lambda.conversion.formats.registry import AnnotationFormat
from spacy_lambda.conversion.formats.webanno_values import FORMAT
from spacy_lambda.conversion.splits import SPLIT_NAMES, SplitSizes
from spacy_lambda.core.files import folder_beside, is_special, move_into_place
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.errors import CorpusError

__all__ = ["check_outputs", "output_paths", "written"]


def output_paths(destination: Path, target: AnnotationFormat, sizes: SplitSizes | None) -> Mapping[str, Path]:
    """Return the path of each split; of the whole, whose name is empty, without a split.

    ``corpus.spacy`` is split into ``corpus-train.spacy`` and so on, the folder ``corpus`` into ``corpus/train.spacy``.

    :raises CorpusError: If the destination cannot have this name.
    """
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
    names = SPLIT_NAMES[: len(sizes.parts)]
    if destination.suffix:
        return {name: destination.with_stem(f"{destination.stem}-{name}") for name in names}
    return {name: destination / f"{name}{target.suffix}" for name in names}


def check_outputs(paths: Iterable[Path], source: Path, target: AnnotationFormat, *, force: bool) -> None:
    """Refuse outputs that are the source or exist.

    :param force: Replace files, and folders that hold nothing but files of the format.
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
        if not os.path.lexists(path) or (path.is_dir() and not target.suffix and not any(path.iterdir())):
            continue
        if is_special(path):
            continue
        if not force:
            raise CorpusError(f"{path} exists", remedy="choose another destination, or replace it with --force")
        if path.is_dir() and (target.suffix or not _is_output(path, target)):
            raise CorpusError(
                f"{path} is a folder with other files, which --force does not replace",
                remedy="choose another destination, or remove it",
            )


def _is_output(folder: Path, target: AnnotationFormat) -> bool:
    """Return whether a folder holds nothing but files of the format: pairs of brat, or WebAnno's."""
    files = [path for path in folder.rglob("*") if not path.is_dir()]
    if any(path.is_symlink() or not path.is_file() for path in files):
        return False
    if target.name == "brat":
        texts, annotations = (
            {path.with_suffix("") for path in files if path.suffix == one} for one in (".txt", ".ann")
        )
        return texts == annotations and len(files) == 2 * len(texts)
    return all(path.suffix == ".tsv" and _begins_as_webanno(path) for path in files)


def _begins_as_webanno(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(FORMAT)) == FORMAT.encode()


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
                if path.is_dir() and not new.is_file():
                    shutil.rmtree(path)
                if new.is_dir():
                    os.replace(new, path)
                else:
                    move_into_place(new, path)
    except OSError as exc:
        raise CorpusError(
            f"{exc.filename or paths[0]} cannot be written: {system_reason(exc)}", remedy="check the path and the disk"
        ) from exc
