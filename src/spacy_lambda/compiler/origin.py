"""Whether one pipeline was compiled from another, as its ``meta.json`` says."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

from spacy_lambda.compiler.inspection import source_hash
from spacy_lambda.core.compiled_meta import META_KEY
from spacy_lambda.core.pipelines import read_meta
from spacy_lambda.errors import VerifyError

__all__ = ["origin"]


def origin(original: Path, compiled: Path, *, names: tuple[str, str]) -> str | None:
    """Make sure which of two pipelines is the compiled one.

    :param names: What the user calls them.
    :returns: A note when the second one was compiled from another original, or is not compiled.
    :raises VerifyError: When they are given the wrong way round.
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
