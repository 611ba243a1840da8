"""The spaCy component that takes the place of spacy-transformers' ``Transformer`` in a compiled pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
from spacy.attrs import LENGTH, SPACY
from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_lambda.runtime.alignment import TokenBounds, align
from spacy_lambda.runtime.code import create_registries
from spacy_lambda.runtime.encoder import EncoderBytes, HiddenStates
from spacy_lambda.runtime.encoder_output import TRF_DATA, EncodedWordpieces, Encoding, OutputFormat
from spacy_lambda.runtime.transformer import CompiledTransformer, PreparedDoc
from spacy_lambda.runtime.windows import CustomSpanGetter, SpanGetter, Windows, make_span_getter
from spacy_lambda.runtime.wordpieces import Wordpieces, WordpieceTokenizer, truncate

if TYPE_CHECKING:
    from spacy_lambda.runtime.trf_data.pooler import Pooler

__all__ = ["FACTORY", "OnnxTransformer", "make_onnx_transformer"]

FACTORY = "onnx_transformer_v1"

TOKENIZER_FILE = "tokenizer.json"
POOLER_FILE = "pooler.npy"

PaddingSide = Literal["left", "right"]

create_registries()  # for functions of installed packages in this component's config


@Language.factory(
    FACTORY,
    assigns=[f"doc._.{TRF_DATA}"],
    default_config={
        "get_spans": "strided_spans",
        "window": 128,
        "stride": 96,
        "max_length": 512,
        "width": 768,
        "trf_data": {},
        "set_extra_annotations": None,
        "padding_side": "right",
        "split_special_tokens": False,
    },
)
def make_onnx_transformer(
    nlp: Language,
    name: str,
    get_spans: SpanGetter | CustomSpanGetter,
    window: int,
    stride: int,
    max_length: int,
    width: int,
    trf_data: dict[str, Any],
    set_extra_annotations: Callable[[list[Doc], Any], None] | None,
    padding_side: PaddingSide,
    split_special_tokens: bool,
) -> OnnxTransformer:
    """Construct the component; spaCy calls this by its registered name.

    :param get_spans: The span getter that cuts texts, by its name in spacy-transformers, or a function.
    :param window: Tokens in a window, for strided spans.
    :param stride: Tokens from one window to the next, for strided spans.
    :param max_length: Wordpieces the encoder takes at most; longer windows lose their end.
    :param width: Columns of the hidden states.
    :param trf_data: Fields of :class:`.OutputFormat`, for what reads ``doc._.trf_data``.
    :param set_extra_annotations: The annotation setter, called with the Docs and their
        :class:`.trf_data.batch.TransformerBatch`.
    :param padding_side: The side on which the original pads windows; nothing is padded here (:func:`.truncate`).
    :param split_special_tokens: Cut special wordpieces in texts as ordinary words.
    """
    return OnnxTransformer(
        nlp.vocab,
        name,
        get_spans=get_spans,
        window=window,
        stride=stride,
        max_length=max_length,
        width=width,
        trf_data=trf_data,
        set_extra_annotations=set_extra_annotations,
        padding_side=padding_side,
        split_special_tokens=split_special_tokens,
    )


class OnnxTransformer(CompiledTransformer):
    """The component of a transformer that was trained with spacy-transformers.

    Its ``pooler`` computes the windows' pooled outputs, where the pipeline's code may read them.

    :param get_spans: See :func:`make_onnx_transformer`, as the others.
    """

    def __init__(
        self,
        vocab: Vocab,
        name: str = "transformer",
        *,
        get_spans: SpanGetter | CustomSpanGetter,
        window: int,
        stride: int,
        max_length: int,
        width: int,
        trf_data: Mapping[str, Any] | None = None,
        set_extra_annotations: Callable[[list[Doc], Any], None] | None = None,
        padding_side: PaddingSide = "right",
        split_special_tokens: bool = False,
    ) -> None:
        super().__init__(vocab, name, max_length=max_length, width=width)
        self.set_extra_annotations = set_extra_annotations
        self._format = OutputFormat(max_length=max_length, padding_side=padding_side, **(trf_data or {}))
        self._windows = make_span_getter(get_spans, window=window, stride=stride)
        self._is_custom = callable(get_spans)
        self._pads_left = padding_side == "left"
        self._split_special_tokens = split_special_tokens
        self._tokenizer: WordpieceTokenizer | None = None
        self.pooler: Pooler | None = None

    def _annotate(self, doc: Doc, encoding: Encoding) -> Doc:
        """Leave hidden states on their Doc, and let the annotation setter annotate it."""
        doc = super()._annotate(doc, encoding)
        if self.set_extra_annotations is not None:
            from spacy_lambda.runtime.trf_data.batch import batch_of

            self.set_extra_annotations([doc], batch_of(doc, self._windows(doc)))
        return doc

    def prepare(self, doc: Doc) -> PreparedDoc:
        """Cut a Doc into windows; their hidden states are aligned with the tokens, one window after the other."""
        tokens = _token_bounds(doc)
        windows = self._windows(doc)
        _, wordpieces = self._cut(doc, tokens, windows)
        filled = [wordpiece for wordpiece in wordpieces if len(wordpiece.ids)]

        def finish(hidden: list[HiddenStates]) -> Encoding:
            alignment = align(tokens, windows, wordpieces)
            rows = np.concatenate(hidden) if hidden else np.zeros((0, self.width), dtype=np.float32)
            truncated = sum(wordpiece.is_truncated for wordpiece in wordpieces)
            return Encoding(
                rows,
                alignment.rows,
                alignment.lengths,
                truncated,
                wordpieces=_encoded(wordpieces),
                format=self._format,
                pooled=None if self.pooler is None else self.pooler(_first_rows(hidden, self.width)),
            )

        return PreparedDoc([one.ids for one in filled], [one.types for one in filled], finish)

    def count_wordpieces(self, doc: Doc) -> int:
        """Return the number of wordpieces of a Doc in all windows; an estimate before there are sentences."""
        tokenizer = self._loaded(self._tokenizer)
        if self._is_custom:  # it may need what the components before this one set
            return tokenizer.count(doc.text)
        try:
            windows = self._windows(doc)
        except ValueError:  # they are sentences, which no component has set yet
            return tokenizer.count(doc.text)
        cut = self._cut(doc, _token_bounds(doc), windows)
        doc.user_data[self._cut_key] = cut
        return sum(len(wordpiece.ids) for wordpiece in cut[1])

    def _cut(self, doc: Doc, tokens: TokenBounds, windows: Windows) -> tuple[list[tuple[int, int]], list[Wordpieces]]:
        """Return the windows' characters and their wordpieces, which may have been counted before.

        What a component before this one has changed since, such as merged tokens, shows in the windows' characters.
        """
        bounds = [tokens.text_bounds(start, end) for start, end in windows]
        known: tuple[list[tuple[int, int]], list[Wordpieces]] | None = doc.user_data.pop(self._cut_key, None)
        if known is not None and known[0] == bounds:
            return known
        tokenizer = self._loaded(self._tokenizer)
        text = doc.text
        cut = [tokenizer(text[first:last]) for first, last in bounds]
        return bounds, truncate(cut, self.max_length, pads_left=self._pads_left)

    def set_parts(self, tokenizer_json: str, encoder: EncoderBytes) -> None:
        """Give the component its tokenizer and its encoder.

        :param tokenizer_json: Contents of a ``tokenizer.json``.
        :param encoder: Contents of the encoder's files.
        """
        self._tokenizer = self._make_tokenizer(tokenizer_json)
        self._encoder = self._make_encoder(encoder)

    def _write_files(self, folder: Path) -> None:
        (folder / TOKENIZER_FILE).write_text(self._loaded(self._tokenizer).to_json(), encoding="utf-8")
        if self.pooler is not None:
            (folder / POOLER_FILE).write_bytes(self.pooler.to_bytes())

    def _read_files(self, folder: Path) -> None:
        path = folder / TOKENIZER_FILE
        self._tokenizer = WordpieceTokenizer.from_disk(path, split_special_tokens=self._split_special_tokens)
        pooler = folder / POOLER_FILE
        self.pooler = _pooler(pooler.read_bytes()) if pooler.is_file() else None

    def _dump_files(self) -> dict[str, Any]:
        pooler = {} if self.pooler is None else {"pooler": self.pooler.to_bytes()}
        return {"tokenizer": self._loaded(self._tokenizer).to_json(), **pooler}

    def _load_files(self, message: Mapping[str, Any]) -> None:
        self._tokenizer = self._make_tokenizer(message["tokenizer"])
        self.pooler = _pooler(message["pooler"]) if "pooler" in message else None

    def _make_tokenizer(self, json: str) -> WordpieceTokenizer:
        return WordpieceTokenizer(json, split_special_tokens=self._split_special_tokens)


def _pooler(content: bytes) -> Pooler:
    from spacy_lambda.runtime.trf_data.pooler import read_pooler  # few pipelines have one

    return read_pooler(content)


def _token_bounds(doc: Doc) -> TokenBounds:
    measures = doc.to_array([LENGTH, SPACY]).astype(np.int64).reshape(-1, 2)
    lengths = measures[:, 0]
    ends = np.cumsum(measures.sum(axis=1))
    return TokenBounds(starts=ends - measures.sum(axis=1), lengths=lengths)


def _first_rows(hidden: list[HiddenStates], width: int) -> HiddenStates:
    return np.array([window[0] for window in hidden], dtype=np.float32).reshape(-1, width)


def _encoded(windows: list[Wordpieces]) -> EncodedWordpieces:
    ids = np.concatenate([np.zeros(0, dtype=np.int32), *(window.ids.astype(np.int32) for window in windows)])
    lengths = np.array([len(window.ids) for window in windows], dtype=np.int32)
    strings = [one for window in windows for one in window.strings]
    types = None
    if any(window.types is not None for window in windows):
        types = np.concatenate([_types(window) for window in windows])
    return EncodedWordpieces(ids, lengths, strings, types)


def _types(window: Wordpieces) -> npt.NDArray[np.int32]:
    return np.zeros(len(window.ids), dtype=np.int32) if window.types is None else window.types.astype(np.int32)
