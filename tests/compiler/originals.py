"""Small original pipelines with random transformers, trained for a moment so that they annotate something."""

from __future__ import annotations

import random
import string
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import spacy
import torch
import transformers
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertTokenizerFast, DistilBertTokenizerFast, PreTrainedTokenizerFast

Pair = tuple[Language, Language]
"""An original and its compiled pipeline."""

MAX_LENGTH = 64

WORDS = (
    "the film of iron grows on silicon at low temperature while light falls into thin layers "
    "we measure how heat moves through glass and water near a cold wall in one hour"
).split()

TEXTS = (
    "The film of iron grows on silicon at low temperature.",
    "We measure how heat moves through glass. Light falls into thin layers!",
    "Near a cold wall, water freezes in one hour; iron does not.",
    "Silicon and glass are grown while heat moves.",
)

EDGE_TEXTS = {
    "empty": "",
    "white space": " \n\t  ",
    "one token": "iron",
    "one letter": "a",
    "window edge": " ".join(["iron"] * 24),
    "one over the window edge": " ".join(["iron"] * 25),
    "stride edge": " ".join(["heat"] * 16),
    "twice the stride": " ".join(["heat"] * 32),
    "5,000 tokens": " ".join((WORDS * 200)[:5000]),
    "emoji": "Iron 🧑‍🔬 films 👩🏽‍🚀 of 🇩🇪 silicon 😀😀.",
    "combining characters": "fi\u0301lm of i\u0302\u0323ron, e\u0301\u0302\u0303 glass",
    "zero width": "ir\u200bon si\u200dli\ufeffcon \u200b \u2060 glass",
    "control characters": "iron\x00 \x01gl\x07ass \x7f heat\x1b[0m",
    "a word longer than the model": "iron " + "x" * 700 + " glass",
    "long words at the window's end": "iron " * 20 + ("temperature" * 30 + " ") * 4 + "glass",
    "CRLF": "The film.\r\nOf iron\r\n\r\non glass.\r\n",
    "right to left": "iron שלום עולם glass مرحبا بالعالم heat",
    "special wordpieces": "iron [SEP] glass [PAD] </s> <pad> [CLS] heat <mask>",
    "characters that grow": "ŒUVRE ﬁlm ß İstanbul ㎏ Ⅷ iron",
    "leading space": "   iron on   glass   ",
    "Chinese": "铁 on 玻璃 glass 铁玻璃",
}

LABELS = {
    "iron": "MATERIAL",
    "silicon": "MATERIAL",
    "glass": "MATERIAL",
    "heat": "PROCESS",
    "light": "PROCESS",
}


@dataclass(frozen=True)
class Architecture:
    """A transformer to build: its config class, its config's arguments, and its tokenizer."""

    name: str
    config: type[Any]
    settings: dict[str, Any]
    tokenizer: type[Any] = BertTokenizerFast
    max_length: int | None = MAX_LENGTH


_SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": MAX_LENGTH,
}

ARCHITECTURES = {
    architecture.name: architecture
    for architecture in (
        Architecture("bert", transformers.BertConfig, _SMALL),
        Architecture("bert without a limit", transformers.BertConfig, _SMALL, max_length=None),
        Architecture(
            "deberta without a limit",
            transformers.DebertaV2Config,
            {**_SMALL, "relative_attention": True, "pos_att_type": ["c2p", "p2c"], "position_biased_input": False},
            max_length=None,
        ),
        Architecture(
            "big bird",
            transformers.BigBirdConfig,
            {**_SMALL, "max_position_embeddings": 256, "block_size": 8, "num_random_blocks": 1},
            max_length=256,
        ),
        Architecture(
            "longformer",
            transformers.LongformerConfig,
            {**_SMALL, "max_position_embeddings": MAX_LENGTH + 2, "pad_token_id": 1, "attention_window": [8, 8]},
        ),
        Architecture("bert-relu", transformers.BertConfig, {**_SMALL, "hidden_act": "relu"}),
        Architecture("electra", transformers.ElectraConfig, {**_SMALL, "embedding_size": 16, "hidden_act": "gelu_new"}),
        Architecture(
            "roberta",
            transformers.RobertaConfig,
            {**_SMALL, "max_position_embeddings": MAX_LENGTH + 2, "type_vocab_size": 1, "pad_token_id": 1},
            PreTrainedTokenizerFast,
        ),
        Architecture(
            "distilbert",
            transformers.DistilBertConfig,
            {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48, "max_position_embeddings": MAX_LENGTH},
            DistilBertTokenizerFast,
        ),
    )
}


def save_transformer(architecture: Architecture, folder: Path, *, seed: int = 0) -> Path:
    """Write a random transformer and its tokenizer, as ``from_pretrained`` reads them."""
    torch.manual_seed(seed)
    if architecture.tokenizer is PreTrainedTokenizerFast:
        tokenizer = byte_level_tokenizer()
    else:
        tokenizer = architecture.tokenizer(
            tokenizer_object=wordpiece_tokenizer(), model_max_length=architecture.max_length
        )
    config = architecture.config(vocab_size=len(tokenizer), **architecture.settings)
    with warnings.catch_warnings():
        # Some modules of transformers are scripted as they are imported, of which torch warns.
        warnings.simplefilter("ignore", DeprecationWarning)
        model = transformers.AutoModel.from_config(config)
    with torch.no_grad():
        # The usual initialisation is so small that every token would look alike.
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(6)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def build_original(
    folder: Path,
    *,
    architecture: str = "bert",
    get_spans: dict[str, Any] | None = None,
    components: tuple[str, ...] = ("ner",),
    model: str = "spacy-transformers.TransformerModel.v3",
    before: tuple[str, ...] = (),
    lang: str = "xx",
) -> Path:
    """Build, train for a moment and write a pipeline; the transformer is the component ``transformer``.

    :param lang: Its language; that of many languages has no exceptions of its tokenizer, which take long to load.
    """
    source = save_transformer(ARCHITECTURES[architecture], folder / "source")
    nlp = spacy.blank(lang)
    for name in before:
        nlp.add_pipe(name)
    settings: dict[str, Any] = {
        "@architectures": model,
        "name": str(source),
        "get_spans": get_spans or {"@span_getters": "spacy-transformers.strided_spans.v1", "window": 24, "stride": 16},
        "tokenizer_config": {"use_fast": True},
    }
    if model.endswith("v3"):
        settings |= {"mixed_precision": False, "grad_scaler_config": {}}
    if not model.endswith("v1"):
        settings["transformer_config"] = {}
    nlp.add_pipe("transformer", config={"model": settings})
    for name in components:
        nlp.add_pipe(name, config=_with_listener(nlp, name))
    train(nlp)
    original = folder / "original"
    nlp.to_disk(original)
    return original


def build_transformer(
    folder: Path, *, architecture: str, change: Callable[[Any], None] = lambda transformer: None, **tokenizer: Any
) -> Path:
    """Write a pipeline of a transformer alone, untrained, whose windows are whole texts.

    :param change: Changes the transformers model before it is written.
    :param tokenizer: Settings of the tokenizer.
    """
    source = save_transformer(ARCHITECTURES[architecture], folder / "source")
    nlp = spacy.blank("xx")
    settings = {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": str(source),
        "get_spans": {"@span_getters": "spacy-transformers.doc_spans.v1"},
        "tokenizer_config": {"use_fast": True, **tokenizer},
        "transformer_config": {},
        "mixed_precision": False,
        "grad_scaler_config": {},
    }
    component: Any = nlp.add_pipe("transformer", config={"model": settings})
    nlp.initialize()
    change(component.model.transformer)
    nlp.to_disk(folder / "original")
    return folder / "original"


def _with_listener(nlp: Language, name: str) -> dict[str, Any]:
    listener = {
        "@architectures": "spacy-transformers.TransformerListener.v1",
        "grad_factor": 1.0,
        "pooling": {"@layers": "reduce_mean.v1"},
        "upstream": "*",
    }
    default = (Language.get_factory_meta(name).default_config or {})["model"]
    model: dict[str, Any] = {**default, "tok2vec": listener}
    if name == "textcat":
        model = {
            "@architectures": "spacy.TextCatCNN.v2",
            "exclusive_classes": True,
            "nO": None,
            "tok2vec": listener,
        }
    return {"model": model, "min_action_freq": 1} if name == "parser" else {"model": model}


def train(nlp: Language) -> None:
    """Train a pipeline for a moment, so that it annotates something."""
    random.seed(0)
    np.random.seed(0)
    examples = [example(nlp, text) for text in TEXTS]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.005
    for _ in range(25):
        nlp.update(examples, sgd=optimizer)


def example(nlp: Language, text: str) -> Example:
    """Return a text with annotations for every component."""
    doc = nlp.make_doc(text)
    if nlp.has_pipe("sentencizer"):
        nlp.get_pipe("sentencizer")(doc)  # nlp.update does not run it, and sent_spans needs its sentences
    n = len(doc)
    reference = Doc(
        nlp.vocab,
        words=[token.text for token in doc],
        spaces=[bool(token.whitespace_) for token in doc],
        heads=[max(i - 1, 0) for i in range(n)],
        deps=["ROOT", *["dep"] * (n - 1)],
        tags=["NN" if token.is_alpha else "PUNCT" for token in doc],
    )
    reference.set_ents(
        [Span(reference, token.i, token.i + 1, LABELS[token.lower_]) for token in reference if token.lower_ in LABELS]
    )
    reference.spans["sc"] = list(reference.ents)
    reference.cats = {"HOT": float("heat" in text), "COLD": float("heat" not in text)}
    return Example(doc, reference)


def wordpiece_tokenizer() -> Tokenizer:
    letters = string.ascii_lowercase + string.digits + string.punctuation
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters]
    pieces += [f"##{letter}" for letter in string.ascii_lowercase + string.digits]
    pieces += ["##ing", "##s", "##er", *sorted(set(WORDS) - set(letters) - {"silicon", "temperature"})]
    pieces = list(dict.fromkeys(pieces))
    tokenizer = Tokenizer(
        models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]", max_input_chars_per_word=1000)
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return tokenizer


def byte_level_tokenizer() -> Any:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    vocabulary = {piece: i for i, piece in enumerate([*special, *alphabet, "th", "ir", "on", "Ġt"])}
    merges = [("t", "h"), ("i", "r"), ("o", "n"), ("Ġ", "t")]
    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.RobertaProcessing(sep=("</s>", 2), cls=("<s>", 0), trim_offsets=True)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=MAX_LENGTH,
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
        model_input_names=["input_ids", "attention_mask"],
    )
