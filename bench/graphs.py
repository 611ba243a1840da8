"""Time the graphs written by hand against the traced ones, at the layers' usual size, with random weights.

    python bench/graphs.py [--lengths 128] [NAME ...]

Prints milliseconds of processor time per window of each graph, medians of alternating runs on one thread; how much
faster the one by hand is; and the error of int8. A few layers are enough for the ratio, and other processes hardly
change it.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from typing import Any

import numpy as np
import onnx
import torch
import transformers

from spacy_lambda.compiler.graphs.architectures import find_reader
from spacy_lambda.compiler.graphs.builder import split_weights
from spacy_lambda.compiler.graphs.encoder_graph import build_graph
from spacy_lambda.compiler.graphs.weights import EncoderWeights
from spacy_lambda.compiler.quantize import calibrate, quantize_linears, quantize_table
from spacy_lambda.compiler.traced_graph import quantize_traced, trace_graph
from spacy_lambda.runtime import encoder as runtime_encoder

LAYERS, RUNS, VOCABULARY = 3, 25, 2000
DEBERTA: dict[str, Any] = {
    "relative_attention": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_biased_input": False,
    "type_vocab_size": 0,
}
V3 = {**DEBERTA, "position_buckets": 256, "share_att_key": True, "norm_rel_ebd": "layer_norm"}
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "BERT": ("bert", {}),
    "DistilBERT": ("distilbert", {"n_layers": LAYERS}),
    "ALBERT": ("albert", {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072}),
    "MPNet": ("mpnet", {}),
    "DeBERTa": ("deberta", DEBERTA),
    "DeBERTa-v3": ("deberta-v2", {**V3, "hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072}),
    "ModernBERT": ("modernbert", {"reference_compile": False, "global_attn_every_n_layers": 3}),
}


def main() -> None:
    """Compare, and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=list(MODELS))
    parser.add_argument("--lengths", type=int, nargs="+", default=[128])
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    runtime_encoder.available_cpus = lambda: 1  # type: ignore[attr-defined]
    print("| architecture | wordpieces | fp32 traced | by hand | | int8 traced | by hand | | error traced | by hand |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in arguments.names:
        encoders = {key: runtime_encoder.Encoder(split_weights(graph)) for key, graph in graphs(*MODELS[name]).items()}
        for length in arguments.lengths:
            times = measure(encoders, length)
            cells = [f"{name} | {length}"]
            for precision in ("fp32", "int8"):
                traced, by_hand = times[precision, "traced"], times[precision, "by hand"]
                cells.append(f"{traced:.1f} ms | {by_hand:.1f} ms | {traced / by_hand:.2f}×")
            cells += [f"{100 * error(encoders, how, length):.1f} %" for how in ("traced", "by hand")]
            print(f"| {' | '.join(cells)} |", flush=True)


def graphs(model_type: str, settings: dict[str, Any]) -> dict[tuple[str, str], onnx.ModelProto]:
    """Return the graphs of a model at both precisions."""
    config = transformers.AutoConfig.for_model(
        model_type, **{"num_hidden_layers": LAYERS, "vocab_size": VOCABULARY, "pad_token_id": 1, **settings}
    )
    torch.manual_seed(0)
    model = transformers.AutoModel.from_config(config).eval()
    traced = trace_graph(model, token_types=False)
    read = find_reader(config)
    if read is None:
        raise SystemExit(f"no graph by hand for {model_type}")
    weights = read(model)
    return {
        ("int8", "traced"): quantize_traced(traced),
        ("fp32", "traced"): traced,
        ("fp32", "by hand"): build_graph(weights),
        ("int8", "by hand"): quantized(weights),
    }


def quantized(weights: EncoderWeights) -> onnx.ModelProto:
    """Return the graph with integer weights, calibrated on random wordpieces."""
    windows = np.random.default_rng(0).integers(2, VOCABULARY, size=(2, 64)).tolist()
    linears = quantize_linears(weights, calibrate(weights, windows, on_step=lambda done, total: None))
    return build_graph(weights, linears=dict(linears), words=quantize_table(weights.words))


def measure(encoders: dict[tuple[str, str], runtime_encoder.Encoder], length: int) -> dict[tuple[str, str], float]:
    """Return milliseconds per window."""
    window = np.random.default_rng(0).integers(2, VOCABULARY, size=length)
    seconds: dict[tuple[str, str], list[float]] = {key: [] for key in encoders}
    for _ in range(RUNS):
        for key, encoder in encoders.items():
            encoder([window])  # the caches as if it ran alone
            started = time.process_time()
            encoder([window])
            seconds[key].append(time.process_time() - started)
    return {key: 1000 * statistics.median(values) for key, values in seconds.items()}


def error(encoders: dict[tuple[str, str], runtime_encoder.Encoder], how: str, length: int) -> float:
    """Return the root mean square of int8's differences from fp32, relative to the hidden states' deviation."""
    window = np.random.default_rng(1).integers(2, VOCABULARY, size=length)
    (exact,), (coarse,) = (encoders[precision, how]([window]) for precision in ("fp32", "int8"))
    return float(np.sqrt(np.square(coarse - exact).mean() / np.square(exact - exact.mean(axis=0)).mean()))


if __name__ == "__main__":
    main()
