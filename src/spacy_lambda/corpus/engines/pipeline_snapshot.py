"""The folder of a pipeline as it was when its run began."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from spacy_lambda.core.artifact.pack import packed_digest
from spacy_lambda.core.digest import Digest
from spacy_lambda.errors import CorpusError, SpacyLambdaError

__all__ = ["PipelineSnapshot"]

FileStates = tuple[tuple[str, int, int, int, int], ...]
"""For each file and folder its name, and values, at least one of which differs if it has changed."""


@dataclass(frozen=True)
class PipelineSnapshot:
    """A pipeline's folder, with its digest.

    :param folder: The folder.
    :param digest: The digest of its artifact.
    :param states: The states of its files before the digest was computed.
    """

    folder: Path
    digest: Digest
    states: FileStates

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Return the snapshot of a folder.

        :raises ArtifactError: If it cannot be read.
        """
        states = tuple(_states(folder))
        return cls(folder, packed_digest(folder), states)

    def check(self) -> None:
        """Check that the pipeline is the same; to be called each time that it was loaded again.

        Files are read only if the system reports that one has changed.

        :raises CorpusError: If it has changed.
        """
        if tuple(_states(self.folder)) == self.states:
            return
        try:
            now: Digest | None = packed_digest(self.folder)
        except SpacyLambdaError:
            now = None
        if now != self.digest:
            raise CorpusError(
                f"the pipeline in {self.folder} has changed since the run began",
                remedy="restore it and run the same command again, which resumes; or choose another destination,"
                " or pass --force to begin again with the changed pipeline",
            )


def _states(folder: Path) -> Iterator[tuple[str, int, int, int, int]]:
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in ("", *sorted(names)):
            path = os.path.join(root, name)
            try:
                found = os.stat(path)
            except OSError:
                continue
            # The time of a change cannot be set, unlike the time of a modification.
            yield path, found.st_size, found.st_ctime_ns, found.st_dev, found.st_ino
