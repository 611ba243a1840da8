"""Files of a pipeline -> the encoder of its wordpieces."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import PipelineLoadError
from spacy_lambda.runtime.curated.bert_wordpieces import BertWordpieceEncoder
from spacy_lambda.runtime.curated.byte_bpe import TOKENIZER_FILE, ByteBpeEncoder
from spacy_lambda.runtime.curated.characters import CharEncoder
from spacy_lambda.runtime.curated.merges import MERGES_FILE
from spacy_lambda.runtime.curated.sentencepiece import SENTENCEPIECE_FILE, SentencepieceEncoder
from spacy_lambda.runtime.curated.wordpieces import WORDPIECES_FILE, WordpieceEncoder

__all__ = ["encoder_from_files", "read_encoder", "write_encoder"]

ENCODERS: dict[str, type[WordpieceEncoder]] = {
    encoder.kind: encoder for encoder in (BertWordpieceEncoder, ByteBpeEncoder, SentencepieceEncoder, CharEncoder)
}

FILES = (WORDPIECES_FILE, MERGES_FILE, TOKENIZER_FILE, SENTENCEPIECE_FILE)


def write_encoder(encoder: WordpieceEncoder, folder: Path) -> None:
    """Write an encoder's files into a folder."""
    for name, content in encoder.to_files().items():
        (folder / name).write_bytes(content)


def read_encoder(folder: Path) -> WordpieceEncoder:
    """Read what :func:`write_encoder` wrote.

    :raises PipelineLoadError: If a file is missing or broken, or curated-tokenizers is missing.
    """
    files = [folder / name for name in FILES if (folder / name).is_file()]
    try:
        return encoder_from_files({file.name: file.read_bytes() for file in files})
    except PipelineLoadError:
        raise
    except Exception as exc:  # tokenizers raises bare Exception, curated-tokenizers several kinds
        raise PipelineLoadError(
            f"{folder / WORDPIECES_FILE} is not a readable vocabulary: {type(exc).__name__}: {exc}",
            remedy="compile the pipeline again",
        ) from exc


def encoder_from_files(files: Mapping[str, bytes]) -> WordpieceEncoder:
    """Return the encoder of :meth:`WordpieceEncoder.to_files`."""
    values = parse_json(files[WORDPIECES_FILE])
    return ENCODERS[values.pop("kind")].from_dict(values, files)
