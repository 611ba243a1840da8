"""Bundles that are built once: those of one pipeline with the same options have the same bytes."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from spacy_lambda.bundler import Bundle
from spacy_lambda.core.artifact.pack import manifest_of


def built_once(build: Callable[..., Bundle], folder: Path) -> Callable[..., Bundle]:
    """Return the function with the zips that it has built before.

    :param folder: Where they are kept.
    """
    kept: dict[str, Bundle] = {}

    def copy_of(pipeline: str, out: Path, options: Any, **progress: Any) -> Bundle:
        if options.package_type == "image":
            return build(pipeline, out, options, **progress)
        contents = manifest_of(Path(pipeline)).to_bytes() + repr(options).encode()
        key = hashlib.sha256(contents).hexdigest()
        if key not in kept:
            (folder / key).mkdir(parents=True)
            kept[key] = build(pipeline, folder / key, options, **progress)
        copied = shutil.copy(kept[key].path, out / kept[key].path.name)
        return replace(kept[key], path=Path(copied))

    return copy_of
