"""All of a bundle, in order."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from spacy_lambda.artifact.inputs import pipeline_folder
from spacy_lambda.artifact.pack import manifest_of
from spacy_lambda.artifact.verify import folder_digest
from spacy_lambda.bundler.archive import write_zip
from spacy_lambda.bundler.bytecode import compile_tree, find_python
from spacy_lambda.bundler.pins import pin_requirements
from spacy_lambda.bundler.slim import Removal, slim_tree
from spacy_lambda.bundler.target import UNZIPPED_LIMIT, Target
from spacy_lambda.bundler.tree import PIPELINE_FOLDER, make_tree
from spacy_lambda.bundler.wheels import download_wheels, lock_text
from spacy_lambda.errors import BundleError
from spacy_lambda.pipelines import read_meta

__all__ = ["Bundle", "bundle_zip"]

LOCK = "requirements.lock"
MANIFEST = "bundle.json"


@dataclass(frozen=True)
class Bundle:
    """A zip that Lambda takes.

    :param path: The file.
    :param target: Where it runs.
    :param zipped: Its bytes.
    :param unzipped: Bytes of what is in it; Lambda's limit is on these.
    :param pipeline_sha256: Identity of the pipeline's artifact.
    :param parts: Bytes by top-level entry, largest first.
    :param removed: What was left out, and why.
    :param bytecode: Whether byte code is in it; without it, each cold start compiles every module.
    """

    path: Path
    target: Target
    zipped: int
    unzipped: int
    pipeline_sha256: str
    parts: dict[str, int]
    removed: tuple[Removal, ...]
    bytecode: bool


def bundle_zip(
    pipeline: str, out: Path, target: Target, *, on_step: Callable[[str, int, int], None] = lambda *step: None
) -> Bundle:
    """Make a zip of a pipeline and everything it needs; it appears whole or not at all.

    The function's handler is ``spacy_lambda.runtime.handler.handler``, with ``SPACY_LAMBDA_PIPELINE=pipeline``.

    :param pipeline: A folder, an installed package's name, a wheel, a zip or an artifact.
    :param out: The zip's file, or an existing folder for ``LANG_NAME-VERSION-pyXY-ARCH.zip``.
    :param on_step: Told of each step, how many are done and how many there are.
    :raises BundleError: If there is no wheel for the target, or it is larger than Lambda takes.
    :raises LocalLambdaError: If the pipeline requires what is not installed here.
    """
    steps = iter(enumerate(("versions", "wheels", "unpacking", "slimming", "zipping", "done")))

    def step() -> None:
        number, name = next(steps)
        on_step(name, number, 5)

    with pipeline_folder(pipeline) as folder, tempfile.TemporaryDirectory(prefix="spacy-lambda-") as scratch:
        step()
        manifest = manifest_of(folder)
        meta = read_meta(folder / "meta.json")
        pins, ours = pin_requirements(map(str, meta.get("requirements", [])), target)
        step()
        wheels_folder = Path(scratch, "wheels")
        wheels_folder.mkdir()
        wheels = download_wheels(pins, target, wheels_folder)
        step()
        tree = Path(scratch, "tree")
        make_tree(wheels, ours, folder, target, tree)
        step()
        removed = slim_tree(tree, target, language=str(meta.get("lang")))
        digest = folder_digest(tree / PIPELINE_FOLDER, manifest)
        (tree / LOCK).write_text(lock_text(wheels), encoding="ascii")
        facts = {"format_version": 1, "target": asdict(target), "pipeline": manifest.pipeline, "sha256": digest}
        (tree / MANIFEST).write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        python = find_python(target)
        if python is not None:
            compile_tree(tree, python, skip=PIPELINE_FOLDER)
        parts = _parts(tree)
        unzipped = sum(parts.values())
        if unzipped > UNZIPPED_LIMIT:
            raise BundleError(
                f"the bundle has {unzipped:,} bytes, {parts[PIPELINE_FOLDER]:,} of them the pipeline; "
                f"Lambda takes {UNZIPPED_LIMIT:,}",
                remedy="compile the pipeline to int8, or push it to S3 and name its location in SPACY_LAMBDA_PIPELINE",
            )
        step()
        name = f"{manifest.name}-{manifest.version}-py{target.python.replace('.', '')}-{target.arch}.zip"
        path = out / name if out.is_dir() else out
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as beside:
            write_zip(tree, Path(beside, name))
            os.replace(Path(beside, name), path)
        step()
    return Bundle(path, target, path.stat().st_size, unzipped, digest, parts, tuple(removed), python is not None)


def _parts(tree: Path) -> dict[str, int]:
    sizes = {
        entry.name: sum(path.stat().st_size for path in (entry, *entry.rglob("*")) if path.is_file())
        for entry in tree.iterdir()
    }
    return dict(sorted(sizes.items(), key=lambda part: -part[1]))
