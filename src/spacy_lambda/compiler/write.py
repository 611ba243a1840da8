"""Original and encoders -> a compiled pipeline's directory."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from spacy_lambda.compiler.encode import CompiledEncoder
from spacy_lambda.compiler.inspection import Original
from spacy_lambda.compiler.libraries import LIBRARIES
from spacy_lambda.compiler.own_code import copy_code
from spacy_lambda.compiler.required_packages import installed_sources
from spacy_lambda.core.compiled_meta import META_KEY, CompiledMeta
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.pipeline.config_file import nodes
from spacy_lambda.runtime.encoder_output import TRF_DATA

__all__ = ["write_meta", "write_pipeline"]


def write_pipeline(original: Original, encoders: Mapping[str, CompiledEncoder], folder: Path) -> None:
    """Write the compiled pipeline into a new folder.

    Everything but the transformers and the config is copied from the original as it is.

    :param encoders: Encoders by component name.
    :param folder: Must not exist.
    """
    replaced = {part.name for part in original.transformers}

    def left_out(directory: str, entries: list[str]) -> set[str]:
        # A checkout's .git and the like do not belong to a pipeline.
        at_root = Path(directory) == original.path
        return {name for name in entries if at_root and (name in replaced or name.startswith("."))}

    shutil.copytree(original.path, folder, ignore=left_out)
    is_read = _reads_output(original)
    for part in original.transformers:
        encoder = encoders[part.name]
        component = part.component(encoder.model, encoder.width)
        if part.annotates or is_read:
            component = part.with_outputs(component)
        component.to_disk(folder / part.name)
    copy_code(original.code, folder)
    _write_config(original, encoders, folder / "config.cfg")


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
        config["components"][part.name] = part.config(encoders[part.name].width)
    for section in nodes(config["components"]):
        for library in LIBRARIES:
            if section.get("@architectures") in library.names:
                section["@architectures"] = library.names[section["@architectures"]]
    config.to_disk(path, interpolate=False)
