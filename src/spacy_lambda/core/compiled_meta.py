"""The contract between the build side and the runtime: the ``spacy_lambda`` block of ``meta.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from spacy_lambda.errors import InvalidPipelineError

__all__ = [
    "COMPILE_SMALLER",
    "FORMAT_VERSION",
    "MEMORY_PER_FILE_BYTE",
    "META_KEY",
    "CompiledMeta",
    "Precision",
    "precision_of",
]

META_KEY = "spacy_lambda"
FORMAT_VERSION = 1

Precision = Literal["fp32", "int8-weight-only", "int8"]
"""Precisions of an encoder's weights, from the most exact to the fastest."""

MEMORY_PER_FILE_BYTE: Mapping[str, int] = {"int8-weight-only": 4}
"""By precision, the bytes in memory for each of an encoder's file, if not one."""

COMPILE_SMALLER = "compile the pipeline to int8"
"""Remedy for a pipeline that is too large or too slow: int8 is the smallest precision and the fastest."""


def precision_of(meta: Mapping[str, Any]) -> Precision | None:
    """Return the precision of a compiled pipeline by its ``meta.json``; ``None`` for any other pipeline.

    :raises InvalidPipelineError: If the precision is unknown: it becomes part of a version's name.
    """
    block = meta.get(META_KEY, {})
    found = block.get("precision") if isinstance(block, dict) else ""
    known: tuple[Precision, ...] = get_args(Precision)
    precision = next((name for name in known if name == found), None)
    if precision is None and found is not None:
        raise InvalidPipelineError(
            f"the pipeline's meta.json has the unknown precision {str(found)[:80]!r} in {META_KEY!r}",
            remedy="compile the pipeline again: spacy-lambda compile ORIGINAL OUT",
        )
    return precision


@dataclass(frozen=True)
class CompiledMeta:
    """The source, the form and the verification of a compiled pipeline.

    :param source_name: ``LANG_NAME`` of the original pipeline.
    :param source_version: The original's version.
    :param source_sha256: Hash over the original's files: sorted relative paths and contents.
    :param precision: Precision of the encoder's weights.
    :param encoders: Windows and sizes of every compiled transformer, by component name.
    :param tools: Versions of the tools that compiled it, by distribution name.
    :param verification: Report of the comparison with the original, if one was made.
    :param speed: Seconds for wordpieces and characters, measured at the end of the compilation, and the CPU.
    :param choice: The precisions that were measured on texts, if one of them was chosen by ``--precision auto``.
    :param code: Modules and packages in the pipeline's folder ``code/``, in the order in which they are imported.
    :param format_version: Version of this block's format.
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
    choice: dict[str, Any] | None = None
    format_version: int = FORMAT_VERSION

    def to_dict(self) -> dict[str, Any]:
        """Return the block for ``meta.json``."""
        return asdict(self)
