"""Transformers of spacy-curated-transformers, of which spaCy's official ``*_trf`` pipelines are made since 3.7."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import distribution
from typing import Any

import numpy as np
import onnx
from spacy.tokens import Doc
from thinc.api import Model

from spacy_lambda.compiler.graphs.curated import read_curated_weights
from spacy_lambda.compiler.graphs.weights import EncoderWeights
from spacy_lambda.compiler.libraries.curated_wordpieces import may_contain, read_encoder
from spacy_lambda.compiler.libraries.library import Library, Reason, custom_functions
from spacy_lambda.compiler.libraries.part import DocStates, HiddenStates, Reference, TransformerPart
from spacy_lambda.compiler.libraries.wrapped_transformer import WrappedTransformers
from spacy_lambda.compiler.required_packages import pinned
from spacy_lambda.compiler.samples import checked_lengths, limit_docs, sample_windows, text_docs, words_of
from spacy_lambda.runtime.curated.component import FACTORY, OnnxCuratedTransformer
from spacy_lambda.runtime.curated.sentencepiece import SentencepieceEncoder
from spacy_lambda.runtime.encoder import EncoderBytes

__all__ = ["CURATED"]

PREFIX = "spacy-curated-transformers"
LAST_LAYER = f"{PREFIX}.LastTransformerLayerListener.v1"
WEIGHTING = f"{PREFIX}.ScalarWeightingListener.v1"
EVERY_LAYER = f"{PREFIX}.TransformerLayersListener.v1"

MODELS = tuple(f"{PREFIX}.{name}Transformer.v1" for name in ("Albert", "Bert", "Camembert", "Roberta", "Xlmr"))
SPANS = f"{PREFIX}.WithStridedSpans.v1"

LISTENER_ATTRIBUTE = "_TRANSFORMER_LISTENER"
"""Attribute of thinc models by which the library knows its listeners."""

SPECIAL_TEXTS = ("[CLS]", "[SEP]", "[PAD]", "[MASK]", "[UNK]", "<s>", "</s>", "<pad>", "<mask>", "<unk>")


class CuratedPart(TransformerPart):
    """A ``CuratedTransformer`` component."""

    def __init__(self, name: str, pipe: Any) -> None:
        spans = _node(pipe.model, "with_strided_spans")
        self._torch = pipe.model.get_ref("transformer")
        self._encoder = _torch_encoder(self._torch)
        self._wordpieces = read_encoder(pipe.model.get_ref("piece_encoder"))
        self._stride: int = spans.attrs["stride"]
        self.all_layers = bool(pipe.all_layer_outputs)
        super().__init__(
            name,
            pipe,
            architecture=type(self._encoder).__name__.removesuffix("Encoder"),
            max_length=spans.attrs["window"],
        )

    def reference(self) -> Reference:
        """Return the original's model."""
        return CuratedReference(self._torch, all_layers=self.all_layers)

    def weights(self) -> EncoderWeights | None:
        """Return the encoder's weights."""
        return read_curated_weights(self._encoder, masked=self._is_masked)

    def has_graph(self) -> bool:
        """Return whether the graph is written by hand: always."""
        return True

    def requirements(self) -> list[str]:
        """Return curated-tokenizers where the wordpieces are SentencePiece's."""
        needed = isinstance(self._wordpieces, SentencepieceEncoder)
        return [pinned(distribution("curated-tokenizers"))] if needed else []

    def facts(self) -> dict[str, Any]:
        """Describe the encoder and its wordpieces."""
        words = self._words.shape
        return {
            "library": PREFIX,
            "layers": len(self._encoder.layers)
            if hasattr(self._encoder, "layers")
            else self._encoder.num_hidden_layers,
            "width": self._torch.get_dim("nO"),
            "parameters": sum(p.numel() for p in self._parameters()),
            "vocabulary": words[0],
            "tokenizer": self._wordpieces.kind,
        }

    def _parameters(self) -> Iterator[Any]:
        yield from self._encoder.parameters()

    def trace(self) -> onnx.ModelProto:
        """Never called: the library has no other encoders."""
        raise NotImplementedError

    def checked_lengths(self) -> list[int]:
        """Return lengths up to that of a window."""
        return checked_lengths(self.max_length, {})

    def sample_windows(self, lengths: Sequence[int]) -> list[list[int]]:
        """Return windows of random wordpieces; some begin or end within a text, as windows of long texts do."""
        vocabulary = self._words.shape[0]
        padding = self._encoder.padding_idx
        windows = sample_windows(
            vocabulary,
            special=self._special(),
            without=set() if self._is_masked else {padding},
            lengths=lengths,
        )
        inner = sample_windows(vocabulary, special=([], []), without={padding}, lengths=[self.max_length])
        return [*inner, *windows]

    def text_windows(self, texts: Sequence[str], longest: int) -> list[list[int]]:
        """Return the first window of each text."""
        tokenize = words_of(self.pipe.vocab)
        return [self._wordpieces.encode(tokenize(text)).ids[:longest].tolist() for text in texts]

    def sample_docs(self) -> Iterator[list[Doc]]:
        """Yield Docs of edge cases, and Docs of one window, one wordpiece more, and many windows."""
        yield text_docs(self.pipe.vocab, SPECIAL_TEXTS)
        window, stride = self.max_length, self._stride
        lengths = [window, window + 1, stride, stride + 1, window + stride, 3 * stride, 5 * window + 1]
        count = self._wordpieces.count
        tokenize = words_of(self.pipe.vocab)
        yield list(limit_docs(self.pipe.vocab, lambda text: count(tokenize(text)), lengths))

    def doc_states(self, docs: list[Doc]) -> list[DocStates | None]:
        """Return the original's output for each Doc."""
        try:
            outputs = self.pipe.predict(docs).all_outputs
        except Exception:  # any error of the model
            return [None] if len(docs) == 1 else [states for doc in docs for states in self.doc_states([doc])]
        return [DocStates(layers[-1].lengths, self._stacked([layer.dataXd for layer in layers])) for layers in outputs]

    def component(self, model: EncoderBytes, width: int) -> OnnxCuratedTransformer:
        """Return the compiled component."""
        component = OnnxCuratedTransformer(self.pipe.vocab, self.name, **self.settings(), width=width)
        component.set_parts(self._wordpieces, model)
        return component

    def add_outputs(self, component: OnnxCuratedTransformer) -> None:
        """Leave it as it is: the library's output is the hidden states."""

    def settings(self) -> dict[str, Any]:
        """Return the windows, and whether all layers are given."""
        return {
            "window": self.max_length,
            "stride": self._stride,
            "max_length": int(self._encoder.max_seq_len),
            "all_layer_outputs": self.all_layers,
        }

    def config(self, width: int) -> dict[str, Any]:
        """Return the section of the compiled component."""
        return {"factory": FACTORY, **self.settings(), "width": width}

    def _stacked(self, layers: Sequence[Any]) -> HiddenStates:
        return np.stack(layers) if self.all_layers else np.asarray(layers[-1])

    @property
    def _words(self) -> Any:
        embeddings = self._encoder.embeddings
        return getattr(embeddings, "inner", embeddings).word_embeddings.weight

    @property
    def _is_masked(self) -> bool:
        """True if a text may contain the padding wordpiece."""
        return may_contain(self.pipe.model.get_ref("piece_encoder"), self._encoder.padding_idx)

    def _special(self) -> tuple[list[int], list[int]]:
        ids = self._wordpieces.encode(Doc(self.pipe.vocab)).ids.tolist()
        return ids[:1], ids[1:]


class CuratedReference:
    """Hidden states of windows, by the original's own encoder.

    :param model: The thinc model that wraps it.
    :param all_layers: Give the embeddings and every layer. *Shape then:* ``(n_layers + 1, wordpieces, width)``
    """

    def __init__(self, model: Model[Any, Any], *, all_layers: bool) -> None:
        self._model = model
        self._all_layers = all_layers

    def __call__(self, windows: Sequence[Sequence[int]]) -> list[HiddenStates]:
        """Encode windows as one padded batch (see :class:`.part.Reference`)."""
        self._model.attrs["_all_layer_outputs"] = self._all_layers
        output = self._model.predict([np.array(window, dtype=np.int32) for window in windows])
        return [np.stack(layers) if self._all_layers else np.asarray(layers[-1]) for layers in output.all_outputs]


def _config_reasons(name: str, model: Mapping[str, Any], path: str) -> Iterator[Reason]:
    architecture = model.get("@architectures")
    if architecture not in MODELS:
        yield f"component {name!r} has the model {architecture!r}", f"train it with one of {', '.join(MODELS)}"
    spans = model.get("with_spans", {}).get("@architectures")
    if spans != SPANS:
        yield f"component {name!r} cuts texts with {spans!r}", f"train it with {SPANS}"


def _model_reasons(name: str, component: Any) -> Iterator[Reason]:
    model = getattr(component, "model", None)
    if not isinstance(model, Model) or not all(map(model.has_ref, ("piece_encoder", "transformer"))):
        yield (
            f"component {name!r} is a {type(component).__name__}, not a transformer of {PREFIX}",
            "train it with the library's own `curated_transformer` factory",
        )
        return
    custom = custom_functions(model, CURATED.package)
    if custom:
        yield (
            f"component {name!r} runs functions that are not the library's: {', '.join(custom)}",
            "use the library's own wordpiece encoders and layers: a function runs compiled forms of them",
        )
    torch_model = model.get_ref("transformer")
    encoder = _torch_encoder(torch_model)
    types = {str(p.dtype) for p in encoder.parameters() if p.is_floating_point()} - {"torch.float32"}
    if types:
        yield f"component {name!r} computes in {', '.join(sorted(types))}", "convert its parameters with .float()"
        return
    try:
        read_encoder(model.get_ref("piece_encoder"))
    except ValueError as exc:
        yield (
            f"component {name!r} has wordpieces that cannot be compiled: {exc}",
            "use a wordpiece encoder of the library",
        )
    spans = _node(model, "with_strided_spans").attrs
    if spans["stride"] < 1:
        yield (
            f"component {name!r} has a stride of {spans['stride']}: its windows never end",
            f"set stride where the model keeps it to 1 or more: {_how_to_set(name, 'stride')}",
        )
    try:
        CuratedReference(torch_model, all_layers=False)([[int(encoder.padding_idx == 0)] * spans["window"]])
    except Exception as exc:  # any error of the model
        yield (
            f"component {name!r} fails on texts that fill a window of {spans['window']} wordpieces:"
            f" {type(exc).__name__}: {' '.join(str(exc).split())[:200]}",
            f"set window where the model keeps it to what it takes: {_how_to_set(name, 'window')}",
        )


def _how_to_set(name: str, attribute: str) -> str:
    """Return the code that sets an attribute: a model's file has its attributes, and not the config's count."""
    return (
        f"next(n for n in nlp.get_pipe({name.partition('.')[0]!r}).model.walk() if n.name == 'with_strided_spans')"
        f".attrs[{attribute!r}] = …, then nlp.to_disk"
    )


def _part(name: str, component: Mapping[str, Any], pipe: Any) -> CuratedPart:
    return CuratedPart(name, pipe)


def _torch_encoder(model: Model[Any, Any]) -> Any:
    """Return the module of torch with the weights."""
    module = model.shims[0]._model
    return module.curated_encoder.eval()


def _node(model: Model[Any, Any], name: str) -> Model[Any, Any]:
    return next(node for node in model.walk() if node.name == name)


def _listener_layers(layer: Model[Any, Any]) -> tuple[Model[Any, Any], ...] | None:
    return tuple(layer.walk()) if LISTENER_ATTRIBUTE in layer.attrs else None


CURATED = Library(
    package="spacy_curated_transformers",
    factory="curated_transformer",
    config_reasons=_config_reasons,
    model_reasons=_model_reasons,
    part=_part,
    names={
        LAST_LAYER: "spacy_lambda.CuratedLastLayerListener.v1",
        WEIGHTING: "spacy_lambda.CuratedScalarWeightingListener.v1",
        EVERY_LAYER: "spacy_lambda.CuratedLayersListener.v1",
        f"{PREFIX}.ScalarWeight.v1": "spacy_lambda.CuratedScalarWeight.v1",
    },
    listeners=frozenset({LAST_LAYER, WEIGHTING, EVERY_LAYER}),
    listener_layers=_listener_layers,
    private=WrappedTransformers(MODELS),
)
