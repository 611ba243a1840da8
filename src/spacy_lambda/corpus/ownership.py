"""Files that a run would replace though no earlier run is recorded to have written them: the run is refused.

The record of one file is its completion and, from the time that it is written, a mark in the run's folder. In a folder,
it is the record of each shard. Content is not examined: a user's own corpus may have the form of results.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from spacy_lambda.corpus.completion import Completion
from spacy_lambda.corpus.files import CorpusFile
from spacy_lambda.corpus.layout import Layout
from spacy_lambda.corpus.settings import own_files
from spacy_lambda.corpus.shard_names import RESULTS
from spacy_lambda.corpus.shards import shard_groups
from spacy_lambda.errors import CorpusError, SpacyLambdaError

__all__ = ["begin_output", "check_files"]


def check_files(layout: Layout, files: Iterable[CorpusFile], *, force: bool) -> None:
    """Check, before anything is changed, that a run replaces only results of earlier runs.

    :param files: The files of the corpus.
    :param force: Results of an earlier run may be replaced.
    :raises CorpusError: If it would replace another file, or results without ``force``.
    """
    if layout.file is not None:
        _check_one_file(layout)
        present = _present(layout)
        if present and not force and layout.work.size(layout.run) is None:
            place = _place(layout, present[0])
            raise CorpusError(
                f"{place} exists, and it or {layout.completion} has changed since it was annotated",
                remedy="choose another destination, or pass --force to replace it",
            )
    else:
        _check_folder(layout, files, force=force)


def begin_output(layout: Layout) -> None:
    """Record that an output of one file is about to be written.

    :raises CorpusError: If another file has appeared in its place since the run began.
    """
    if layout.file is not None:
        _check_one_file(layout)
        layout.work.write(layout.output_begun, b"{}\n")


def _check_one_file(layout: Layout) -> None:
    if layout.work.size(layout.output_begun) is not None:
        return
    recorded = _recorded(layout)
    for name in _present(layout):
        if name not in recorded:
            raise _foreign(layout, name)


def _present(layout: Layout) -> list[str]:
    names = (str(layout.file), layout.errors)
    return [name for name in names if layout.final.size(name) is not None]


def _recorded(layout: Layout) -> Collection[str]:
    """Return the files of an output of one file according to its record."""
    content = layout.final.read(layout.completion)
    if content is None:
        return ()
    try:
        return Completion.from_bytes(content, layout.completion).files.keys()
    except (SpacyLambdaError, ValueError, TypeError, KeyError, AttributeError):
        return (str(layout.file), layout.errors)


def _check_folder(layout: Layout, files: Iterable[CorpusFile], *, force: bool) -> None:
    recorded = set(own_files(layout))
    begun = bool(recorded) or layout.work.size(layout.run) is not None
    if begun and not force:
        return
    groups = set(shard_groups(files)) if begun else None
    for name in _results(layout, groups, errors=not begun):
        if name not in recorded:
            raise _foreign(layout, name)


def _results(layout: Layout, groups: Collection[str] | None, *, errors: bool) -> Iterator[str]:
    """Yield the files in a folder that have the names of results.

    :param groups: The files' names that such names begin with; ``None`` for any.
    :param errors: The file of errors too.
    """
    for name in sorted(layout.final.sizes("")):
        found = RESULTS.match(name)
        if (errors and name == layout.errors) or (found and (groups is None or found[1] in groups)):
            yield name


def _place(layout: Layout, name: str) -> str:
    folder = layout.name if layout.file is None else layout.name.rpartition("/")[0]
    return f"{folder.rstrip('/')}/{name}" if folder else name


def _foreign(layout: Layout, name: str) -> CorpusError:
    return CorpusError(
        f"{_place(layout, name)} exists, and is not recorded as a result of an earlier run",
        remedy="choose another destination, or move or delete the file; --force does not replace it",
    )
