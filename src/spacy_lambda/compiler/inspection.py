"""Inspection of the original: it is loaded, and every part that cannot be compiled is reported at once."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from thinc.api import Config

from spacy_lambda.compiler.libraries import Library, Reason, TransformerPart, library_of
from spacy_lambda.compiler.libraries.spacy_transformers import LISTENER
from spacy_lambda.compiler.library_errors import library_errors
from spacy_lambda.compiler.loaded_pipeline import loaded_config, model_reasons, unregistered, used_components
from spacy_lambda.compiler.own_code import NO_CODE, OwnCode, import_own_code
from spacy_lambda.compiler.required_packages import kept_requirements, needed_by_names, required_names
from spacy_lambda.core.pipeline_meta import read_meta
from spacy_lambda.errors import CompileError, MissingExtraError, UnsupportedPipelineError
from spacy_lambda.pipeline.config_file import nodes, read_config

__all__ = ["Inspection", "Original", "inspect_original", "inspect_parts", "pipeline_requirements"]


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


@dataclass(frozen=True)
class Inspection:
    """Everything that was found in an original.

    :param config: Its config as spaCy resolves it, or as it was read if it was not loaded.
    :param nlp: The pipeline; ``None`` if the config alone shows that it cannot be compiled.
    :param transformers: Its transformers that can be compiled.
    :param reasons: Every reason why the pipeline cannot be compiled.
    """

    config: Config
    nlp: Language | None
    transformers: tuple[TransformerPart, ...]
    reasons: tuple[Reason, ...]


def inspect_original(path: Path, code: OwnCode = NO_CODE) -> Original:
    """Load the original and check that every part of it can be compiled.

    :param path: The pipeline's directory.
    :param code: Its custom modules, which are imported first.
    :raises UnsupportedPipelineError: If parts of it cannot be compiled; the error lists every reason.
    :raises SpacyLambdaError: As :func:`inspect_parts`.
    """
    found = inspect_parts(path, code)
    if found.reasons or found.nlp is None:
        raise UnsupportedPipelineError(list(found.reasons))
    return Original(path, found.nlp, found.config, found.transformers, code)


def inspect_parts(path: Path, code: OwnCode = NO_CODE) -> Inspection:
    """Load the original and collect what can be compiled, and every reason against it.

    Loading a pipeline runs code that it names: inspect only what you trust.

    :param path: The pipeline's directory.
    :param code: Its custom modules, which are imported first.
    :raises CompileError: If the pipeline does not load.
    :raises InvalidPipelineError: If its config cannot be read, or refers to something that is missing.
    :raises MissingExtraError: If it needs a library of transformers that is not installed.
    """
    read = read_config(path)
    reasons = list(_config_reasons(used_components(read)))
    if reasons:
        return Inspection(Config(read), None, (), tuple(reasons))
    for library in _libraries(used_components(read)).values():
        if importlib.util.find_spec(library.package) is None:
            raise MissingExtraError("compile", missing=library.distribution)
        importlib.import_module(library.package)  # it creates registries that the code may use
    import_own_code(code)
    nlp = _load(path, read)
    # Again, with the config as spaCy resolves it: with defaults, and components from other pipelines.
    config = loaded_config(nlp)
    components = config["components"]
    reasons = list(_config_reasons(components))
    if reasons:
        return Inspection(config, nlp, (), tuple(reasons))
    parts: list[TransformerPart] = []
    reasons = list(model_reasons(nlp, components))
    for name, library in _libraries(components).items():
        component: Any = nlp.get_pipe(name) if name in nlp.pipe_names else dict(nlp.components)[name]
        with library_errors(nlp, f"component {name!r}"):
            part_reasons = list(library.model_reasons(name, component))
            reasons += part_reasons
            if not part_reasons:
                parts.append(library.part(name, components[name], component))
    return Inspection(config, nlp, tuple(parts), tuple(reasons))


def pipeline_requirements(original: Original) -> list[str]:
    """Return the requirements of the compiled pipeline in addition to the base install.

    They are the original's own without torch, the packages that register the names in its config, and those that its
    wordpieces need.

    :raises CompileError: If one of the original's is not installed here, or in another version.
    """
    listed = kept_requirements(read_meta(original.path / "meta.json"))
    named = required_names(listed)
    found = needed_by_names(original.nlp, original.config, without=original.code.names)
    found += [one for part in original.transformers for one in part.requirements()]
    return [*listed, *(one for one in dict.fromkeys(found) if not required_names([one]) & named)]


def _libraries(components: Mapping[str, Any]) -> dict[str, Library]:
    """Return the library of each transformer, by the component's name."""
    return {name: library for name, component in components.items() if (library := library_of(component)) is not None}


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
        library = library_of(component)
        if library is not None:
            yield from library.config_reasons(name, component)
        for architecture in _architectures(component):
            if architecture.startswith("spacy-transformers.Tok2VecTransformer."):
                yield (
                    f"component {name!r} has a separate transformer ({architecture})",
                    f"train {name!r} with a shared `transformer` component and {LISTENER}",
                )


def _architectures(node: Any) -> Iterator[str]:
    """Yield every registered architecture named in a component's config, however deep."""
    for section in nodes(node):
        if isinstance(section.get("@architectures"), str):
            yield section["@architectures"]
