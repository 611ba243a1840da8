"""The original that a pipeline was compiled from, as its ``meta.json`` records it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from shlex import quote

from spacy_lambda.core.compiled_meta import META_KEY
from spacy_lambda.core.pipeline_meta import read_meta
from spacy_lambda.errors import VerifyError

__all__ = ["check_provenance", "source_hash"]


def source_hash(path: Path) -> str:
    """Return the SHA-256 over a folder: sorted relative paths, sizes and contents."""
    digest = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        digest.update(f"{file.relative_to(path).as_posix()}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def check_provenance(original: Path, compiled: Path, *, names: tuple[str, str]) -> str | None:
    """Check that the second of two pipelines is the one that was compiled, and from the first.

    :param names: Their names as the user gave them.
    :returns: A note if the second one was compiled from another original, or is not compiled.
    :raises VerifyError: If they are given the wrong way round.
    """
    blocks = [read_meta(path / "meta.json").get(META_KEY) for path in (original, compiled)]
    first, second = names
    if not isinstance(blocks[1], dict):
        if blocks[0] is not None:
            raise VerifyError(
                f"the pipelines are given the wrong way round: {first} is compiled, {second} is not",
                remedy=f"give the original first: spacy-lambda verify {quote(second)} {quote(first)}",
            )
        return f"{second} is not compiled: two originals are compared"
    source = blocks[1].get("source_sha256")
    if source is None or source == source_hash(original):
        return None
    return f"{second} was compiled from another original than {first}: their files are not the same"
