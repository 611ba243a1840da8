"""Small original pipelines of spacy-curated-transformers with random weights, which annotate a lot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import curated_tokenizers
import numpy as np
import spacy
import torch
from curated_tokenizers import ByteBPEProcessor, SentencePieceProcessor, WordPieceProcessor
from spacy.language import Language
from thinc.api import Model
from tokenizers import pre_tokenizers

from tests.compiler.originals import TEXTS, WORDS, example

__all__ = ["CURATED", "ENCODERS", "LISTENERS", "build_curated"]

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
CHARACTERS = LETTERS + "ABCDEFGHIJKLMNOPQRSTUVWXYZ.,!?;:'-()äöüéñ"

CURATED: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("BertTransformer", {"padding_idx": 0}),
    "roberta": ("RobertaTransformer", {"padding_idx": 1}),
    "xlmr": ("XlmrTransformer", {"padding_idx": 1}),
    "camembert": ("CamembertTransformer", {"padding_idx": 1}),
    "albert": ("AlbertTransformer", {"padding_idx": 0, "embedding_width": 16, "num_hidden_groups": 1}),
    "albert in groups": ("AlbertTransformer", {"padding_idx": 0, "embedding_width": 32, "num_hidden_groups": 2}),
}
"""Architectures, with the settings in which they differ."""

LISTENERS = ("LastTransformerLayerListener", "ScalarWeightingListener")

_SMALL = {
    "hidden_width": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_width": 48,
    "max_position_embeddings": 130,
    "model_max_length": 128,
}


def build_curated(
    folder: Path,
    *,
    architecture: str = "roberta",
    encoder: str = "ByteBpeEncoder",
    listener: str = "LastTransformerLayerListener",
    components: tuple[str, ...] = ("ner",),
    window: int = 24,
    stride: int = 18,
    change: Callable[[Language], None] = lambda nlp: None,
    encoder_settings: dict[str, Any] | None = None,
    **settings: Any,
) -> Path:
    """Build and write a pipeline with random weights; the transformer is the component ``transformer``.

    :param change: Changes the pipeline before it is written.
    :param encoder_settings: Attributes of the wordpiece encoder.
    :param settings: Settings of the transformer's model.
    """
    torch.manual_seed(0)
    nlp = spacy.blank("xx")
    set_up, vocabulary = ENCODERS[encoder]
    name, own = CURATED[architecture]
    all_layers = listener != "LastTransformerLayerListener"
    model = {
        "@architectures": f"spacy-curated-transformers.{name}.v1",
        "vocab_size": vocabulary,
        "piece_encoder": {"@architectures": f"spacy-curated-transformers.{encoder}.v1"},
        "with_spans": {
            "@architectures": "spacy-curated-transformers.WithStridedSpans.v1",
            "window": window,
            "stride": stride,
        },
        **_SMALL,
        **own,
        **settings,
    }
    transformer: Any = nlp.add_pipe(
        "curated_transformer", "transformer", config={"model": model, "all_layer_outputs": all_layers}
    )
    for component in components:
        nlp.add_pipe(component, config=_with_listener(component, listener, model))
    pieces = transformer.model.get_ref("piece_encoder")
    set_up(pieces)
    for key, value in (encoder_settings or {}).items():
        pieces.attrs[key] = value
    nlp.initialize(lambda: [example(nlp, text) for text in TEXTS])
    randomize(nlp)
    change(nlp)
    nlp.to_disk(folder / "original")
    return folder / "original"


def randomize(nlp: Language) -> None:
    """Give every component weights of such a size that texts get many annotations, and different ones."""
    rng = np.random.default_rng(2)  # a seed with which every encoder and architecture annotates nearly all texts
    for name, component in nlp.components:
        if name == "transformer":
            _spread(component.model.get_ref("transformer").shims[0]._model)  # type: ignore[attr-defined]
            continue
        for node in component.model.walk() if hasattr(component, "model") else ():
            for key in node.param_names:
                if node.has_param(key):
                    node.set_param(key, rng.normal(0, 0.6, node.get_param(key).shape).astype(np.float32))


def _spread(module: Any) -> None:
    """Scale an encoder's weights, so that the tokens of a text do not all look alike."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if parameter.dim() > 1 and "embeddings" not in name:
                parameter.mul_(0.7)


def _with_listener(component: str, listener: str, model: dict[str, Any]) -> dict[str, Any]:
    width = model["hidden_width"]
    section: dict[str, Any] = {
        "@architectures": f"spacy-curated-transformers.{listener}.v1",
        "width": width,
        "pooling": {"@layers": "reduce_mean.v1"},
        "upstream": "*",
    }
    if listener == "ScalarWeightingListener":
        section["weighting"] = {
            "@architectures": "spacy-curated-transformers.ScalarWeight.v1",
            "num_layers": model["num_hidden_layers"],
            "dropout_prob": 0.1,
            "mixed_precision": False,
        }
    default = (Language.get_factory_meta(component).default_config or {})["model"]
    found: dict[str, Any] = {"model": {**default, "tok2vec": section}}
    return {**found, "min_action_freq": 1} if component == "parser" else found


def _word_pieces(model: Model[Any, Any]) -> None:
    model.attrs["wordpiece_processor"] = WordPieceProcessor(WORD_PIECES)
    model.attrs["lowercase"] = True
    model.attrs["strip_accents"] = True


def _byte_bpe(model: Model[Any, Any]) -> None:
    model.attrs["byte_bpe_processor"] = ByteBPEProcessor(BYTE_VOCABULARY, MERGES)


def _characters(model: Model[Any, Any]) -> None:
    model.attrs["vocab"] = {piece: i for i, piece in enumerate(CHARACTER_PIECES)}


def _sentence_pieces(model: Model[Any, Any]) -> None:
    model.get_ref("encoder").attrs["sentencepiece_processor"] = SentencePieceProcessor.from_file(str(TOY_MODEL))


WORD_PIECES = list(
    dict.fromkeys(
        [
            *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
            *CHARACTERS,
            *(f"##{letter}" for letter in LETTERS),
            *("##ing", "##s", "##er"),
            *sorted(set(WORDS) - {"silicon", "temperature", "a"}),
        ]
    )
)
_ALPHABET = sorted(pre_tokenizers.ByteLevel.alphabet())
MERGES = [("t", "h"), ("i", "r"), ("o", "n"), ("Ġ", "t"), ("Ġ", "i"), ("Ġt", "h"), ("Ġth", "e")]
BYTE_VOCABULARY = {
    piece: i
    for i, piece in enumerate(
        ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *_ALPHABET, *(first + second for first, second in MERGES)]
    )
}
CHARACTER_PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *CHARACTERS]

TOY_MODEL = Path(curated_tokenizers.__file__).parent / "tests" / "toy.model"
N_SENTENCE_PIECES = len(SentencePieceProcessor.from_file(str(TOY_MODEL)))

ENCODERS: dict[str, tuple[Callable[[Model[Any, Any]], None], int]] = {
    "BertWordpieceEncoder": (_word_pieces, len(WORD_PIECES)),
    "WordpieceEncoder": (_word_pieces, len(WORD_PIECES)),
    "ByteBpeEncoder": (_byte_bpe, len(BYTE_VOCABULARY)),
    "CharEncoder": (_characters, len(CHARACTER_PIECES)),
    "SentencepieceEncoder": (_sentence_pieces, N_SENTENCE_PIECES),
    "XlmrSentencepieceEncoder": (_sentence_pieces, N_SENTENCE_PIECES + 1),
    "CamembertSentencepieceEncoder": (_sentence_pieces, N_SENTENCE_PIECES + 4),
}
"""Wordpiece encoders: the function that gives one its vocabulary, and the number of ids."""
