"""The kind of pipeline that a folder holds: compiled, without a transformer, or as it was trained.

Neither the pipeline nor torch is loaded: the config is read as spaCy resolves it, with its variables, and every
function that it names is looked up in the tables below and in the metadata of the packages that are installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from importlib.metadata import entry_points
from pathlib import Path
from shlex import quote
from typing import Any

from spacy_lambda.core.compiled_meta import META_KEY
from spacy_lambda.core.pipeline_meta import read_meta
from spacy_lambda.core.pipelines import resolve_pipeline
from spacy_lambda.errors import CompileError, NotCompiledError
from spacy_lambda.packages.torch_packages import brings_torch
from spacy_lambda.pipeline.config_file import read_config, registered_names

__all__ = [
    "PipelineKind",
    "TorchPart",
    "describe_kind",
    "is_compiled",
    "kind_of",
    "pipeline_kind",
    "require_compiled",
    "require_original",
    "require_without_torch",
    "torch_parts",
]

ONNX_FACTORIES = ("onnx_transformer_*", "onnx_curated_transformer_*")
ONNX_FUNCTIONS = ("spacy_lambda.OnnxTok2VecTransformer.*", "spacy_lambda.CuratedWrappedTransformer.*")
"""Transformers within components' models."""

TORCH_FACTORIES = ("transformer", "curated_transformer", "experimental_coref", "experimental_span_resolver")
TORCH_FUNCTIONS = (
    "spacy-transformers.*",
    "spacy-curated-transformers.*",
    "spacy-experimental.Coref.*",
    "spacy-experimental.SpanResolver.*",
    "spacy-experimental.PairwiseBilinear.*",
    "spacy.TorchBiLSTMEncoder.*",
    "PyTorch*",
    # Models of spacy-llm that run in the process; the others run on a server.
    "spacy.Dolly.*",
    "spacy.Falcon.*",
    "spacy.HuggingFace.*",
    "spacy.Llama*",
    "spacy.Mistral.*",
    "spacy.OpenLLaMA.*",
    "spacy.StableLM.*",
)
"""Registered functions that import torch, whether or not their packages are installed here."""

FACTORIES = "factories"
LIBRARIES = ("spacy", "thinc")
"""Packages add to their registries by entry points of the group ``LIBRARY_REGISTRY``."""


class PipelineKind(StrEnum):
    """The kind of a pipeline.

    A function runs ``compiled`` and ``no-transformer``, which need no torch, and not ``original``.
    """

    COMPILED = "compiled"
    NO_TRANSFORMER = "no-transformer"
    ORIGINAL = "original"


@dataclass(frozen=True)
class TorchPart:
    """One part of a pipeline that needs torch.

    :param component: The component's name; ``nlp`` for the pipeline's own settings.
    :param function: The factory or registered function, as the config names it.
    """

    component: str
    function: str


def pipeline_kind(folder: Path) -> PipelineKind:
    """Read the kind of pipeline that a folder holds.

    :raises InvalidPipelineError: If its ``config.cfg`` or ``meta.json`` is not a pipeline's.
    """
    return kind_of(read_config(folder), read_meta(folder / "meta.json"))


def kind_of(config: Mapping[str, Any], meta: Mapping[str, Any]) -> PipelineKind:
    """Return the kind of a pipeline whose config and ``meta.json`` have been read.

    :param config: Interpolated, see :func:`.config_file.read_config`.
    """
    return PipelineKind.ORIGINAL if torch_parts(config) else _kind_without_torch(config, meta)


def _kind_without_torch(config: Mapping[str, Any], meta: Mapping[str, Any]) -> PipelineKind:
    return PipelineKind.COMPILED if is_compiled(config, meta) else PipelineKind.NO_TRANSFORMER


def is_compiled(config: Mapping[str, Any], meta: Mapping[str, Any]) -> bool:
    """Return whether a compile has written a pipeline, which may have been extended since.

    :param config: Interpolated, see :func:`.config_file.read_config`.
    """
    return META_KEY in meta or _has_onnx_transformer(config)


def describe_kind(kind: PipelineKind, pipeline: str) -> str:
    """Describe a kind in words, with the command that compiles an original.

    :param pipeline: The pipeline's name, as the user gave it.
    """
    if kind is PipelineKind.ORIGINAL:
        return f"{kind}: it needs torch, and no function runs it; compile it: {_how_to_compile(pipeline)}"
    return f"{kind}: it needs no torch" if kind is PipelineKind.NO_TRANSFORMER else kind.value


def require_compiled(folder: Path, *, name: str) -> PipelineKind:
    """Refuse a pipeline that can only fail in a function, which has no torch.

    :param name: The pipeline's name, as the user gave it.
    :returns: Its kind, which is not ``original``.
    :raises NotCompiledError: If a part of it needs torch.
    :raises InvalidPipelineError: If its ``config.cfg`` or ``meta.json`` is not a pipeline's.
    """
    config, meta = read_config(folder), read_meta(folder / "meta.json")
    require_without_torch(config, name=name)
    return _kind_without_torch(config, meta)


def require_without_torch(config: Mapping[str, Any], *, name: str) -> None:
    """Refuse a pipeline that needs torch, by its config.

    :raises NotCompiledError: If a part of the pipeline needs torch.
    """
    parts = torch_parts(config)
    if not parts:
        return
    listed = ", ".join(_by_component(parts))
    if _has_onnx_transformer(config):
        names = ", ".join(dict.fromkeys(repr(part.component) for part in parts))
        raise NotCompiledError(
            f"{name} is compiled, and still has parts that need torch, which no function has: {listed}",
            remedy=f"train {names} without torch, or remove it, and compile the pipeline again",
        )
    raise NotCompiledError(
        f"{name} is not compiled: it has parts that need torch, which no function has: {listed}",
        remedy=f"compile it, and give the result instead: {_how_to_compile(name)}",
    )


def require_original(folder: Path) -> None:
    """Refuse a pipeline that a compile has written: nothing in it is left to compile.

    :raises CompileError: If it is compiled; the error names its original.
    :raises InvalidPipelineError: If its ``config.cfg`` or ``meta.json`` is not a pipeline's.
    """
    meta = read_meta(folder / "meta.json")
    if not is_compiled(read_config(folder), meta):
        return
    block = meta.get(META_KEY)
    known = block if isinstance(block, dict) else {}
    source = f"{known.get('source_name', 'another pipeline')} {known.get('source_version', '')}".strip()
    raise CompileError(
        f"{folder} is compiled already, from {source} at {known.get('precision', 'an unknown precision')}",
        remedy=f"give the original, {source}, to compile it in another way; this one can be bundled as it is",
    )


def _by_component(parts: Iterable[TorchPart]) -> Iterator[str]:
    """Yield each component once, with its factory if that needs torch, else with its functions."""
    functions: dict[str, list[str]] = {}
    for part in parts:
        functions.setdefault(part.component, []).append(part.function)
    for component, names in functions.items():
        factories = [name for name in names if _matches(name, TORCH_FACTORIES)]
        yield f"{component!r} ({', '.join(dict.fromkeys(factories or names))})"


def _how_to_compile(pipeline: str) -> str:
    """Return the shell commands; ``compile`` takes no location, so a stored pipeline is pulled first."""
    if not _is_stored(pipeline):
        return f"spacy-lambda compile {quote(pipeline)} compiled"
    return f"spacy-lambda pull {quote(pipeline)} original && spacy-lambda compile original compiled"


def _is_stored(pipeline: str) -> bool:
    resolved = resolve_pipeline(pipeline)
    return resolved.form in ("stored", "remote") or resolved.location.sha256 is not None


def torch_parts(config: Mapping[str, Any]) -> tuple[TorchPart, ...]:
    """Return the parts of a pipeline that need torch, in the pipeline's order.

    :param config: Interpolated, see :func:`.config_file.read_config`.
    """
    nlp = {key: value for key, value in config["nlp"].items() if key != "pipeline"}
    select = entry_points().select  # reads the metadata of all packages once
    return tuple(
        TorchPart(name, function)
        for name, block in (*_components(config), ("nlp", nlp))
        for registry, function in registered_names(block)
        if _needs_torch(registry, function, select)
    )


def _components(config: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the components that spaCy creates; a block may be left over from a removed one."""
    blocks = config["components"]
    yield from ((name, blocks[name]) for name in config["nlp"].get("pipeline", []))


def _has_onnx_transformer(config: Mapping[str, Any]) -> bool:
    return any(
        _matches(function, ONNX_FACTORIES if registry == FACTORIES else ONNX_FUNCTIONS)
        for _, component in _components(config)
        for registry, function in registered_names(component)
    )


def _needs_torch(registry: str, function: str, select: Callable[..., Any]) -> bool:
    """Return whether a function needs torch, by the tables or the requirements of the package that registers it.

    :param select: Selects entry points of the installed packages.
    """
    if _matches(function, TORCH_FACTORIES if registry == FACTORIES else TORCH_FUNCTIONS):
        return True
    points = (point for library in LIBRARIES for point in select(group=f"{library}_{registry}", name=function))
    return any(point.dist is not None and brings_torch(point.dist.metadata["Name"]) for point in points)


def _matches(name: object, patterns: tuple[str, ...]) -> bool:
    return isinstance(name, str) and any(fnmatchcase(name, pattern) for pattern in patterns)
