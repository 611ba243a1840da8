"""A pipeline with the config of spaCy's ``en_core_web_trf`` 3.8 and random weights, at its full size.

    python bench/official.py FOLDER

writes it to ``FOLDER/en_core_web_trf``. Architecture, sizes, windows, components and labels are those of the published
pipeline (https://huggingface.co/spacy/en_core_web_trf/blob/main/config.cfg and meta.json); the weights are random, with
heads that annotate a lot, so that a difference shows.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import spacy
import torch
from spacy.language import Language
from spacy.lookups import Lookups
from spacy.tokens import Doc
from spacy.training import Example

ENGLISH = "en_core_web_trf's config (RoBERTa base: 12 layers, width 768; six components)"

VOCABULARY = 50_265
WIDTH, LAYERS = 768, 12

TAGS = (
    "$ '' , -LRB- -RRB- . : ADD AFX CC CD DT EX FW HYPH IN JJ JJR JJS LS MD NFP NN NNP NNPS NNS PDT POS PRP PRP$ RB"
    " RBR RBS RP SYM TO UH VB VBD VBG VBN VBP VBZ WDT WP WP$ WRB XX _SP ``"
).split()
DEPENDENCIES = (
    "ROOT acl acomp advcl advmod agent amod appos attr aux auxpass case cc ccomp compound conj csubj csubjpass dative"
    " dep det dobj expl intj mark meta neg nmod npadvmod nsubj nsubjpass nummod oprd parataxis pcomp pobj poss preconj"
    " predet prep prt punct quantmod relcl xcomp"
).split()
ENTITIES = (
    "CARDINAL DATE EVENT FAC GPE LANGUAGE LAW LOC MONEY NORP ORDINAL ORG PERCENT PERSON PRODUCT QUANTITY TIME"
    " WORK_OF_ART"
).split()
UNIVERSAL = {"NN": "NOUN", "NNS": "NOUN", "VBZ": "VERB", "VBG": "VERB", "JJ": "ADJ", "IN": "ADP", "DT": "DET"}

LISTENER = {
    "@architectures": "spacy-curated-transformers.LastTransformerLayerListener.v1",
    "width": WIDTH,
    "pooling": {"@layers": "reduce_mean.v1"},
    "upstream": "transformer",
    "grad_factor": 1.0,
}


def build_english(folder: Path, *, layers: int = LAYERS) -> Path:
    """Write the pipeline, unless it exists.

    :param layers: Layers of the transformer.
    """
    out = folder / "en_core_web_trf"
    if out.exists():
        return out
    torch.manual_seed(0)
    nlp = spacy.blank("en")
    transformer: Any = nlp.add_pipe("curated_transformer", "transformer", config={"model": _roberta(layers)})
    nlp.add_pipe("tagger", config={"model": {"@architectures": "spacy.Tagger.v2", "tok2vec": LISTENER}})
    nlp.add_pipe("parser", config={"model": _transitions("parser"), "learn_tokens": False, "min_action_freq": 1})
    nlp.add_pipe("attribute_ruler")
    nlp.add_pipe("lemmatizer", config={"mode": "rule"})
    nlp.add_pipe("ner", config={"model": _transitions("ner")})
    _set_wordpieces(transformer)
    _initialize(nlp)
    _randomize(nlp)
    folder.mkdir(parents=True, exist_ok=True)
    nlp.to_disk(out)
    return out


def _roberta(layers: int) -> dict[str, Any]:
    return {
        "@architectures": "spacy-curated-transformers.RobertaTransformer.v1",
        "vocab_size": VOCABULARY,
        "hidden_width": WIDTH,
        "intermediate_width": 3072,
        "num_attention_heads": 12,
        "num_hidden_layers": layers,
        "max_position_embeddings": 514,
        "model_max_length": 512,
        "padding_idx": 1,
        "type_vocab_size": 1,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-5,
        "piece_encoder": {"@architectures": "spacy-curated-transformers.ByteBpeEncoder.v1"},
        "with_spans": {
            "@architectures": "spacy-curated-transformers.WithStridedSpans.v1",
            "stride": 104,
            "window": 144,
            "batch_size": 384,
        },
    }


def _transitions(state: str) -> dict[str, Any]:
    return {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": state,
        "extra_state_tokens": False,
        "hidden_width": 64,
        "maxout_pieces": 2,
        "use_upper": False,
        "tok2vec": LISTENER,
    }


def _set_wordpieces(transformer: Any) -> None:
    """Give the encoder a vocabulary of RoBERTa's size, from random merges of frequent letters."""
    from curated_tokenizers import ByteBPEProcessor
    from tokenizers import pre_tokenizers

    rng = random.Random(0)
    letters = "eeeeetttaaaoooiinnsshhrrddllcumwfgypbvk"
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {piece: i for i, piece in enumerate(["<s>", "<pad>", "</s>", "<unk>", *alphabet])}
    merges: list[tuple[str, str]] = []
    parts = [*letters, *("Ġ" + letter for letter in letters)]
    for letter in sorted(set(letters)):
        merges.append(("Ġ", letter))
        vocabulary["Ġ" + letter] = len(vocabulary)
    while len(vocabulary) < VOCABULARY - 1:
        first, second = rng.choice(parts), rng.choice(letters)
        if first + second not in vocabulary and len(first) < 12:
            merges.append((first, second))
            vocabulary[first + second] = len(vocabulary)
            parts.append(first + second)
    vocabulary["<mask>"] = len(vocabulary)
    transformer.model.get_ref("piece_encoder").attrs["byte_bpe_processor"] = ByteBPEProcessor(vocabulary, merges)


def _initialize(nlp: Language) -> None:
    lemmatizer: Any = nlp.get_pipe("lemmatizer")
    lookups = Lookups()
    lookups.add_table("lemma_rules", {"noun": [["s", ""], ["ies", "y"]], "verb": [["ing", ""], ["s", ""], ["ed", "e"]]})
    lookups.add_table("lemma_exc", {"noun": {"mice": ["mouse"]}, "verb": {"grew": ["grow"]}})
    lookups.add_table("lemma_index", {"noun": ["film", "glass", "wall"], "verb": ["grow", "move", "measure"]})
    lemmatizer.initialize(lookups=lookups)
    ruler: Any = nlp.get_pipe("attribute_ruler")
    for tag in TAGS:
        ruler.add([[{"TAG": tag}]], {"POS": UNIVERSAL.get(tag, "X")})
    words = [f"word{i}" for i in range(60)]
    reference = Doc(
        nlp.vocab,
        words=words,
        tags=[TAGS[i % len(TAGS)] for i in range(60)],
        heads=[max(i - 1, 0) for i in range(60)],
        deps=["ROOT", *(DEPENDENCIES[i % len(DEPENDENCIES)] for i in range(1, 60))],
        ents=[f"B-{ENTITIES[i // 2 % len(ENTITIES)]}" if i % 2 else "O" for i in range(60)],
    )
    with nlp.select_pipes(disable=["attribute_ruler", "lemmatizer"]):
        nlp.initialize(lambda: [Example(Doc(nlp.vocab, words=words), reference)])


def _randomize(nlp: Language) -> None:
    transformer: Any = nlp.get_pipe("transformer")
    with torch.no_grad():
        for name, parameter in transformer.model.get_ref("transformer").shims[0]._model.named_parameters():
            if parameter.dim() > 1 and "embeddings" not in name:
                parameter.mul_(0.5)  # or the tokens of a text would all look alike after twelve layers
    rng = np.random.default_rng(0)
    for name in ("tagger", "parser", "ner"):
        component: Any = nlp.get_pipe(name)
        for node in component.model.walk():
            for key in node.param_names:
                if node.has_param(key):
                    shape = node.get_param(key).shape
                    node.set_param(key, rng.normal(0, 0.3, shape).astype(np.float32))


if __name__ == "__main__":
    print(build_english(Path(sys.argv[1])))
