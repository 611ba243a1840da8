"""A pipeline's ``config.cfg``, read as spaCy resolves it and without loading anything that it names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from spacy_lambda.core.artifact.safe_paths import name_problem
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.errors import InvalidPipelineError, first_line, shorten

__all__ = ["blocks", "nodes", "parse_config", "read_config", "registered_names"]

OTHERS = frozenset({"code", "config.cfg", "meta.json", "tokenizer", "vocab"})
"""Names next to the components' folders: spaCy's own files and folders, and the pipeline's modules."""

REMEDY = "write the pipeline again with spaCy, or correct its config.cfg"
NO_FOLDER = "cannot be the name of its folder"
RENAME = "rename the component, for example with nlp.rename_pipe, and write the pipeline again"


def read_config(folder: Path) -> dict[str, Any]:
    """Read a pipeline's ``config.cfg`` as spaCy resolves it, with its variables.

    :raises InvalidPipelineError: If it cannot be read, or is not a pipeline's.
    """
    path = folder / "config.cfg"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as exc:
        raise InvalidPipelineError(f"{str(path)!r} cannot be read: {system_reason(exc)}", remedy=REMEDY) from exc
    if text.startswith("\ufeff"):
        raise InvalidPipelineError(
            f"{str(path)!r} begins with a byte order mark, which spaCy cannot read",
            remedy="save it as UTF-8 without a byte order mark",
        )
    return parse_config(text, name=str(path))


def parse_config(text: str, *, name: str) -> dict[str, Any]:
    """Read the text of a ``config.cfg`` as spaCy resolves it.

    :param name: Its name in messages.
    :raises InvalidPipelineError: If it is not a pipeline's.
    """
    from confection import Config

    try:
        config: dict[str, Any] = json.loads(json.dumps(Config().from_str(text, interpolate=True)))
    except Exception as exc:  # the parser's parts raise others too, such as KeyError and RecursionError
        named = next(filter(None, map(_name_problem, _names_in(text))), None)
        if named is not None:
            raise InvalidPipelineError(f"{name!r} is not a pipeline's: {named}", remedy=RENAME) from exc
        message = f"{name!r} does not parse: {type(exc).__name__}: {shorten(first_line(exc), 300)}"
        raise InvalidPipelineError(message, remedy=REMEDY) from exc
    config.setdefault("components", {})
    problem = _config_problem(config)
    if problem is not None:
        raise InvalidPipelineError(
            f"{name!r} is not a pipeline's: {problem}", remedy=RENAME if problem.endswith(NO_FOLDER) else REMEDY
        )
    return config


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every section below a value, however deep, in lists too."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from nodes(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from nodes(value)


def blocks(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the blocks that define a pipeline: ``[nlp]``, and one for each component."""
    return [config.get("nlp", {}), *config.get("components", {}).values()]


def registered_names(block: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the registries and names that a block refers to; its factory is not that of a deeper section."""
    if isinstance(block.get("factory"), str):
        yield "factories", block["factory"]
    for section in nodes(block):
        for key, value in section.items():
            if key.startswith("@") and isinstance(value, str):
                yield key[1:], value


def _config_problem(config: Mapping[str, Any]) -> str | None:
    """Return the reason why it cannot be a pipeline's config."""
    nlp, components = config.get("nlp"), config["components"]
    if not isinstance(nlp, dict):
        return "it has no [nlp] block"
    if not isinstance(components, dict):
        return "[components] is not a block"
    pipeline = nlp.get("pipeline", [])
    if not isinstance(pipeline, list) or not all(isinstance(name, str) for name in pipeline):
        return "[nlp] pipeline is not a list of names"
    named = next(filter(None, map(_name_problem, (*components, *pipeline))), None)
    if named is not None:
        return named
    for name in pipeline:
        if not isinstance(components.get(name), dict):
            return f"[nlp] pipeline names {name!r}, and there is no such block in [components]"
    return None


def _name_problem(name: str) -> str | None:
    """Return the reason why a component cannot have this name. Some systems ignore case."""
    if name.lower() in OTHERS:
        return f"a component is called {name!r}, which is reserved, and {NO_FOLDER}"
    if "/" in name or name_problem(name) is not None:
        return f"a component is called {name[:80]!r}, which {NO_FOLDER}"
    return None


def _names_in(text: str) -> Iterator[str]:
    """Yield the components' names in a config that does not parse: a dot in one of them may be why."""
    for rest in re.findall(r"^\[components\.(.+)\][ \t]*$", text, re.MULTILINE):
        yield rest if rest.startswith(".") or rest.lower() in OTHERS else rest.partition(".")[0]
    for names in re.findall(r"^pipeline[ \t]*=[ \t]*(\[.*\])[ \t]*$", text, re.MULTILINE):
        try:
            yield from (name for name in json.loads(names) if isinstance(name, str))
        except (ValueError, RecursionError):
            continue
