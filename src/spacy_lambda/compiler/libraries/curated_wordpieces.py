"""Piece encoders of spacy-curated-transformers -> the encoders of a function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from thinc.api import Model

from spacy_lambda.runtime.curated.bert_wordpieces import BertWordpieceEncoder
from spacy_lambda.runtime.curated.byte_bpe import ByteBpeEncoder
from spacy_lambda.runtime.curated.characters import CharEncoder
from spacy_lambda.runtime.curated.sentencepiece import Adapter, SentencepieceEncoder
from spacy_lambda.runtime.curated.unicode_text import split_at_punctuation
from spacy_lambda.runtime.curated.wordpieces import WordpieceEncoder

__all__ = ["may_contain", "read_encoder"]

ADAPTERS: dict[str, Adapter] = {"xlmr_adapter": "xlmr", "camembert_adapter": "camembert"}

UNUSED: dict[Adapter | None, tuple[int, ...]] = {"xlmr": (1,), "camembert": (0, 1, 2, 4)}
"""Ids of fairseq's vocabulary that no id of SentencePiece becomes."""

NAMES = ("wordpiece_encoder", "byte_bpe_encoder", "char_encoder", "sentencepiece_encoder")


def read_encoder(model: Model[Any, Any]) -> WordpieceEncoder:
    """Return the encoder that gives the same wordpieces.

    :param model: The transformer's ``piece_encoder``.
    :raises ValueError: If there is no such encoder; the message states the reason.
    """
    node = _encoder_node(model)
    attrs = node.attrs
    if node.name == "wordpiece_encoder":
        return BertWordpieceEncoder(
            attrs["wordpiece_processor"].to_list(),
            **_special(attrs, "bos", "eos", "unk"),
            lowercase=attrs["lowercase"],
            strip_accents=attrs["strip_accents"],
            split_punctuation=_splits_punctuation(attrs),
        )
    if node.name == "byte_bpe_encoder":
        processor = attrs["byte_bpe_processor"]
        return ByteBpeEncoder.from_merges(processor.vocab, processor.merges, **_special(attrs, "bos", "eos"))
    if node.name == "char_encoder":
        if attrs["vocab"] is None:
            raise ValueError("its vocabulary is not set")
        return CharEncoder(attrs["vocab"], **_special(attrs, "bos", "eos", "unk"), normal_form=attrs["normalize"])
    if node.name == "sentencepiece_encoder":
        return SentencepieceEncoder(attrs["sentencepiece_processor"].to_protobuf(), adapter=_adapter(model))
    raise ValueError(f"it cuts texts with {model.name!r}")


def may_contain(model: Model[Any, Any], wordpiece: int) -> bool:
    """Return whether a text may be cut into an id; also if that is not certain.

    :param model: The transformer's ``piece_encoder``.
    """
    node = _encoder_node(model)
    attrs = node.attrs
    if node.name == "wordpiece_encoder":
        pieces = attrs["wordpiece_processor"].to_list()
        if wordpiece >= len(pieces):
            return False
        text = pieces[wordpiece].removeprefix("##")
        whole: bool = not _splits_punctuation(attrs) or list(split_at_punctuation(text)) == [text]
        return whole or pieces[wordpiece] in (attrs["unk_piece"], attrs["bos_piece"], attrs["eos_piece"])
    if node.name == "byte_bpe_encoder":
        processor = attrs["byte_bpe_processor"]
        made = {left + right for left, right in processor.merges} | {attrs["bos_piece"], attrs["eos_piece"]}
        return any(i == wordpiece and (len(piece) == 1 or piece in made) for piece, i in processor.vocab.items())
    if node.name == "char_encoder":
        special = (attrs["unk_piece"], attrs["bos_piece"], attrs["eos_piece"])
        return any(
            i == wordpiece and (len(piece) == 1 or piece in special) for piece, i in (attrs["vocab"] or {}).items()
        )
    return wordpiece not in UNUSED.get(_adapter(model), ())


def _encoder_node(model: Model[Any, Any]) -> Model[Any, Any]:
    return next((node for node in model.walk() if node.name in NAMES), model)


def _adapter(model: Model[Any, Any]) -> Adapter | None:
    return next((ADAPTERS[node.name] for node in model.walk() if node.name in ADAPTERS), None)


def _splits_punctuation(attrs: Mapping[str, Any]) -> bool:
    return bool(attrs["preprocess"]("a-b") != ["a-b"])


def _special(attrs: Mapping[str, Any], *names: str) -> dict[str, str]:
    return {name: attrs[f"{name}_piece"] for name in names}
