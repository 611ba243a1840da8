"""The pipelines to measure: originals of two sizes with random weights, and their compiled pipelines.

Random weights take the same time as trained ones, and need neither a download nor 500 MB in this repository.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

LABELS = ("MATERIAL", "PROCESS", "TASK")
WINDOW, STRIDE = 128, 96


@dataclass(frozen=True)
class Size:
    """A size of transformer.

    :param name: Its name in the table.
    :param settings: Arguments of ``transformers.BertConfig``.
    """

    name: str
    settings: dict[str, int]


MINILM = Size(
    "MiniLM (the bundled pipeline's size: 6 layers, width 384)",
    {
        "vocab_size": 30_522,
        "hidden_size": 384,
        "num_hidden_layers": 6,
        "num_attention_heads": 12,
        "intermediate_size": 1536,
    },
)
SCIBERT = Size(
    "SciBERT's size (12 layers, width 768)",
    {
        "vocab_size": 31_090,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
    },
)


def build_original(size: Size, tokenizer_file: Path, folder: Path) -> Path:
    """Write a pipeline of transformer and ner as ``spacy train`` would write it.

    :param tokenizer_file: A ``tokenizer.json`` of wordpieces.
    :param folder: The pipeline is written into ``original`` in this folder, unless it exists.
    """
    import spacy
    import torch
    import transformers
    from spacy.training import Example

    out = folder / "original"
    if out.exists():
        return out
    torch.manual_seed(0)
    source = folder / "source"
    transformers.BertModel(transformers.BertConfig(**size.settings)).save_pretrained(source)
    transformers.BertTokenizerFast(tokenizer_file=str(tokenizer_file), model_max_length=512).save_pretrained(source)
    nlp = spacy.blank("en")
    nlp.add_pipe("transformer", config={"model": _transformer(source)})
    ner: Any = nlp.add_pipe("ner", config={"model": _ner()})
    for label in LABELS:
        ner.add_label(label)
    nlp.initialize(lambda: [Example.from_dict(nlp.make_doc("Iron grows."), {"entities": [(0, 4, LABELS[0])]})])
    nlp.to_disk(out)
    return out


def _transformer(source: Path) -> dict[str, Any]:
    return {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": str(source),
        "get_spans": {
            "@span_getters": "spacy-transformers.strided_spans.v1",
            "window": WINDOW,
            "stride": STRIDE,
        },
        "tokenizer_config": {"use_fast": True},
        "transformer_config": {},
        "mixed_precision": False,
        "grad_scaler_config": {},
    }


def _ner() -> dict[str, Any]:
    return {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": "ner",
        "extra_state_tokens": False,
        "hidden_width": 64,
        "maxout_pieces": 2,
        "use_upper": False,
        "tok2vec": {
            "@architectures": "spacy-transformers.TransformerListener.v1",
            "grad_factor": 1.0,
            "pooling": {"@layers": "reduce_mean.v1"},
        },
    }


def compile_both(original: Path, folder: Path, calibrate: Path | None) -> dict[str, Path]:
    """Compile at both precisions, unless it was done before; return the folder of each precision.

    :param calibrate: Texts for the calibration of int8.
    """
    from spacy_lambda.compiler.compile import compile_pipeline

    found = {}
    for precision in ("fp32", "int8"):
        found[precision] = folder / precision
        if not found[precision].exists():
            texts = calibrate if precision == "int8" else None
            compile_pipeline(str(original), found[precision], precision=precision, calibrate=texts)
    return found
