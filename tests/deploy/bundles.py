"""Bundles that are built once: those of one pipeline with the same options have the same bytes."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from spacy_lambda.bundler.assemble import Assembled
from spacy_lambda.bundler.build import Bundle
from spacy_lambda.bundler.target import Target
from spacy_lambda.core.artifact.pack import manifest_of
from spacy_lambda.core.pipelines import find_pipeline
from tests.bundler.installed import without_wheels
from tests.locks import exclusive, shared_folder

Assemble = Callable[..., AbstractContextManager[Assembled]]


def built_once(
    build: Callable[..., Bundle], temporary: Path, *, complete: Collection[str] = ()
) -> Callable[..., Bundle]:
    """Return the function with the zips that it has built before, in this process or another one of the run.

    :param temporary: A folder of pytest's; the zips are kept above it.
    :param complete: Versions of the pipeline whose zips have all wheels.
    """
    kept = shared_folder(temporary) / "bundles"

    def copy_of(pipeline: str, out: Path, options: Any, **progress: Any) -> Bundle:
        if options.package_type == "image":
            return build(pipeline, out, options, **progress)
        # Neither the engine of an image nor the choice of a zip, where it fits, makes another zip.
        wheels = manifest_of(find_pipeline(pipeline)).version in complete
        key = _key(pipeline, (replace(options, engine=None, package_type="zip"), wheels))
        pickled = kept / key / "bundle.pickle"
        with exclusive(f"bundle-{key}"), nullcontext() if wheels else without_wheels():
            if not pickled.exists():
                pickled.parent.mkdir(parents=True, exist_ok=True)
                pickled.write_bytes(pickle.dumps(build(pipeline, pickled.parent, options, **progress)))
        made: Bundle = pickle.loads(pickled.read_bytes())
        return replace(made, path=Path(shutil.copy(made.path, out / made.path.name)))

    return copy_of


def assembled_once(assemble: Assemble, folder: Path) -> Assemble:
    """Return the function with the folders that it has assembled before; images are built from each.

    :param folder: The folder that keeps them.
    """
    kept: dict[str, Assembled] = {}

    @contextmanager
    def copy_of(pipeline: str, target: Target, on_step: Callable[[str], None], **options: Any) -> Iterator[Assembled]:
        key = _key(pipeline, target)
        if key not in kept:
            with assemble(pipeline, target, on_step, **options) as made:
                kept[key] = replace(made, tree=Path(shutil.move(made.tree, folder / key)))
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            tree = shutil.copytree(kept[key].tree, Path(scratch, "tree"), copy_function=os.link)
            yield replace(kept[key], tree=tree)

    return copy_of


def _key(pipeline: str, options: object) -> str:
    contents = manifest_of(find_pipeline(pipeline)).to_bytes() + repr(options).encode()
    return hashlib.sha256(contents).hexdigest()
