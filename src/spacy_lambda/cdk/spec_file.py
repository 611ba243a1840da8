"""Specs as a JSON file, the input of the app that ``spacy-lambda eject`` writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .bulk_settings import BulkConfig
from .settings import FunctionConfig
from .source_settings import make_source
from .spec import FunctionSpec, ImageCode, SharedSpec, ZipCode

__all__ = ["read_specs", "write_specs"]


def write_specs(path: Path, functions: Sequence[FunctionSpec], shared: SharedSpec) -> None:
    """Write specs; paths of zips are written as they are."""
    content = {"shared": asdict(shared), "functions": [asdict(one) for one in functions]}
    path.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")


def read_specs(path: Path) -> tuple[list[FunctionSpec], SharedSpec]:
    """Read specs; relative paths of zips start at the file's folder."""
    content = json.loads(path.read_text(encoding="utf-8"))
    functions = [_function(one, path.parent) for one in content["functions"]]
    return functions, SharedSpec(**_with_tuples(content["shared"]))


def _function(values: dict[str, Any], folder: Path) -> FunctionSpec:
    own = _with_tuples(values.pop("config"))
    bulk = BulkConfig(**own["bulk"]) if own.get("bulk") else None
    config = FunctionConfig(**{**own, "sources": tuple(map(make_source, own.get("sources", ()))), "bulk": bulk})
    code, connected = values.pop("code"), values.pop("connected", None)
    is_zip = "path" in code
    return FunctionSpec(
        config=config,
        code=ZipCode(folder / code["path"]) if is_zip else ImageCode(**code),
        connected=None if connected is None else tuple(map(make_source, connected)),
        **_with_tuples(values),
    )


def _with_tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
