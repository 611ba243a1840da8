"""Transformers of spacy-transformers: any encoder of Hugging Face's transformers, with its fast tokenizer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

import numpy as np
import onnx
from spacy.tokens import Doc
from thinc.api import Model

from spacy_lambda.compiler.graphs.architectures import Reader, find_reader
from spacy_lambda.compiler.graphs.weights import EncoderWeights
from spacy_lambda.compiler.libraries.library import Library, Reason, custom_functions
from spacy_lambda.compiler.libraries.part import DocStates, Reference, TransformerPart
from spacy_lambda.compiler.libraries.pooler import find_pooler
from spacy_lambda.compiler.libraries.reference import TEXT, SpecialWordpieces, WordpieceBatchReference, quiet
from spacy_lambda.compiler.libraries.tok2vec_transformer import TOK2VEC_MODELS, Tok2VecTransformers
from spacy_lambda.compiler.libraries.window_limit import DEFAULT_PROBED, longest_checked, window_limit
from spacy_lambda.compiler.samples import checked_lengths, limit_docs, sample_windows, text_docs
from spacy_lambda.compiler.traced_graph import TokenTypes, trace_graph
from spacy_lambda.runtime.component import FACTORY, OnnxTransformer
from spacy_lambda.runtime.encoder import EncoderBytes

__all__ = ["LISTENER", "SPACY_TRANSFORMERS"]

LISTENER = "spacy-transformers.TransformerListener.v1"
LISTENER_CLASS = "TransformerListener"

MODELS = tuple(f"spacy-transformers.TransformerModel.v{i}" for i in (1, 2, 3))
SPAN_GETTERS = {f"spacy-transformers.{name}.v1": name for name in ("strided_spans", "doc_spans", "sent_spans")}
MAX_WINDOW = 1_000_000
NULL_SETTER = "spacy-transformers.null_annotation_setter.v1"

PADDING_REMEDY = 'train it with "padding_side": "right" in tokenizer_config'


class SpacyTransformersPart(TransformerPart):
    """A ``Transformer`` component.

    :param spans: The ``get_spans`` section of its config.
    :param setter: The ``set_extra_annotations`` section of its config.
    """

    def __init__(self, name: str, pipe: Any, spans: Mapping[str, Any], *, setter: Mapping[str, Any]) -> None:
        self.model = pipe.model.transformer.eval()
        self.tokenizer = pipe.model.tokenizer
        self._spans = spans
        self._setter = setter
        self.annotates = setter.get("@annotation_setters", NULL_SETTER) != NULL_SETTER
        self._is_custom = spans["@span_getters"] not in SPAN_GETTERS
        super().__init__(
            name,
            pipe,
            architecture=self.model.config.model_type,
            max_length=window_limit(name, pipe.model),
        )
        self._special = SpecialWordpieces.of(self.tokenizer)
        self._gives_types = "token_type_ids" in self.tokenizer.model_input_names
        self._types_vary = self._gives_types and any(self._special.token_types(len(TEXT)))
        if self.tokenizer.padding_side == "left":
            self.padding_remedy = PADDING_REMEDY

    def reference(self) -> Reference:
        """Return the original's model."""
        return WordpieceBatchReference(self.pipe.model)

    def weights(self) -> EncoderWeights | None:
        """Return the weights of an encoder for which there is a graph: with token type 0 in them."""
        read = self._reader()
        return read(self.model) if read else None

    def has_graph(self) -> bool:
        """Return whether the architecture's graph is written by hand."""
        return self._reader() is not None

    def _reader(self) -> Reader | None:
        return None if self._types_vary else find_reader(self.model.config)

    def facts(self) -> dict[str, Any]:
        """Describe the model and its tokenizer."""
        config = self.model.config
        return {
            "library": "spacy-transformers",
            "layers": getattr(config, "num_hidden_layers", None),
            "width": getattr(config, "hidden_size", None),
            "parameters": sum(p.numel() for p in self._parameters()),
            "vocabulary": config.vocab_size,
            "tokenizer": type(self.tokenizer).__name__,
        }

    def _parameters(self) -> Iterator[Any]:
        yield from self.model.parameters()

    def trace(self) -> onnx.ModelProto:
        """Return the traced graph."""
        given: TokenTypes = "input" if self._types_vary else "zeros" if self._gives_types else "none"
        return trace_graph(self.model, token_types=given, longest=self.max_length)

    def checked_lengths(self) -> list[int]:
        """Return lengths up to the limit, or up to twice the positions where there is none."""
        return checked_lengths(self._longest_checked(), self.model.config.to_dict())

    def sample_windows(self, lengths: Sequence[int]) -> list[list[int]]:
        """Return windows of random wordpieces between the tokenizer's special ones."""
        padding = {self.tokenizer.pad_token_id, getattr(self.model.get_input_embeddings(), "padding_idx", None)}
        special = (self._special.opening, self._special.closing)
        return sample_windows(self.model.config.vocab_size, special=special, without=padding - {None}, lengths=lengths)

    def token_types(self, length: int) -> list[int] | None:
        """Return those that the tokenizer gives."""
        return self._special.token_types(length) if self._types_vary else None

    def text_windows(self, texts: Sequence[str], longest: int) -> list[list[int]]:
        """Return one window for each text."""
        ids = self.tokenizer(texts, truncation=True, max_length=longest)["input_ids"]
        return [list(window) for window in ids]

    def sample_docs(self) -> Iterator[list[Doc]]:
        """Yield Docs of edge cases, and single windows at the limit, one wordpiece longer, and far longer."""
        vocab = self.pipe.vocab
        yield text_docs(vocab, map(str, self.tokenizer.all_special_tokens))
        longest = self._longest_checked()
        lengths = [longest, longest + 1, 2 * longest] if longest <= DEFAULT_PROBED else [longest + 1]
        for doc in limit_docs(vocab, lambda text: len(self.tokenizer(text, verbose=False)["input_ids"]), lengths):
            yield [doc]

    def doc_states(self, docs: list[Doc]) -> list[DocStates | None]:
        """Return the hidden states that the original's alignment gives each token."""
        # Padding on the left decides which wordpieces are truncated, and a Doc without spans shifts the others of a
        # batch: then a Doc gets what it gets alone.
        alone = self.tokenizer.padding_side == "left" or self._is_custom
        batches = [[doc] for doc in docs] if alone else [docs]
        found = [data for batch in batches for data in self._doc_data(batch)]
        return [None if data is None else _states(data) for data in found]

    def _doc_data(self, docs: list[Doc]) -> list[Any]:
        try:
            with quiet():
                return list(self.pipe.predict(docs).doc_data)
        except Exception:  # any error of the model
            return [None] if len(docs) == 1 else [data for doc in docs for data in self._doc_data([doc])]

    def component(self, model: EncoderBytes, width: int) -> OnnxTransformer:
        """Return the compiled component."""
        settings = self.settings()
        if self._is_custom:
            settings["get_spans"] = self.pipe.model.attrs["get_spans"]
        component = OnnxTransformer(self.pipe.vocab, self.name, **settings, width=width)
        component.set_parts(self.tokenizer.backend_tokenizer.to_str(), model)
        return component

    def add_outputs(self, component: OnnxTransformer) -> None:
        """Give it the pooled output, where the model has one that is computed as usual.

        Padding on the left is what a pooler gets of shorter windows.
        """
        if self.tokenizer.padding_side == "right":
            component.pooler = find_pooler(self.model, self._word_data().model_output)

    def settings(self) -> dict[str, Any]:
        """Return the span getter, its windows, and what the tokenizer's own file does not hold."""
        spans = {"get_spans": dict(self._spans), "window": 0, "stride": 0}
        if not self._is_custom:
            spans["get_spans"] = SPAN_GETTERS[self._spans["@span_getters"]]
            spans |= {name: self._spans.get(name, 0) for name in ("window", "stride")}
        settings: dict[str, Any] = {**spans, "max_length": self.max_length}
        if self.tokenizer.padding_side == "left":
            settings["padding_side"] = "left"
        if getattr(self.tokenizer, "split_special_tokens", False):
            settings["split_special_tokens"] = True
        return settings

    def config(self, width: int) -> dict[str, Any]:
        """Return the section of the compiled component."""
        config = {"factory": FACTORY, **self.settings(), "width": width, "trf_data": self._output_format()}
        if self.annotates:
            config["set_extra_annotations"] = self._setter
        return config

    def _output_format(self) -> dict[str, Any]:
        """Return the form of ``doc._.trf_data``; the outputs are found by running the original."""
        return {
            "pad_token": self.tokenizer.pad_token or "",
            "pad_id": self.tokenizer.pad_token_id or 0,
            "token_types": self._gives_types,
            "outputs": list(self._word_data().model_output),
            "pad_type_id": self.tokenizer.pad_token_type_id,
        }

    def _word_data(self) -> Any:
        """Return the ``TransformerData`` of one word, whatever the pipeline's own span getter needs."""
        attrs = self.pipe.model.attrs
        get_spans, attrs["get_spans"] = attrs["get_spans"], lambda docs: [[doc[:]] for doc in docs]
        try:
            (data,) = self.pipe.predict([Doc(self.pipe.vocab, words=["word"])]).doc_data
        finally:
            attrs["get_spans"] = get_spans
        return data

    def _longest_checked(self) -> int:
        return longest_checked(self.max_length, self.model.config)


def _states(data: Any) -> DocStates:
    rows = data.align.dataXd.ravel()
    if not rows.size:
        return DocStates(data.align.lengths, np.zeros((0, 0), dtype=np.float32))
    return DocStates(data.align.lengths, data.model_output.last_hidden_state.reshape(-1, data.width)[rows])


def _config_reasons(name: str, model: Mapping[str, Any], path: str) -> Iterator[Reason]:
    architecture = model.get("@architectures")
    if architecture not in (*MODELS, *TOK2VEC_MODELS):
        yield (
            f"component {name!r} has the model {architecture!r}",
            f"train it with {MODELS[-1]}",
        )
    getter = model.get("get_spans", {}).get("@span_getters")
    if SPAN_GETTERS.get(getter) == "strided_spans":
        yield from _window_reasons(name, model["get_spans"], path)


def _window_reasons(name: str, spans: Mapping[str, Any], path: str) -> Iterator[Reason]:
    """Yield invalid settings of windows: spaCy silently converts them to integers, and never ends on steps of 0."""
    window, stride = (spans.get(setting) for setting in ("window", "stride"))
    for setting, value in (("window", window), ("stride", stride)):
        if not _is_length(value):
            yield (
                f"component {name!r} has {setting} = {json.dumps(value)} in its get_spans",
                f"set {setting} in [{path}.get_spans] of its config.cfg to a whole number of tokens"
                f" from 1 to {MAX_WINDOW}, as it was trained",
            )
    if _is_length(window) and _is_length(stride) and window < stride:
        yield (
            f"component {name!r} has a stride of {stride} and windows of {window} in its get_spans: a text that ends"
            " between two windows has tokens without vectors, for which spaCy reads other memory",
            f"set stride in [{path}.get_spans] of its config.cfg to at most {window}, and train it again",
        )


def _is_length(value: object) -> TypeGuard[int]:
    return type(value) is int and 1 <= value <= MAX_WINDOW


def _model_reasons(name: str, component: Any) -> Iterator[Reason]:
    if not all(hasattr(getattr(component, "model", None), part) for part in ("tokenizer", "transformer")):
        yield (
            f"component {name!r} is a {type(component).__name__}, not spacy-transformers' Transformer",
            "train it with spacy-transformers' own `transformer` factory",
        )
        return
    custom = custom_functions(component.model, SPACY_TRANSFORMERS.package, called=("get_spans",))
    if custom:
        yield (
            f"component {name!r} runs functions that are not the library's: {', '.join(custom)}",
            "use the library's own layers: a function runs compiled forms of them",
        )
    tokenizer, transformer = component.model.tokenizer, component.model.transformer
    if not tokenizer.is_fast:
        yield (
            f"component {name!r} has the slow tokenizer {type(tokenizer).__name__}",
            'train it with tokenizer_config = {"use_fast": true}, and a model that has a fast tokenizer',
        )
        return
    types = {str(p.dtype) for p in transformer.parameters() if p.is_floating_point()} - {"torch.float32"}
    if types:
        yield (
            f"component {name!r} computes in {', '.join(sorted(types))}",
            "convert it: [n.transformer.float() for n in"
            f" nlp.get_pipe({name.partition('.')[0]!r}).model.walk() if n.name == 'transformer'],"
            " torch_dtype = None in its config, nlp.to_disk",
        )


def _part(name: str, component: Mapping[str, Any], pipe: Any) -> SpacyTransformersPart:
    return SpacyTransformersPart(
        name, pipe, component["model"]["get_spans"], setter=component.get("set_extra_annotations", {})
    )


def _listener_layers(layer: Model[Any, Any]) -> tuple[Model[Any, Any], ...] | None:
    is_listener = type(layer).__name__ == LISTENER_CLASS and type(layer).__module__.startswith("spacy_transformers.")
    return (layer,) if is_listener else None


SPACY_TRANSFORMERS = Library(
    package="spacy_transformers",
    factory="transformer",
    config_reasons=_config_reasons,
    model_reasons=_model_reasons,
    part=_part,
    names={LISTENER: "spacy_lambda.OnnxListener.v1"},
    listeners=frozenset({LISTENER}),
    listener_layers=_listener_layers,
    private=Tok2VecTransformers(),
)
