"""Compile every text encoder of transformers, small and random: identical to its original, or refused.

    python bench/architectures.py [MODEL_TYPE ...]

Prints one line each: ``identical`` with the largest difference over Docs of many lengths, ``refused`` with the reason,
``no original`` where spacy-transformers itself cannot run the model, or ``DIFFERS``, which is a failure.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import spacy
import torch
import transformers
from spacy.language import Language
from spacy.tokens import Doc
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from spacy_lambda.compiler.compile import compile_pipeline
from spacy_lambda.compiler.parity import row_error
from spacy_lambda.errors import SpacyLambdaError
from spacy_lambda.runtime.encoder_output import get_encoding

POSITIONS = 96
TEXT = """
albert bart bert bert-generation big_bird bigbird_pegasus biogpt bloom bros camembert canine codegen convbert ctrl
data2vec-text deberta deberta-v2 distilbert dpr electra ernie ernie_m esm falcon flaubert fnet funnel gemma gpt2
gpt_bigcode gpt_neo gpt_neox gptj ibert layoutlm led lilt llama longformer longt5 luke lxmert m2m_100 mamba markuplm
mbart mega megatron-bert mistral mobilebert modernbert mpnet mpt mra mt5 nezha nystromformer olmo openai-gpt
opt pegasus phi phi3
plbart prophetnet qdqbert qwen2 qwen3 reformer rembert retribert roberta roberta-prelayernorm roc_bert roformer rwkv
smollm3 splinter squeezebert stablelm starcoder2 switch_transformers t5 tapas transfo-xl umt5 xglm xlm xlm-prophetnet
xlm-roberta xlm-roberta-xl xlnet xmod yoso
""".split()
SMALL: dict[str, Any] = {
    **dict.fromkeys(("hidden_size", "d_model", "dim", "n_embd", "emb_dim", "embedding_size", "embed_dim"), 32),
    **dict.fromkeys(("num_hidden_layers", "n_layers", "num_layers", "n_layer", "encoder_layers", "decoder_layers"), 2),
    **dict.fromkeys(("num_attention_heads", "n_heads", "num_heads", "n_head"), 4),
    **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads", "num_key_value_heads"), 4),
    **dict.fromkeys(("intermediate_size", "d_ff", "hidden_dim", "ffn_dim", "encoder_ffn_dim", "decoder_ffn_dim"), 48),
    **dict.fromkeys(("d_inner", "d_kv", "d_head", "n_inner"), None),
}
# Settings that a single architecture needs besides, or must not have.
OWN: dict[str, dict[str, Any]] = {
    "albert": {"embedding_size": 16},
    "canine": {"num_hash_buckets": 256, "downsampling_rate": 4, "local_transformer_stride": 16},
    "deberta": {"pos_att_type": ["c2p", "p2c"], "relative_attention": True, "position_biased_input": False},
    "deberta-v2": {"pos_att_type": ["c2p", "p2c"], "relative_attention": True, "position_biased_input": False},
    "funnel": {"block_sizes": [1, 1], "d_head": 8, "d_inner": 48},
    "longformer": {"attention_window": [16, 16]},
    "led": {"attention_window": [16, 16]},
    "big_bird": {"block_size": 4, "num_random_blocks": 1},
    "mobilebert": {"embedding_size": 16, "intra_bottleneck_size": 16, "true_hidden_size": 16},
    "modernbert": {"local_attention": 16, "global_attn_every_n_layers": 2, "reference_compile": False},
    "nystromformer": {"segment_means_seq_len": 32, "num_landmarks": 8},
    "reformer": {
        "attn_layers": ["local", "local"],
        "axial_pos_shape": [8, 12],
        "axial_pos_embds_dim": [16, 16],
        "local_attn_chunk_length": 12,
    },
    "xlnet": {"d_inner": 48, "d_head": 8},
    "t5": {"d_kv": 8},
    "umt5": {"d_kv": 8},
    "mt5": {"d_kv": 8},
    "esm": {"position_embedding_type": "rotary", "token_dropout": True, "mask_token_id": 4},
    "convbert": {"embedding_size": 32, "head_ratio": 2, "conv_kernel_size": 3},
    "electra": {"embedding_size": 16},
    "squeezebert": {"embedding_size": 32},
    "rembert": {"input_embedding_size": 16, "output_embedding_size": 16},
}
WORDS = "the film of iron grows on silicon at low temperature while light falls into thin layers".split()


def main(names: list[str]) -> None:
    """Compile each, and print the outcome."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    bad = 0
    for name in names or TEXT:
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            outcome, detail = attempt(name, Path(folder))
        bad += outcome == "DIFFERS"
        print(f"{name:24} {outcome:12} {time.perf_counter() - started:5.1f} s  {detail}"[:300], flush=True)
    sys.exit(bad > 0)


def attempt(name: str, folder: Path, **changes: Any) -> tuple[str, str]:
    """Build, compile, compare one architecture.

    :param changes: Settings of its config, besides the usual ones.
    """
    try:
        nlp = original(name, folder, **changes)
        nlp("The film of iron grows.")
    except Exception as exc:  # transformers raises anything for an unsuitable config
        return "no original", f"{type(exc).__name__}: {exc}".replace("\n", " ")[:160]
    # Saved before its first text: some models change with their inputs.
    original(name, folder, **changes).to_disk(folder / "original")
    try:
        meta = compile_pipeline(str(folder / "original"), folder / "compiled")
    except SpacyLambdaError as exc:
        return "refused", exc.message.replace("\n", " ")[:200]
    first, second = spacy.load(folder / "original"), spacy.load(folder / "compiled")
    largest, raised = 0.0, 0
    for doc in docs(first):
        try:
            expected = first.get_pipe("transformer")(doc.copy())
        except Exception:  # the original fails on this text
            raised += 1
            second.get_pipe("transformer")(doc.copy())
            continue
        largest = max(largest, difference(expected, second.get_pipe("transformer")(doc.copy())))
    encoder = meta.encoders["transformer"]
    detail = f"{encoder['method']}, limit {encoder['max_length']}, checked to {encoder['checked_length']}"
    outcome = "identical" if largest <= 1e-3 else "DIFFERS"
    return outcome, f"{detail}, largest difference {largest:.1e}, original raises on {raised} texts"


def docs(nlp: Language) -> list[Doc]:
    """Return Docs of 0 to 450 tokens in one window, from the longest to the shortest and back."""
    rng = np.random.default_rng(1)
    lengths = [450, 230, 193, 130, 97, 96, 95, 94, 93, 60, 33, 32, 31, 17, 9, 5, 2, 1]
    texts = [" ".join(rng.choice(WORDS, size=n)) for n in [*lengths, *lengths[::-1]]]
    return [nlp.make_doc(text) for text in [*texts, "", " ", "x" * 500, "[SEP] <s> [PAD]", "\x00 é 🧑‍🔬"]]


def difference(expected: Doc, found: Doc) -> float:
    """Return the largest difference of a token's wordpieces; infinity if the wordpieces differ."""
    encoding = get_encoding(found)
    data = expected._.trf_data
    if encoding is None or not np.array_equal(data.align.lengths, encoding.lengths):
        return 0.0 if not len(expected) else float("inf")
    if not encoding.rows.size:
        return 0.0
    rows = data.model_output.last_hidden_state.reshape(-1, data.width)[data.align.dataXd.ravel()]
    return row_error(encoding.hidden[encoding.rows], rows)


def original(name: str, folder: Path, **changes: Any) -> Language:
    """Build a pipeline of one random transformer, whose windows are whole texts."""
    torch.manual_seed(0)
    limit = changes.pop("model_max_length", None)
    tokenizer = _tokenizer(limit)
    config_class = transformers.CONFIG_MAPPING[name]
    known = config_class().to_dict()
    mapped = getattr(config_class, "attribute_map", {})
    settings = {key: value for key, value in SMALL.items() if (key in known or key in mapped) and value is not None}
    for key in ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len"):
        if key in known or key in mapped:
            settings[key] = POSITIONS
    settings |= OWN.get(name, {}) | {"vocab_size": len(tokenizer), "pad_token_id": 0, **changes}
    if "hidden_dropout" in known:
        settings["hidden_dropout"] = 0.0
    model = transformers.AutoModel.from_config(config_class(**settings))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(4)
    source = folder / "source"
    model.save_pretrained(source)
    tokenizer.save_pretrained(source)
    # AutoTokenizer would choose the architecture's own class, which may need a missing file.
    path = source / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "tokenizer_class": "PreTrainedTokenizerFast"}))
    nlp = spacy.blank("en")
    settings = {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": str(source),
        "get_spans": {"@span_getters": "spacy-transformers.doc_spans.v1"},
        "tokenizer_config": {"use_fast": True},
        "transformer_config": {},
        "mixed_precision": False,
        "grad_scaler_config": {},
    }
    nlp.add_pipe("transformer", config={"model": settings})
    nlp.initialize()
    return nlp


def _tokenizer(limit: int | None) -> transformers.PreTrainedTokenizerFast:
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,-"
    wordpieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{c}" for c in letters), *WORDS]
    vocabulary = {wordpiece: i for i, wordpiece in enumerate(dict.fromkeys(wordpieces))}
    backend = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=1000))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.post_processor = processors.BertProcessing(sep=("[SEP]", 3), cls=("[CLS]", 2))
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend,
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        unk_token="[UNK]",
        mask_token="[MASK]",
        model_input_names=["input_ids", "attention_mask"],
        **({"model_max_length": limit} if limit else {}),
    )


if __name__ == "__main__":
    main(sys.argv[1:])
