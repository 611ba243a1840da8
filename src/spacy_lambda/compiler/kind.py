"""Whether a pipeline is compiled already."""

from __future__ import annotations

from pathlib import Path

from ..errors import CompileError
from ..kinds import read_config
from ..manifest import META_KEY
from ..pipelines import read_meta
from ..runtime.component import FACTORY

__all__ = ["refuse_compiled"]


def refuse_compiled(path: Path) -> None:
    """Refuse what a compile has written: there is nothing left in it to compile.

    :raises CompileError: With what it was compiled from, which is what to give.
    """
    block = read_meta(path / "meta.json").get(META_KEY)
    compiled = [name for name, part in read_config(path)["components"].items() if str(part.get("factory")) == FACTORY]
    if block is None and not compiled:
        return
    told = block if isinstance(block, dict) else {}
    source = f"{told.get('source_name', 'another pipeline')} {told.get('source_version', '')}".strip()
    raise CompileError(
        f"{path} is compiled already, from {source} at {told.get('precision', 'an unknown precision')}",
        remedy=f"give the original, {source}, to compile it in another way; this one can be bundled as it is",
    )
