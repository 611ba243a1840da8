"""The spaCy component that takes the place of spacy-transformers' ``Transformer`` in a compiled pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import srsly
from spacy.attrs import LENGTH, SPACY
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import minibatch
from spacy.vocab import Vocab

from spacy_lambda.errors import PipelineLoadError
from spacy_lambda.runtime.alignment import TokenBounds, align
from spacy_lambda.runtime.encoder import GRAPH_FILE, WEIGHTS_FILE, Encoder, EncoderBytes
from spacy_lambda.runtime.encoder_output import Encoding, set_encoding
from spacy_lambda.runtime.windows import SpanGetter, Windows, make_span_getter
from spacy_lambda.runtime.wordpieces import Wordpieces, WordpieceTokenizer

__all__ = ["FACTORY", "OnnxTransformer", "make_onnx_transformer"]

FACTORY = "onnx_transformer_v1"

TOKENIZER_FILE = "tokenizer.json"


@Language.factory(
    FACTORY,
    default_config={
        "get_spans": "strided_spans",
        "window": 128,
        "stride": 96,
        "max_length": 512,
        "width": 768,
    },
)
def make_onnx_transformer(
    nlp: Language, name: str, get_spans: SpanGetter, window: int, stride: int, max_length: int, width: int
) -> OnnxTransformer:
    """Construct the component; spaCy calls this by its registered name.

    :param get_spans: The span getter that cuts texts, by its name in spacy-transformers.
    :param window: Tokens in a window, for strided spans.
    :param stride: Tokens from one window to the next, for strided spans.
    :param max_length: Wordpieces the encoder takes at most; longer windows lose their end.
    :param width: Columns of the hidden states.
    """
    return OnnxTransformer(
        nlp.vocab, name, get_spans=get_spans, window=window, stride=stride, max_length=max_length, width=width
    )


class OnnxTransformer:
    """The component that runs the compiled encoder and leaves its hidden states on the Doc for the listeners.

    :param vocab: The pipeline's vocabulary.
    :param name: The component's name in the pipeline.
    :param get_spans: See :func:`make_onnx_transformer`, as the others.
    """

    def __init__(
        self,
        vocab: Vocab,
        name: str = "transformer",
        *,
        get_spans: SpanGetter,
        window: int,
        stride: int,
        max_length: int,
        width: int,
    ) -> None:
        self.vocab = vocab
        self.name = name
        self.max_length = max_length
        self.width = width
        self._cut_key = f"spacy_lambda.wordpieces.{name}"
        self._windows = make_span_getter(get_spans, window=window, stride=stride)
        self._tokenizer: WordpieceTokenizer | None = None
        self._encoder: Encoder | None = None

    def __call__(self, doc: Doc) -> Doc:
        """Encode one Doc; it is changed in place and returned."""
        self._encode([doc])
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 64) -> Iterator[Doc]:
        """Encode a stream of Docs, in order.

        :param batch_size: Docs whose hidden states are held at once.
        """
        batches: Iterator[list[Doc]] = minibatch(stream, batch_size)  # type: ignore[no-untyped-call]
        for docs in batches:
            self._encode(docs)
            yield from docs

    def _encode(self, docs: list[Doc]) -> None:
        _, encoder = self._parts()
        for doc in docs:
            tokens = _token_bounds(doc)
            windows = self._windows(doc)
            _, wordpieces = self._cut(doc, tokens, windows)
            hidden = encoder([wordpiece.ids for wordpiece in wordpieces if len(wordpiece.ids)])
            alignment = align(tokens, windows, wordpieces)
            rows = np.concatenate(hidden) if hidden else np.zeros((0, self.width), dtype=np.float32)
            truncated = sum(wordpiece.is_truncated for wordpiece in wordpieces)
            set_encoding(doc, Encoding(rows, alignment.rows, alignment.lengths, truncated))

    def _parts(self) -> tuple[WordpieceTokenizer, Encoder]:
        if self._tokenizer is None or self._encoder is None:
            raise PipelineLoadError(
                f"component {self.name!r} has no encoder: it was made from a config, not loaded",
                remedy="spacy.load() the compiled pipeline's directory",
            )
        return self._tokenizer, self._encoder

    def count_wordpieces(self, doc: Doc) -> int:
        """Return the number of wordpieces of a Doc in all windows; an estimate before there are sentences."""
        tokenizer, _ = self._parts()
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
        tokenizer, _ = self._parts()
        text = doc.text
        return bounds, [tokenizer(text[first:last]) for first, last in bounds]

    def open(self) -> None:
        """Load the encoder now, so that the first text does not wait for it."""
        self._parts()[1].open()

    def set_parts(self, tokenizer_json: str, encoder: EncoderBytes) -> None:
        """Give the component its tokenizer and its encoder.

        :param tokenizer_json: Contents of a ``tokenizer.json``.
        :param encoder: Contents of the encoder's files.
        """
        self._tokenizer = WordpieceTokenizer(tokenizer_json, max_length=self.max_length)
        self._encoder = Encoder(encoder)

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write tokenizer and encoder into a folder."""
        tokenizer, encoder = self._parts()
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / TOKENIZER_FILE).write_text(tokenizer.to_json(), encoding="utf-8")
        encoder.write(folder)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> OnnxTransformer:
        """Read what :meth:`to_disk` wrote. The encoder's file is opened at the first text, or by :meth:`open`.

        :raises PipelineLoadError: If a file is missing or broken.
        """
        folder = Path(path)
        for name in (GRAPH_FILE, WEIGHTS_FILE):
            if not (folder / name).is_file():
                raise PipelineLoadError(f"{folder / name} is missing", remedy="compile the pipeline again")
        self._tokenizer = WordpieceTokenizer.from_disk(folder / TOKENIZER_FILE, max_length=self.max_length)
        self._encoder = Encoder(folder)
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Tokenizer and encoder in one message."""
        tokenizer, encoder = self._parts()
        message: dict[str, Any] = {"tokenizer": tokenizer.to_json(), **encoder.read()._asdict()}
        return bytes(srsly.msgpack_dumps(message))

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> OnnxTransformer:
        """Read what :meth:`to_bytes` wrote."""
        message = srsly.msgpack_loads(data)
        self.set_parts(message["tokenizer"], EncoderBytes(message["graph"], message["weights"]))
        return self


def _token_bounds(doc: Doc) -> TokenBounds:
    measures = doc.to_array([LENGTH, SPACY]).astype(np.int64).reshape(-1, 2)
    lengths = measures[:, 0]
    ends = np.cumsum(measures.sum(axis=1))
    return TokenBounds(starts=ends - measures.sum(axis=1), lengths=lengths)
