"""Survey + encoders -> a compiled pipeline's directory."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from thinc.api import Config

from ..manifest import META_KEY, CompiledMeta
from ..runtime.component import FACTORY, TOKENIZER_FILE
from ..runtime.encoder import Encoder
from ..strict_json import parse_json
from .encode import CompiledEncoder
from .survey import LISTENER, Survey, TransformerPart

__all__ = ["write_meta", "write_pipeline"]

OUR_LISTENER = "spacy_lambda.OnnxListener.v1"
TRAINING_REQUIREMENTS = ("spacy-transformers", "spacy_transformers", "torch", "transformers")


def write_pipeline(survey: Survey, encoders: Mapping[str, CompiledEncoder], meta: CompiledMeta, folder: Path) -> None:
    """Write the compiled pipeline into a new folder.

    Everything but the transformers is copied from the original as it is.

    :param encoders: Encoders by component name.
    :param folder: Must not exist.
    """
    names = {part.name for part in survey.transformers}
    shutil.copytree(
        survey.path,
        folder,
        ignore=lambda directory, entries: names & set(entries) if Path(directory) == survey.path else set(),
    )
    for part in survey.transformers:
        _write_transformer(part, encoders[part.name], folder / part.name)
    _write_config(survey, encoders, folder / "config.cfg")
    write_meta(folder, meta)


def write_meta(folder: Path, meta: CompiledMeta) -> None:
    """Put the ``spacy_lambda`` block into a pipeline's ``meta.json``."""
    path = folder / "meta.json"
    content = parse_json(path.read_text(encoding="utf-8")) if path.exists() else {}
    own = f"spacy-lambda>={version('spacy-lambda')}"
    others = [
        requirement
        for requirement in content.get("requirements", [])
        if not requirement.startswith((*TRAINING_REQUIREMENTS, "spacy-lambda"))
    ]
    content["requirements"] = [*others, own] if meta.encoders else others
    content[META_KEY] = meta.to_dict()
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_transformer(part: TransformerPart, encoder: CompiledEncoder, folder: Path) -> None:
    folder.mkdir()
    Encoder(encoder.model).write(folder)
    (folder / TOKENIZER_FILE).write_text(part.tokenizer.backend_tokenizer.to_str(), encoding="utf-8")


def _write_config(survey: Survey, encoders: Mapping[str, CompiledEncoder], path: Path) -> None:
    config = Config().from_disk(survey.path / "config.cfg", interpolate=False)
    for part in survey.transformers:
        config["components"][part.name] = {
            "factory": FACTORY,
            "get_spans": part.get_spans,
            "window": part.window,
            "stride": part.stride,
            "max_length": part.max_length,
            "width": encoders[part.name].width,
        }
    for component in config.get("components", {}).values():
        _replace_listeners(component)
    config.to_disk(path, interpolate=False)


def _replace_listeners(node: Any) -> None:
    if isinstance(node, dict):
        if node.get("@architectures") == LISTENER:
            node["@architectures"] = OUR_LISTENER
        for value in node.values():
            _replace_listeners(value)
