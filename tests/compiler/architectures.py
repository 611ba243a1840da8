"""Architectures of transformers: which of them compile, and why the others do not.

``python -m tests.compiler.architectures`` prints the table of docs/models.md.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import spacy
import torch
import transformers
from spacy.language import Language
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertTokenizerFast, CanineTokenizer, PreTrainedTokenizerFast, XLNetTokenizerFast

from tests.compiler.originals import MAX_LENGTH, TEXTS, byte_level_tokenizer, wordpiece_tokenizer

__all__ = ["CASES", "Case", "build", "table"]

COMPILED = "compiled"


@dataclass(frozen=True)
class Case:
    """One architecture.

    :param config: Its config class; the model has random weights.
    :param settings: The config's arguments.
    :param tokenizer: Makes its tokenizer.
    :param message: Part of the error with which it is refused; ``None`` if it compiles.
    :param reason: The same for the docs.
    :param fails: spacy-transformers itself fails on it.
    """

    name: str
    config: type[Any]
    settings: dict[str, Any]
    tokenizer: Callable[[], Any]
    message: str | None = None
    reason: str = COMPILED
    fails: bool = False


def wordpieces(**settings: Any) -> Any:
    """The tokenizer of BERT."""
    return BertTokenizerFast(tokenizer_object=wordpiece_tokenizer(), model_max_length=MAX_LENGTH, **settings)


def untyped() -> Any:
    """The same without token types."""
    return wordpieces(model_input_names=["input_ids", "attention_mask"])


def in_bytes(**settings: Any) -> Any:
    """The tokenizer of RoBERTa and GPT-2."""
    tokenizer = byte_level_tokenizer()
    special = {name: str(token) for name, token in tokenizer.special_tokens_map.items()}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer.backend_tokenizer,
        model_max_length=MAX_LENGTH,
        model_input_names=["input_ids", "attention_mask"],
        **special,
        **settings,
    )


def left() -> Any:
    """The same, padding on the left."""
    return in_bytes(padding_side="left")


def pieces_of_xlnet() -> Any:
    """The tokenizer of XLNet: special wordpieces at the end, of token types 0 and 2, and padding on the left."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    special = ["<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<mask>"]
    trainer = trainers.UnigramTrainer(vocab_size=110, special_tokens=special, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    ids = [(token, tokenizer.token_to_id(token)) for token in ("<sep>", "<cls>")]
    tokenizer.post_processor = processors.TemplateProcessing(single="$A:0 <sep>:0 <cls>:2", special_tokens=ids)
    return XLNetTokenizerFast(tokenizer_object=tokenizer, model_max_length=MAX_LENGTH)


_BERT = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": MAX_LENGTH,
}
_ROBERTA = {**_BERT, "max_position_embeddings": MAX_LENGTH + 2, "type_vocab_size": 1, "pad_token_id": 1}
_DECODER = {**_BERT, "pad_token_id": 1}
_GPT = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": MAX_LENGTH}
_SEQ2SEQ = {
    **{f"{side}_{name}": 2 for side in ("encoder", "decoder") for name in ("layers", "attention_heads")},
    "d_model": 32,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "max_position_embeddings": MAX_LENGTH,
    "pad_token_id": 1,
}
_RELATIVE = {**_BERT, "relative_attention": True, "pos_att_type": ["c2p", "p2c"], "position_biased_input": False}
_T5 = {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4}
_XLM = {"emb_dim": 32, "n_layers": 2, "n_heads": 4, "max_position_embeddings": MAX_LENGTH, "pad_index": 0}
_MODERN = {**_BERT, "num_hidden_layers": 4, "local_attention": 16, "pad_token_id": 0, "cls_token_id": 2}
_MODERN |= {"sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
_SPARSE = {**_BERT, "max_position_embeddings": 256, "block_size": 8, "num_random_blocks": 1}

_PADDED = ("depend on padding", "refused: its hidden states depend on padding, so batches change its own output")
_DECODES = ("decoder_input_ids", "spacy-transformers gives its decoder no input, so it cannot be trained there")

CASES = (
    Case("ALBERT", transformers.AlbertConfig, {**_BERT, "embedding_size": 16}, wordpieces),
    Case("BART", transformers.BartConfig, _SEQ2SEQ, in_bytes),
    Case("BERT", transformers.BertConfig, _BERT, wordpieces),
    Case("BigBird", transformers.BigBirdConfig, {**_SPARSE, "attention_type": "original_full"}, wordpieces),
    Case(
        "BigBird, only windows that are too short for sparse attention",
        transformers.BigBirdConfig,
        {**_SPARSE, "block_size": 16},
        wordpieces,
    ),
    Case(
        "BigBird, sparse",
        transformers.BigBirdConfig,
        _SPARSE,
        lambda: BertTokenizerFast(tokenizer_object=wordpiece_tokenizer(), model_max_length=256),
        "model_max_length of its tokenizer to at most",
        "refused: it stops being sparse after the first short window; the error names the longest window that works",
    ),
    Case("BLOOM", transformers.BloomConfig, {"hidden_size": 32, "n_layer": 2, "n_head": 4, "pad_token_id": 1}, left),
    Case("CamemBERT", transformers.CamembertConfig, _ROBERTA, in_bytes),
    Case(
        "CANINE",
        transformers.CanineConfig,
        {**_BERT, "num_hash_buckets": 64, "num_hash_functions": 4, "local_transformer_stride": 8},
        lambda: CanineTokenizer(model_max_length=MAX_LENGTH),
        "slow tokenizer CanineTokenizer",
        "refused: there is no fast tokenizer",
    ),
    Case("ConvBERT", transformers.ConvBertConfig, {**_BERT, "embedding_size": 32}, wordpieces, *_PADDED),
    Case("Data2Vec", transformers.Data2VecTextConfig, _ROBERTA, in_bytes),
    Case("DeBERTa", transformers.DebertaConfig, _RELATIVE, wordpieces),
    Case("DeBERTa-v2", transformers.DebertaV2Config, {**_RELATIVE, "conv_kernel_size": 3}, wordpieces),
    Case(
        "DeBERTa-v3",
        transformers.DebertaV2Config,
        {**_RELATIVE, "position_buckets": 16, "share_att_key": True, "norm_rel_ebd": "layer_norm"},
        wordpieces,
    ),
    Case(
        "DistilBERT",
        transformers.DistilBertConfig,
        {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48, "max_position_embeddings": MAX_LENGTH},
        untyped,
    ),
    Case("ELECTRA", transformers.ElectraConfig, {**_BERT, "embedding_size": 16}, wordpieces),
    Case("ERNIE", transformers.ErnieConfig, {**_BERT, "use_task_id": True}, wordpieces),
    Case("FlauBERT", transformers.FlaubertConfig, _XLM, wordpieces),
    Case(
        "FNet",
        transformers.FNetConfig,
        _BERT,
        wordpieces,
        "attention_mask",
        "it takes no attention mask, so spacy-transformers cannot run it",
        fails=True,
    ),
    Case("Gemma", transformers.GemmaConfig, {**_DECODER, "num_key_value_heads": 2, "head_dim": 8}, in_bytes),
    Case("GPT-2", transformers.GPT2Config, _GPT, in_bytes),
    Case("GPT-2, padded on the left", transformers.GPT2Config, _GPT, left, *_PADDED),
    Case("GPT-J", transformers.GPTJConfig, {**_GPT, "rotary_dim": 4}, in_bytes),
    Case("GPT-NeoX", transformers.GPTNeoXConfig, _DECODER, in_bytes),
    Case("I-BERT", transformers.IBertConfig, _ROBERTA, in_bytes),
    Case(
        "LED",
        transformers.LEDConfig,
        {**_SEQ2SEQ, "attention_window": 8, "max_encoder_position_embeddings": MAX_LENGTH},
        in_bytes,
    ),
    Case("Llama", transformers.LlamaConfig, _DECODER, left),
    Case("Longformer", transformers.LongformerConfig, {**_ROBERTA, "attention_window": [8, 8]}, in_bytes),
    Case("LUKE", transformers.LukeConfig, {**_ROBERTA, "entity_vocab_size": 9, "entity_emb_size": 16}, in_bytes),
    Case(
        "Mamba",
        transformers.MambaConfig,
        {"hidden_size": 32, "num_hidden_layers": 2},
        in_bytes,
        "on a window of",
        "refused: it computes one wordpiece after the other, which a trace repeats for one length only",
    ),
    Case("mBART", transformers.MBartConfig, _SEQ2SEQ, in_bytes),
    Case("Megatron-BERT", transformers.MegatronBertConfig, _BERT, wordpieces),
    Case("Mistral", transformers.MistralConfig, {**_DECODER, "num_key_value_heads": 2, "sliding_window": 8}, in_bytes),
    Case(
        "MobileBERT",
        transformers.MobileBertConfig,
        {**_BERT, "embedding_size": 16, "intra_bottleneck_size": 32, "true_hidden_size": 32},
        wordpieces,
    ),
    Case("ModernBERT", transformers.ModernBertConfig, _MODERN, untyped),
    Case("MPNet", transformers.MPNetConfig, {**_BERT, "max_position_embeddings": MAX_LENGTH + 2}, untyped),
    Case(
        "Nyströmformer",
        transformers.NystromformerConfig,
        {**_BERT, "segment_means_seq_len": 64, "num_landmarks": 64},
        wordpieces,
        *_PADDED,
    ),
    Case("OPT", transformers.OPTConfig, {**_DECODER, "ffn_dim": 48, "word_embed_proj_dim": 32}, left),
    Case("Phi", transformers.PhiConfig, _DECODER, in_bytes),
    Case("Qwen2", transformers.Qwen2Config, {**_DECODER, "num_key_value_heads": 2}, in_bytes),
    Case("RemBERT", transformers.RemBertConfig, {**_BERT, "input_embedding_size": 16}, wordpieces),
    Case("RoBERTa", transformers.RobertaConfig, _ROBERTA, in_bytes),
    Case("RoFormer", transformers.RoFormerConfig, {**_BERT, "embedding_size": 32}, wordpieces),
    Case("SqueezeBERT", transformers.SqueezeBertConfig, {**_BERT, "embedding_size": 32}, wordpieces),
    Case("T5", transformers.T5Config, _T5, in_bytes, *_DECODES, fails=True),
    Case("XLM", transformers.XLMConfig, _XLM, wordpieces),
    Case("XLM-RoBERTa", transformers.XLMRobertaConfig, _ROBERTA, in_bytes),
    Case("XLM-RoBERTa-XL", transformers.XLMRobertaXLConfig, _ROBERTA, in_bytes),
    Case("XLNet", transformers.XLNetConfig, {"d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 48}, pieces_of_xlnet),
    Case(
        "X-MOD",
        transformers.XmodConfig,
        {**_ROBERTA, "languages": ["en_XX", "de_DE"], "default_language": "de_DE"},
        in_bytes,
    ),
    Case("YOSO", transformers.YosoConfig, {**_BERT, "use_expectation": True}, wordpieces, *_PADDED),
)


def build(case: Case, folder: Path) -> Path:
    """Write a pipeline of the transformer alone, in windows of 24 tokens.

    :raises Exception: If spacy-transformers itself fails on it.
    """
    source = _save(case, folder / "source")
    nlp: Language = spacy.blank("xx")
    settings = {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": str(source),
        "get_spans": {"@span_getters": "spacy-transformers.strided_spans.v1", "window": 24, "stride": 16},
        "tokenizer_config": {"use_fast": True},
        "transformer_config": {"output_attentions": case.name == "BERT"},
        "mixed_precision": case.name == "BERT",
        "grad_scaler_config": {},
    }
    nlp.add_pipe("transformer", config={"model": settings})
    nlp.initialize()
    nlp.to_disk(folder / "original")
    return folder / "original"


def _save(case: Case, folder: Path) -> Path:
    torch.manual_seed(0)
    tokenizer = case.tokenizer()
    vocabulary = {} if case.name == "CANINE" else {"vocab_size": len(tokenizer)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = transformers.AutoModel.from_config(case.config(**case.settings, **vocabulary))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(4)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if case.name == "XLNet":
        # spacy-transformers copies the file of the slow tokenizer, which the fast one does not read.
        (folder / "spiece.model").write_bytes(b"-")
    return folder


def table() -> Iterator[str]:
    """Yield the lines of the docs' table."""
    yield "| architecture | result |"
    yield "| --- | --- |"
    yield from (f"| {case.name} | {case.reason} |" for case in CASES)


if __name__ == "__main__":
    print("\n".join(table()))
