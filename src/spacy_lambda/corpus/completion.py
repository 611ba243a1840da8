"""The record of an output of one file that is complete: the same command recognizes it, and the corpus.

While a run goes on, the records of its shards are beside the output; they are removed when it is complete.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from spacy_lambda.core.annotation import Counts
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.strict_json import read_json
from spacy_lambda.corpus.duplicates import Duplicates
from spacy_lambda.corpus.layout import Layout
from spacy_lambda.corpus.settings import RunSettings, clear_run
from spacy_lambda.corpus.summary import Summary
from spacy_lambda.errors import SpacyLambdaError

__all__ = ["Completion", "complete_run", "corpus_digest", "read_completion", "remove_work"]

MAX_BYTES = 10_000_000


@dataclass(frozen=True, kw_only=True)
class Completion:
    """A complete output of one file.

    :param settings: The settings of its run.
    :param corpus: Digest of the corpus.
    :param files: Size and digest of the output and, if there is one, the file of errors; no digest in S3.
    :param shards: Number of shards.
    :param counts: Its documents in numbers.
    :param errors_file: The name of the file of errors.
    :param reasons: How many documents have each error, by the message of the first.
    :param cost: Dollars, on Lambda.
    """

    settings: Mapping[str, Any]
    corpus: Digest
    files: Mapping[str, tuple[int, Digest | None]]
    shards: int
    counts: Counts
    errors_file: str | None
    reasons: Counter[str]
    cost: float | None

    @classmethod
    def from_bytes(cls, content: bytes, name: str) -> Self:
        """Read a record.

        :raises SpacyLambdaError: If it is not JSON.
        :raises ValueError, TypeError, KeyError, AttributeError: If it is invalid in another way.
        """
        values = read_json(content, name=name, max_bytes=MAX_BYTES)
        files = {file: (size, sha256) for file, (size, sha256) in values["files"].items()}
        counts, reasons = Counts.from_dict(values["counts"]), Counter[str](values["reasons"])
        return cls(**{**values, "files": files, "counts": counts, "reasons": reasons})

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain values."""
        return {**vars(self), "counts": self.counts.to_dict()}

    def summary(self, destination: str, seconds: float, duplicates: Duplicates) -> Summary:
        """Return the summary of a run that had nothing to do."""
        return Summary(
            destination=destination,
            counts=self.counts,
            resumed=self.counts.documents,
            shards=self.shards,
            seconds=seconds,
            errors_file=self.errors_file,
            reasons=self.reasons,
            duplicates=duplicates,
            cost=self.cost,
        )


def corpus_digest(shards: Mapping[str, Digest]) -> Digest:
    """Return the digest of a corpus, from the names and digests of its shards in order."""
    found = hashlib.sha256()
    for name, sha256 in shards.items():
        found.update(f"{json.dumps(name)} {sha256}\n".encode())
    return Digest(found.hexdigest())


def complete_run(layout: Layout, settings: RunSettings, corpus: Digest, summary: Summary) -> None:
    """Record that an output of one file is complete, and remove everything else of its run and of the one before."""
    if layout.file is None:
        return
    before = _read(layout)
    names = [layout.file, *([layout.errors] if summary.errors_file else [])]
    found = Completion(
        settings=settings.to_dict(),
        corpus=corpus,
        files={name: (layout.final.size(name) or 0, layout.final.digest(name)) for name in names},
        shards=summary.shards,
        counts=summary.counts,
        errors_file=summary.errors_file,
        reasons=summary.reasons,
        cost=summary.cost,
    )
    layout.final.write(layout.completion, json.dumps(found.to_dict(), ensure_ascii=False).encode() + b"\n")
    for name, state in before.files.items() if before is not None else ():
        if name not in names and _is_whole(layout, name, *state):  # the file of errors had another name once
            layout.final.remove(name)
    clear_run(layout)
    remove_work(layout)


def remove_work(layout: Layout) -> None:
    """Remove what is left beside an output of one file that is complete."""
    layout.work.remove(layout.output_begun)
    layout.work.remove_folder()


def read_completion(layout: Layout) -> Completion | None:
    """Return the record of a complete output; ``None`` if there is none, or the output is not as it was written."""
    found = _read(layout)
    is_whole = found is not None and all(_is_whole(layout, name, *state) for name, state in found.files.items())
    return found if is_whole else None


def _read(layout: Layout) -> Completion | None:
    content = None if layout.file is None else layout.final.read(layout.completion)
    if content is None:
        return None
    try:
        return Completion.from_bytes(content, layout.completion)
    except (SpacyLambdaError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _is_whole(layout: Layout, name: str, size: int, sha256: Digest | None) -> bool:
    same = layout.final.size(name) == size
    return same and (sha256 is None or layout.final.digest(name) in (None, sha256))
