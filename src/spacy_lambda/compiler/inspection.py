"""Inspection of the original: it is loaded, and every part that cannot be compiled is reported at once."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from thinc.api import Config

from spacy_lambda.compiler.library_errors import library_errors
from spacy_lambda.compiler.loaded_pipeline import (
    LISTENER,
    Reason,
    loaded_config,
    model_reasons,
    unregistered,
    used_components,
)
from spacy_lambda.compiler.own_code import NO_CODE, OwnCode, import_own_code
from spacy_lambda.compiler.window_limit import window_limit
from spacy_lambda.errors import CompileError, MissingExtraError, UnsupportedPipelineError
from spacy_lambda.pipeline.config_file import nodes, read_config

__all__ = ["Original", "TransformerPart", "inspect_original"]

MODELS = tuple(f"spacy-transformers.TransformerModel.v{i}" for i in (1, 2, 3))
SPAN_GETTERS = {f"spacy-transformers.{name}.v1": name for name in ("strided_spans", "doc_spans", "sent_spans")}
MAX_WINDOW = 1_000_000
NULL_SETTER = "spacy-transformers.null_annotation_setter.v1"


@dataclass(frozen=True)
class TransformerPart:
    """One transformer component of the original.

    :param pipe: The component itself.
    :param model: Its ``PreTrainedModel``.
    :param tokenizer: Its ``PreTrainedTokenizerFast``.
    :param get_spans: Its span getter's name, without namespace and version.
    :param window: Tokens in a window; 0 where the span getter has none.
    :param stride: Tokens from one window to the next; 0 where the span getter has none.
    :param max_length: Wordpieces after which a window is truncated (see :func:`.window_limit.window_limit`).
    """

    name: str
    pipe: Any
    model: Any
    tokenizer: Any
    get_spans: str
    window: int
    stride: int
    max_length: int


@dataclass(frozen=True)
class Original:
    """An original pipeline that can be compiled.

    :param path: Its directory.
    :param nlp: The pipeline, loaded.
    :param config: Its config as spaCy resolves it.
    :param transformers: Its transformers; none for a pipeline of CNNs, which is copied unchanged.
    :param code: Its custom modules.
    """

    path: Path
    nlp: Language
    config: Config
    transformers: tuple[TransformerPart, ...]
    code: OwnCode = NO_CODE


def inspect_original(path: Path, code: OwnCode = NO_CODE) -> Original:
    """Load the original and check that every part of it can be compiled.

    Loading a pipeline runs code that it names: inspect only what you trust.

    :param path: The pipeline's directory.
    :param code: Its custom modules, which are imported first.
    :raises UnsupportedPipelineError: If parts of it cannot be compiled; the error lists every reason.
    :raises CompileError: If the pipeline does not load.
    :raises InvalidPipelineError: If its config cannot be read, or refers to something that is missing.
    :raises MissingExtraError: If it needs spacy-transformers and that is not installed.
    """
    read = read_config(path)
    _refuse(_config_reasons(used_components(read)))
    if _transformers(used_components(read)) and importlib.util.find_spec("spacy_transformers") is None:
        raise MissingExtraError("compile", missing="spacy-transformers")
    import_own_code(code)
    nlp = _load(path, read)
    # Again, with the config as spaCy resolves it: with defaults, and components from other pipelines.
    config = loaded_config(nlp)
    components = config["components"]
    _refuse(_config_reasons(components))
    names = _transformers(components)
    parts: list[TransformerPart] = []
    reasons = list(model_reasons(nlp, components))
    for name in names:
        component: Any = nlp.get_pipe(name) if name in nlp.pipe_names else dict(nlp.components)[name]
        with library_errors(nlp, f"component {name!r}"):
            part_reasons = list(_model_reasons(name, component))
            reasons += part_reasons
            if not part_reasons:
                parts.append(_part(name, components[name], component))
    _refuse(reasons)
    return Original(path, nlp, config, tuple(parts), code)


def _refuse(reasons: Iterable[Reason]) -> None:
    found = list(reasons)
    if found:
        raise UnsupportedPipelineError(found)


def _transformers(components: Mapping[str, Any]) -> list[str]:
    return [name for name, component in components.items() if component.get("factory") == "transformer"]


def _load(path: Path, config: Mapping[str, Any]) -> Language:
    try:
        return spacy.load(path)
    except Exception as exc:  # any exception of user code
        unknown = unregistered(config)
        if unknown:
            raise CompileError(
                f"{path} uses functions that are not registered: {', '.join(unknown)}",
                remedy="give the file that registers it with --code FILE, as to `spacy train`, or install its package",
            ) from exc
        if isinstance(exc, ImportError):
            raise CompileError(
                f"{path} does not load: {' '.join(str(exc).split())}", remedy="install the package that is missing"
            ) from exc
        raise CompileError(
            f"{path} does not load: {type(exc).__name__}: {exc}",
            remedy="make `spacy.load` work on it first: install its requirements, with the versions in its meta.json",
        ) from exc


def _config_reasons(components: Mapping[str, Any]) -> Iterator[Reason]:
    for name, component in components.items():
        if component.get("factory") == "transformer":
            yield from _transformer_config_reasons(name, component)
        elif component.get("factory") == "curated_transformer":
            yield (
                f"component {name!r} is a curated transformer",
                f"train {name!r} with spacy-transformers' `transformer` factory",
            )
        for architecture in _architectures(component):
            if architecture.startswith("spacy-transformers.Tok2VecTransformer."):
                yield (
                    f"component {name!r} has a separate transformer ({architecture})",
                    f"train {name!r} with a shared `transformer` component and {LISTENER}",
                )


def _transformer_config_reasons(name: str, component: Mapping[str, Any]) -> Iterator[Reason]:
    model = component.get("model", {})
    architecture = model.get("@architectures")
    if architecture not in MODELS:
        yield (
            f"component {name!r} has the model {architecture!r}",
            f"train it with {MODELS[-1]}",
        )
    getter = model.get("get_spans", {}).get("@span_getters")
    if getter not in SPAN_GETTERS:
        yield (
            f"component {name!r} cuts texts with {getter!r}",
            f"train it with one of {', '.join(SPAN_GETTERS)}",
        )
    elif SPAN_GETTERS[getter] == "strided_spans":
        yield from _window_reasons(name, model["get_spans"])
    setter = component.get("set_extra_annotations", {}).get("@annotation_setters", NULL_SETTER)
    if setter != NULL_SETTER:
        yield (
            f"component {name!r} sets extra annotations with {setter!r}",
            f"set {NULL_SETTER} in its config: there is no torch output to annotate from",
        )


def _window_reasons(name: str, spans: Mapping[str, Any]) -> Iterator[Reason]:
    """Yield invalid settings of windows: spaCy silently converts them to integers, and never ends on steps of 0."""
    for setting in ("window", "stride"):
        value = spans.get(setting)
        if type(value) is not int or not 1 <= value <= MAX_WINDOW:
            yield (
                f"component {name!r} has {setting} = {json.dumps(value)} in its get_spans",
                f"set {setting} in [components.{name}.model.get_spans] of its config.cfg to a whole number of tokens"
                f" from 1 to {MAX_WINDOW}, as it was trained",
            )


def _model_reasons(name: str, component: Any) -> Iterator[Reason]:
    if not all(hasattr(getattr(component, "model", None), part) for part in ("tokenizer", "transformer")):
        yield (
            f"component {name!r} is a {type(component).__name__}, not spacy-transformers' Transformer",
            "train it with spacy-transformers' own `transformer` factory",
        )
        return
    tokenizer, transformer = component.model.tokenizer, component.model.transformer
    if not tokenizer.is_fast:
        yield (
            f"component {name!r} has the slow tokenizer {type(tokenizer).__name__}",
            'train it with tokenizer_config = {"use_fast": true}, and a model that has a fast tokenizer',
        )
        return
    if tokenizer.padding_side != "right":
        yield (
            f"component {name!r}'s tokenizer pads on the {tokenizer.padding_side}",
            'train it with "padding_side": "right" in tokenizer_config',
        )
    types = {str(p.dtype) for p in transformer.parameters() if p.is_floating_point()} - {"torch.float32"}
    if types:
        yield (
            f"component {name!r} computes in {', '.join(sorted(types))}",
            "convert it: nlp.get_pipe(NAME).model.transformer.float(), torch_dtype = None in its config, nlp.to_disk",
        )
    if any(tokenizer("a text", return_token_type_ids=True)["token_type_ids"]):
        yield (
            f"component {name!r}'s tokenizer gives single texts token types other than 0",
            "use a model that does not, such as BERT, RoBERTa, DistilBERT or MPNet",
        )
    if getattr(transformer.config, "is_encoder_decoder", False):
        yield (
            f"component {name!r} is an encoder-decoder model ({transformer.config.model_type})",
            "use an encoder such as BERT, RoBERTa or DistilBERT",
        )


def _part(name: str, component: Mapping[str, Any], pipe: Any) -> TransformerPart:
    model = pipe.model
    spans = component["model"]["get_spans"]
    return TransformerPart(
        name=name,
        pipe=pipe,
        model=model.transformer.eval(),
        tokenizer=model.tokenizer,
        get_spans=SPAN_GETTERS[spans["@span_getters"]],
        window=spans.get("window", 0),
        stride=spans.get("stride", 0),
        max_length=window_limit(name, model),
    )


def _architectures(node: Any) -> Iterator[str]:
    """Yield every registered architecture named in a component's config, however deep."""
    for section in nodes(node):
        if isinstance(section.get("@architectures"), str):
            yield section["@architectures"]
