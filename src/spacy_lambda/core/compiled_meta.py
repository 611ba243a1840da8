"""The contract between the build side and the runtime: the ``spacy_lambda`` block of ``meta.json``.

Standard library only, so that either side can read it without loading a pipeline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from spacy_lambda.errors import InvalidPipelineError

__all__ = ["FORMAT_VERSION", "META_KEY", "CompiledMeta", "Precision", "precision_of"]

META_KEY = "spacy_lambda"
FORMAT_VERSION = 1

Precision = Literal["fp32", "int8"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)


def precision_of(meta: Mapping[str, Any]) -> Precision | None:
    """The precision of a compiled pipeline by its ``meta.json``; ``None`` for any other pipeline.

    :raises InvalidPipelineError: If there is a precision, and not one of ours: it becomes part of a version's name.
    """
    block = meta.get(META_KEY, {})
    found = block.get("precision") if isinstance(block, dict) else ""
    precision = next((precision for precision in PRECISIONS if precision == found), None)
    if precision is None and found is not None:
        raise InvalidPipelineError(
            f"the pipeline's {META_KEY!r} in its meta.json says the precision {str(found)[:80]!r}",
            remedy="compile the pipeline again: spacy-lambda compile ORIGINAL OUT",
        )
    return precision


@dataclass(frozen=True)
class CompiledMeta:
    """What was compiled, from what, how, and what the comparison said.

    :param source_name: ``LANG_NAME`` of the original pipeline.
    :param source_version: The original's version.
    :param source_sha256: Hash over the original's files: sorted relative paths and contents.
    :param precision: How the encoder's weights are stored.
    :param encoders: For every compiled transformer: its windows and sizes, by component name.
    :param tools: Versions of the tools that compiled it, by distribution name.
    :param verification: The report of the comparison with the original, when one was made.
    :param speed: Seconds for wordpieces and characters, as measured at the end of the compilation, and where.
    :param code: Modules and packages in the pipeline's folder ``code/``, in the order in which they are imported.
    """

    source_name: str
    source_version: str
    source_sha256: str
    precision: Precision
    encoders: dict[str, dict[str, Any]] = field(default_factory=dict)
    tools: dict[str, str] = field(default_factory=dict)
    verification: dict[str, Any] | None = None
    code: list[str] = field(default_factory=list)
    speed: dict[str, Any] | None = None
    format_version: int = FORMAT_VERSION

    def to_dict(self) -> dict[str, Any]:
        """As it stands in ``meta.json``."""
        return asdict(self)
