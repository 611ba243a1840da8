"""Whether a pipeline is compiled already."""

from __future__ import annotations

from pathlib import Path

from spacy_lambda.core.compiled_meta import META_KEY
from spacy_lambda.core.pipelines import read_meta
from spacy_lambda.errors import CompileError
from spacy_lambda.pipeline.config_file import read_config
from spacy_lambda.pipeline.kind import is_compiled

__all__ = ["refuse_compiled"]


def refuse_compiled(path: Path) -> None:
    """Refuse what a compile has written: there is nothing left in it to compile.

    :raises CompileError: With what it was compiled from, which is what to give.
    """
    meta = read_meta(path / "meta.json")
    if not is_compiled(read_config(path), meta):
        return
    block = meta.get(META_KEY)
    told = block if isinstance(block, dict) else {}
    source = f"{told.get('source_name', 'another pipeline')} {told.get('source_version', '')}".strip()
    raise CompileError(
        f"{path} is compiled already, from {source} at {told.get('precision', 'an unknown precision')}",
        remedy=f"give the original, {source}, to compile it in another way; this one can be bundled as it is",
    )
