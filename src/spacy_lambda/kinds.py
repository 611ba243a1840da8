"""The kind of pipeline that a folder holds: compiled, without a transformer, or as it was trained.

Neither the pipeline nor torch is loaded: the config is read as spaCy resolves it, with its variables, and every
function that it names is looked up in the tables below and in the metadata of the packages that are installed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from importlib.metadata import PackageNotFoundError, distribution, entry_points
from pathlib import Path
from shlex import quote
from typing import Any

from .artifact.names import unsafe_name
from .errors import InvalidPipelineError, NotCompiledError
from .manifest import META_KEY
from .pipelines import read_meta

__all__ = [
    "PipelineKind",
    "TorchPart",
    "described",
    "kind_of",
    "parse_config",
    "pipeline_kind",
    "read_config",
    "require_compiled",
    "require_without_torch",
    "torch_parts",
]

OUR_FACTORIES = ("onnx_transformer_*",)
TORCH_FACTORIES = ("transformer", "curated_transformer", "experimental_coref", "experimental_span_resolver")
TORCH_FUNCTIONS = (
    "spacy-transformers.*",
    "spacy-curated-transformers.*",
    "spacy-experimental.Coref.*",
    "spacy-experimental.SpanResolver.*",
    "spacy-experimental.PairwiseBilinear.*",
    "spacy.TorchBiLSTMEncoder.*",
    "PyTorch*",
    # Models of spacy-llm that run in the process; the others are asked over the network.
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
"""Whose registries packages add to, by entry points of the group ``LIBRARY_REGISTRY``."""

OTHERS = frozenset({"code", "config.cfg", "meta.json", "tokenizer", "vocab"})
"""What lies beside the components' folders: spaCy's own files and folders, and the pipeline's modules."""

REMEDY = "write the pipeline again with spaCy, or correct its config.cfg"
NO_FOLDER = "cannot be the name of its folder"
RENAME = "rename the component, for example with nlp.rename_pipe, and write the pipeline again"


class PipelineKind(StrEnum):
    """What a pipeline is to a function.

    ``compiled`` and ``no-transformer`` run without torch; ``original`` does not.
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

    def __str__(self) -> str:
        return f"{self.component!r} ({self.function})"


def pipeline_kind(folder: Path) -> PipelineKind:
    """Read which kind of pipeline a folder holds.

    :raises InvalidPipelineError: If its ``config.cfg`` or ``meta.json`` is not a pipeline's.
    """
    return kind_of(read_config(folder), read_meta(folder / "meta.json"))


def kind_of(config: Mapping[str, Any], meta: Mapping[str, Any]) -> PipelineKind:
    """The same for a config and a ``meta.json`` that were read before.

    :param config: Interpolated, see :func:`read_config`.
    """
    if torch_parts(config):
        return PipelineKind.ORIGINAL
    if META_KEY in meta or _has_ours(config):
        return PipelineKind.COMPILED
    return PipelineKind.NO_TRANSFORMER


def described(kind: PipelineKind, pipeline: str) -> str:
    """A kind, for people.

    :param pipeline: How the user named the pipeline.
    """
    if kind is PipelineKind.ORIGINAL:
        return f"{kind}: it needs torch, and no function runs it; compile it: {_how_to_compile(pipeline)}"
    return f"{kind}: it needs no torch" if kind is PipelineKind.NO_TRANSFORMER else kind.value


def require_compiled(folder: Path, *, name: str) -> PipelineKind:
    """Refuse a pipeline that can only fail in a function, because torch will not be there.

    :param name: How the user named the pipeline.
    :returns: Its kind, which is not ``original``.
    :raises NotCompiledError: If a part of it needs torch.
    :raises InvalidPipelineError: If its ``config.cfg`` or ``meta.json`` is not a pipeline's.
    """
    config, meta = read_config(folder), read_meta(folder / "meta.json")
    require_without_torch(config, name=name)
    return kind_of(config, meta)


def require_without_torch(config: Mapping[str, Any], *, name: str) -> None:
    """The same for a config that was read before.

    :raises NotCompiledError: If a part of the pipeline needs torch.
    """
    parts = torch_parts(config)
    if not parts:
        return
    told = ", ".join(dict.fromkeys(map(str, parts)))
    if _has_ours(config):
        names = ", ".join(dict.fromkeys(repr(part.component) for part in parts))
        raise NotCompiledError(
            f"{name} is compiled, and still has parts that need torch, which no function has: {told}",
            remedy=f"train {names} without torch, or remove it, and compile the pipeline again",
        )
    raise NotCompiledError(
        f"{name} is not compiled: it has parts that need torch, which no function has: {told}",
        remedy=f"compile it, and give the result instead: {_how_to_compile(name)}",
    )


def _how_to_compile(pipeline: str) -> str:
    """Commands for a shell; what is in a store is fetched first, for ``compile`` takes no location."""
    if not _is_stored(pipeline):
        return f"spacy-lambda compile {quote(pipeline)} compiled"
    return f"spacy-lambda pull {quote(pipeline)} original && spacy-lambda compile original compiled"


def _is_stored(pipeline: str) -> bool:
    path = Path(pipeline)
    if path.is_file() or (path / "config.cfg").is_file():
        return False
    return any(mark in pipeline for mark in ("://", "@", "#")) or (path / "refs").is_dir()


def read_config(folder: Path) -> dict[str, Any]:
    """Read a pipeline's ``config.cfg`` as spaCy resolves it, with its variables.

    :raises InvalidPipelineError: If it cannot be read, or is not a pipeline's.
    """
    path = folder / "config.cfg"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as exc:
        raise InvalidPipelineError(f"{str(path)!r} cannot be read: {exc}", remedy=REMEDY) from exc
    return parse_config(text, name=str(path))


def parse_config(text: str, *, name: str) -> dict[str, Any]:
    """The same for the text of a ``config.cfg``.

    :param name: How messages call it.
    :raises InvalidPipelineError: If it is not a pipeline's.
    """
    from confection import Config

    try:
        config: dict[str, Any] = json.loads(json.dumps(Config().from_str(text, interpolate=True)))
    except Exception as exc:  # the parser raises what its own parts raise, such as KeyError and RecursionError
        named = next(filter(None, map(_wrong_name, _names_in(text))), None)
        if named is not None:
            raise InvalidPipelineError(f"{name!r} is not a pipeline's: {named}", remedy=RENAME) from exc
        first = next(iter(str(exc).strip().splitlines()), "")
        raise InvalidPipelineError(
            f"{name!r} does not parse: {type(exc).__name__}: {first[:300]}", remedy=REMEDY
        ) from exc
    config.setdefault("components", {})
    wrong = _wrong(config)
    if wrong is not None:
        raise InvalidPipelineError(
            f"{name!r} is not a pipeline's: {wrong}", remedy=RENAME if wrong.endswith(NO_FOLDER) else REMEDY
        )
    return config


def torch_parts(config: Mapping[str, Any]) -> tuple[TorchPart, ...]:
    """The parts of a pipeline that need torch, in the pipeline's order.

    :param config: Interpolated, see :func:`read_config`.
    """
    nlp = {key: value for key, value in config["nlp"].items() if key != "pipeline"}
    return tuple(
        TorchPart(name, function)
        for name, block in (*_components(config), ("nlp", nlp))
        for registry, function in _functions(block)
        if _needs_torch(registry, function)
    )


def _wrong(config: Mapping[str, Any]) -> str | None:
    """Why it cannot be a pipeline's config."""
    nlp, components = config.get("nlp"), config["components"]
    if not isinstance(nlp, dict):
        return "it has no [nlp] block"
    if not isinstance(components, dict):
        return "[components] is not a block"
    pipeline = nlp.get("pipeline", [])
    if not isinstance(pipeline, list) or not all(isinstance(name, str) for name in pipeline):
        return "[nlp] pipeline is not a list of names"
    named = next(filter(None, map(_wrong_name, (*components, *pipeline))), None)
    if named is not None:
        return named
    for name in pipeline:
        if not isinstance(components.get(name), dict):
            return f"[nlp] pipeline names {name!r}, and there is no such block in [components]"
    return None


def _wrong_name(name: str) -> str | None:
    """Why a component cannot be called so. Some systems ignore case."""
    if name.lower() in OTHERS:
        return f"a component is called {name!r}, which is kept for something else, and {NO_FOLDER}"
    if "/" in name or unsafe_name(name) is not None:
        return f"a component is called {name[:80]!r}, which {NO_FOLDER}"
    return None


def _names_in(text: str) -> Iterator[str]:
    """The components' names in a config that does not parse: a dot in one of them may be why."""
    for rest in re.findall(r"^\[components\.(.+)\][ \t]*$", text, re.MULTILINE):
        yield rest if rest.startswith(".") or rest.lower() in OTHERS else rest.partition(".")[0]
    for names in re.findall(r"^pipeline[ \t]*=[ \t]*(\[.*\])[ \t]*$", text, re.MULTILINE):
        try:
            yield from (name for name in json.loads(names) if isinstance(name, str))
        except (ValueError, RecursionError):
            continue


def _components(config: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The components that spaCy creates; a block may be left over from one that was removed."""
    blocks = config["components"]
    yield from ((name, blocks[name]) for name in config["nlp"].get("pipeline", []))


def _has_ours(config: Mapping[str, Any]) -> bool:
    return any(_matches(component.get("factory"), OUR_FACTORIES) for _, component in _components(config))


def _functions(node: Any, *, top: bool = True) -> Iterator[tuple[str, str]]:
    """The factory of a block and every registered function in it, however deep: registry and name."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if isinstance(value, str) and key.startswith("@"):
                yield key.removeprefix("@"), value
            elif isinstance(value, str) and top and key == "factory":
                yield FACTORIES, value
            else:
                yield from _functions(value, top=False)
    elif isinstance(node, list):
        for value in node:
            yield from _functions(value, top=False)


def _needs_torch(registry: str, function: str) -> bool:
    """By the tables, or by what the package that registers it here requires."""
    if _matches(function, TORCH_FACTORIES if registry == FACTORIES else TORCH_FUNCTIONS):
        return True
    points = (point for library in LIBRARIES for point in entry_points(group=f"{library}_{registry}", name=function))
    return any(point.dist is not None and _requires_torch(point.dist.metadata["Name"]) for point in points)


def _matches(name: object, patterns: tuple[str, ...]) -> bool:
    return isinstance(name, str) and any(fnmatchcase(name, pattern) for pattern in patterns)


def _requires_torch(name: str) -> bool:
    """Whether torch is among what an installed distribution requires, directly or not."""
    from packaging.requirements import InvalidRequirement, Requirement

    seen, waiting = set[str](), [name]
    while waiting:
        wanted = waiting.pop().lower().replace("_", "-")
        if wanted == "torch":
            return True
        if wanted in seen:
            continue
        seen.add(wanted)
        try:
            requirements = [Requirement(text) for text in distribution(wanted).requires or ()]
        except (PackageNotFoundError, InvalidRequirement):
            continue
        waiting += [one.name for one in requirements if one.marker is None or one.marker.evaluate({"extra": ""})]
    return False
