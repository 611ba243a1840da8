"""Files -> their format, by what they contain."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path

from spacy_lambda.conversion.formats.registry import ANNOTATION_FORMATS, AnnotationFormat, named_annotation_format
from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.errors import CorpusError

__all__ = ["recognize_format"]


def recognize_format(
    files: Sequence[SourceFile], source: Path, name: str | None
) -> tuple[AnnotationFormat, list[SourceFile], list[SourceFile]]:
    """Return the format, the files that have it, and the others.

    :param name: The format that the user names.
    :raises CorpusError: If no format fits, with all that were tried.
    """
    for one in files if len(files) == 1 else ():
        one.check_not_empty()
    if name is not None:
        chosen = named_annotation_format(name)
        return chosen, *_parted(files, chosen.open().find(files) or list(files))
    for chosen in ANNOTATION_FORMATS.values():
        if found := chosen.open().find(files):
            return chosen, *_parted(files, found)
    for one in files if len(files) == 1 else ():
        deque(one.lines(), maxlen=0)  # a line that is too long is the reason
    raise CorpusError(
        f"the format of {source} is not recognized; tried {', '.join(ANNOTATION_FORMATS)}",
        remedy="name it with --format; for offsets in other keys, write JSON Lines with text and spans",
    )


def _parted(files: Sequence[SourceFile], found: list[SourceFile]) -> tuple[list[SourceFile], list[SourceFile]]:
    paths = {one.path for one in found}
    return found, [one for one in files if one.path not in paths]
