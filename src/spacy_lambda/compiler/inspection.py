"""Inspection of the original: its config, then the loaded pipeline, each of which reports all of its faults at once."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from thinc.api import Config

from spacy_lambda.compiler.custom_code import NO_CUSTOM_CODE, CustomCode, import_custom_code
from spacy_lambda.compiler.libraries import Library, Reason, TransformerPart, library_of
from spacy_lambda.compiler.libraries.private import Place
from spacy_lambda.compiler.library_errors import library_errors
from spacy_lambda.compiler.loaded_pipeline import loaded_config, model_reasons, unregistered, used_components
from spacy_lambda.compiler.private_places import find_places, private_sections
from spacy_lambda.compiler.required_packages import kept_requirements, needed_by_names, required_names
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.core.pipeline_meta import read_meta
from spacy_lambda.errors import CompileError, MissingExtraError, UnsupportedPipelineError
from spacy_lambda.pipeline.config_file import read_config

__all__ = ["Inspection", "Original", "inspect_original", "inspect_parts", "pipeline_requirements"]


@dataclass(frozen=True)
class Original:
    """An original pipeline that can be compiled.

    :param path: Its folder.
    :param nlp: The pipeline, loaded.
    :param config: Its config as spaCy resolves it.
    :param transformers: Its transformers; none for a pipeline of CNNs, which is copied unchanged.
    :param code: Its custom modules.
    """

    path: Path
    nlp: Language
    config: Config
    transformers: tuple[TransformerPart, ...]
    code: CustomCode = NO_CUSTOM_CODE


@dataclass(frozen=True)
class Inspection:
    """Everything that was found in an original.

    :param config: Its config as spaCy resolves it, or as it was read if it was not loaded.
    :param nlp: The pipeline; ``None`` if the config alone shows that it cannot be compiled.
    :param transformers: Its transformers that can be compiled.
    :param reasons: The reasons why the pipeline cannot be compiled: those in its config, or those in its models.
    """

    config: Config
    nlp: Language | None
    transformers: tuple[TransformerPart, ...]
    reasons: tuple[Reason, ...]


def inspect_original(path: Path, code: CustomCode = NO_CUSTOM_CODE) -> Original:
    """Load the original and check that every part of it can be compiled.

    :param path: The pipeline's folder.
    :param code: Its custom modules, which are imported first.
    :raises UnsupportedPipelineError: If parts of it cannot be compiled; the error lists the reasons.
    :raises SpacyLambdaError: As :func:`inspect_parts`.
    """
    found = inspect_parts(path, code)
    if found.reasons or found.nlp is None:
        raise UnsupportedPipelineError(list(found.reasons))
    return Original(path, found.nlp, found.config, found.transformers, code)


def inspect_parts(path: Path, code: CustomCode = NO_CUSTOM_CODE) -> Inspection:
    """Load the original and collect what can be compiled, and the reasons why the rest cannot.

    The reasons are all those that the config shows. Only if it shows none are the models inspected, because a
    component that is not supported may not load.

    Loading a pipeline runs code that it names: inspect only what you trust.

    :param path: The pipeline's folder.
    :param code: Its custom modules, which are imported first.
    :raises CompileError: If the pipeline does not load.
    :raises InvalidPipelineError: If its config cannot be read, or refers to something that is missing.
    :raises MissingExtraError: If it needs a library of transformers that is not installed.
    """
    read = read_config(path)
    reasons = list(_config_reasons(used_components(read)))
    if reasons:
        return Inspection(Config(read), None, (), tuple(reasons))
    for library in _used_libraries(used_components(read)):
        if importlib.util.find_spec(library.package) is None:
            raise MissingExtraError("compile", missing=library.distribution)
        importlib.import_module(library.package)  # it creates registries that the code may use
    import_custom_code(code)
    nlp = _load(path, read)
    # Again, with the config as spaCy resolves it: with defaults, and components from other pipelines.
    config = loaded_config(nlp)
    components = config["components"]
    reasons = list(_config_reasons(components))
    if reasons:
        return Inspection(config, nlp, (), tuple(reasons))
    reasons = list(model_reasons(nlp, components))
    parts: list[TransformerPart] = []
    for name, place, library, section, component in _transformers(nlp, components):
        with library_errors(nlp, f"component {name!r}"):
            part_reasons = list(library.model_reasons(name, component))
            reasons += part_reasons
            if not part_reasons:
                part = library.part(name, section, component)
                part.place = place
                parts.append(part)
    reasons += _order_reasons(parts)
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


def _transformers(
    nlp: Language, components: Mapping[str, Any]
) -> Iterator[tuple[str, Place | None, Library, Mapping[str, Any], Any]]:
    """Yield each transformer's name, place, library and config, and the component that runs it."""
    loaded = dict(nlp.components)
    for name, section in components.items():
        library = library_of(section)
        if library is not None:
            yield name, None, library, section, loaded[name]
    for library, place, section in find_places(nlp, components):
        component = place.transformers.component(place.layer, nlp.vocab, place.name)
        yield place.name, place, library, {"model": section}, component


def _order_reasons(parts: Sequence[TransformerPart]) -> Iterator[Reason]:
    """Yield the components whose transformers may have been taken for one another."""
    settings: dict[str, dict[str, Any]] = {}
    for part in parts:
        if part.place is not None and settings.setdefault(part.place.component, part.settings()) != part.settings():
            yield (
                f"component {part.place.component!r} has several transformers of its own, with different windows",
                "give them the same get_spans, or listen to shared transformers instead",
            )


def _used_libraries(components: Mapping[str, Any]) -> Iterator[Library]:
    """Yield the library of each transformer."""
    for component in components.values():
        library = library_of(component)
        if library is not None:
            yield library
        yield from (library for library, *_ in private_sections(component))


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
        if isinstance(exc, OSError) and exc.filename is not None:
            raise CompileError(
                f"{path} does not load: {exc.filename}: {system_reason(exc)}",
                remedy="check that this file exists, and its permissions",
            ) from exc
        if isinstance(exc, UnicodeDecodeError):
            raise CompileError(
                f"{path} does not load: {system_reason(exc)}", remedy="write the pipeline again"
            ) from exc
        raise CompileError(
            f"{path} does not load: {type(exc).__name__}: {exc}",
            remedy="make `spacy.load` work on it first: install its requirements, with the versions in its meta.json",
        ) from exc


def _config_reasons(components: Mapping[str, Any]) -> Iterator[Reason]:
    for name, component in components.items():
        library = library_of(component)
        if library is not None:
            yield from library.config_reasons(name, component.get("model", {}), f"components.{name}.model")
        for library, path, section in private_sections(component):
            place = ".".join(map(str, (name, *path)))
            yield from library.config_reasons(place, section, f"components.{place}")
