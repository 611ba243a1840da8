"""Options of a conversion, and their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["ConversionOptions", "Discontinuous", "DocumentUnit", "Malformed", "Misaligned", "OffsetUnit", "Overlaps"]

Misaligned = Literal["drop", "expand", "contract"]
"""Treatment of spans that begin or end inside a token. ``drop`` leaves their tokens without a value in ``doc.ents``, as
spaCy's ``offsets_to_biluo_tags`` does, so that training does not take them for tokens outside of entities."""

Overlaps = Literal["longest", "first", "spans"]
"""Treatment of overlapping spans: ``spans`` keeps all of them, in ``doc.spans``."""

Discontinuous = Literal["drop", "join"]
"""Treatment of discontinuous spans: ``join`` takes everything from the first fragment to the last."""

Malformed = Literal["repair", "refuse"]
"""Treatment of sequences of tags that their scheme does not allow."""

OffsetUnit = Literal["auto", "characters", "utf16", "bytes"]
"""Units of character offsets."""

DocumentUnit = Literal["auto", "docstart", "sentence", "file"]
"""A document in a file of tokens: what ``-DOCSTART-`` begins, what a blank line ends, or the whole file."""


@dataclass(frozen=True, kw_only=True)
class ConversionOptions:
    """Options of a conversion.

    :param encoding: The files' encoding; ``None`` to recognize it.
    :param offsets: Unit of the offsets.
    :param misaligned: Treatment of spans that do not fit token bounds.
    :param overlaps: Treatment of spans that overlap; ``None`` for ``longest`` where the output cannot hold them.
    :param discontinuous: Treatment of spans of several fragments.
    :param malformed: Treatment of invalid sequences of tags.
    :param documents: A document in a file of tokens.
    :param tag_names: Names of numeric tags.
    :param label: The label of tags without a type, such as ``B`` and ``I``.
    :param rename: New names of labels.
    :param spans_key: Key of ``doc.spans``.
    :param retokenize: Replace the tokens of the files by the tokenizer's.
    :param spans_from: The place of the spans or tags, where the source has several: a key, a column, a layer or a
        feature of it.
    :param text_from: The key of the texts, where tasks have several: Label Studio's.
    :param annotator: The annotator whose annotations are taken, where several annotated one document.
    """

    encoding: str | None = None
    offsets: OffsetUnit = "auto"
    misaligned: Misaligned = "drop"
    overlaps: Overlaps | None = None
    discontinuous: Discontinuous = "drop"
    malformed: Malformed = "repair"
    documents: DocumentUnit = "auto"
    tag_names: tuple[str, ...] = ()
    label: str | None = None
    rename: Mapping[str, str] = field(default_factory=dict)
    spans_key: str = "sc"
    retokenize: bool = False
    spans_from: str | None = None
    text_from: str | None = None
    annotator: str | None = None
