"""Original and encoders -> a compiled pipeline's folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import reduce
from importlib.metadata import version
from operator import getitem
from pathlib import Path
from typing import Any

from spacy.util import replace_model_node
from thinc.api import Model

from spacy_lambda.compiler.custom_code import copy_code
from spacy_lambda.compiler.encode import CompiledEncoder
from spacy_lambda.compiler.inspection import Original
from spacy_lambda.compiler.libraries import LIBRARIES, TransformerPart
from spacy_lambda.compiler.library_errors import library_errors
from spacy_lambda.compiler.private_places import models_of
from spacy_lambda.compiler.required_packages import installed_sources
from spacy_lambda.core.compiled_meta import META_KEY, CompiledMeta
from spacy_lambda.core.files import copy_folder
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.pipeline.config_file import nodes
from spacy_lambda.runtime.encoder_output import TRF_DATA

__all__ = ["write_meta", "write_pipeline"]


def write_pipeline(original: Original, encoders: Mapping[str, CompiledEncoder], folder: Path) -> None:
    """Write the compiled pipeline into a new folder.

    Everything but the transformers, the components that have one for themselves, and the config is copied from the
    original as it is.

    :param encoders: Encoders by the transformers' names.
    :param folder: Must not exist.
    """
    replaced = {part.name if part.place is None else part.place.component for part in original.transformers}

    def left_out(source: str, entries: list[str]) -> set[str]:
        # A checkout's .git and the like do not belong to a pipeline.
        at_root = Path(source) == original.path
        return {name for name in entries if at_root and (name in replaced or name.startswith("."))}

    copy_folder(original.path, folder, ignore=left_out)
    is_read = _reads_output(original)
    for part in original.transformers:
        if part.place is None:
            component = _compiled(part, encoders)
            if part.annotates or is_read:
                part.add_outputs(component)
            component.to_disk(folder / part.name)
    for name in dict.fromkeys(part.place.component for part in original.transformers if part.place is not None):
        _write_component(original, name, encoders, folder / name)
    copy_code(original.code, folder)
    _write_config(original, encoders, folder / "config.cfg")


def _compiled(part: TransformerPart, encoders: Mapping[str, CompiledEncoder]) -> Any:
    encoder = encoders[part.name]
    return part.component(encoder.model, encoder.width)


def _write_component(original: Original, name: str, encoders: Mapping[str, CompiledEncoder], folder: Path) -> None:
    """Write a component with compiled layers in the places of its own transformers."""
    component: Any = dict(original.nlp.components)[name]
    layers = [
        (part.place.layer, part.place.transformers.compiled_layer(part.place.layer, _compiled(part, encoders)))
        for part in original.transformers
        if part.place is not None and part.place.component == name
    ]
    try:
        for layer, compiled in layers:
            _replace_layer(component, layer, compiled)
        with library_errors(None, f"component {name!r}"):
            component.to_disk(folder, exclude=["vocab"])
    finally:
        for layer, compiled in layers:
            _replace_layer(component, compiled, layer)


def _replace_layer(component: Any, layer: Model[Any, Any], other: Model[Any, Any]) -> None:
    for model in models_of(component):
        replace_model_node(model, layer, other)
    for attribute, value in list(vars(component).items()) if hasattr(component, "__dict__") else ():
        if value is layer:
            setattr(component, attribute, other)
    if getattr(component, "model", None) is layer:
        component.model = other


def _reads_output(original: Original) -> bool:
    """Return whether the pipeline's code names ``doc._.trf_data``."""
    files = [*original.code.sources(), *installed_sources(original.nlp, original.config)]
    return any(TRF_DATA.encode() in file.read_bytes() for file in files)


def write_meta(folder: Path, meta: CompiledMeta, requirements: Sequence[str]) -> None:
    """Put the ``spacy_lambda`` block into a pipeline's ``meta.json``.

    :param requirements: Requirements of the pipeline in addition to the base install.
    """
    path = folder / "meta.json"
    content = parse_json(path.read_text(encoding="utf-8")) if path.exists() else {}
    own = f"spacy-lambda>={version('spacy-lambda')}"
    content["requirements"] = [*requirements, own] if meta.encoders or meta.code else list(requirements)
    content[META_KEY] = meta.to_dict()
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_config(original: Original, encoders: Mapping[str, CompiledEncoder], path: Path) -> None:
    config = original.config.copy()
    for part in original.transformers:
        width = encoders[part.name].width
        if part.place is None:
            config["components"][part.name] = part.config(width)
        else:
            section = reduce(getitem, part.place.path, config["components"][part.place.component])
            found = part.place.transformers.compiled_section(section, {**part.settings(), "width": width})
            section.clear()
            section.update(found)
    for section in nodes(config["components"]):
        for library in LIBRARIES:
            if section.get("@architectures") in library.names:
                section["@architectures"] = library.names[section["@architectures"]]
    config.to_disk(path, interpolate=False)
