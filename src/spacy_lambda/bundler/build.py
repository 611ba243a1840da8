"""All of a bundle, in order."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from spacy_lambda.bundler.archive import write_zip
from spacy_lambda.bundler.assemble import Assembled, assemble
from spacy_lambda.bundler.image.build import BuiltImage, build_image
from spacy_lambda.bundler.image.context import aws_base
from spacy_lambda.bundler.image.engines import Engine, find_engine
from spacy_lambda.bundler.licences import Component
from spacy_lambda.bundler.metadata import PIPELINE_FOLDER, Facts, write_facts
from spacy_lambda.bundler.package_type import Choice, choose_shape
from spacy_lambda.bundler.proof import Proof
from spacy_lambda.bundler.slim import Removal
from spacy_lambda.bundler.target import UNZIPPED_LIMIT, Target
from spacy_lambda.core.files import file_sizes
from spacy_lambda.core.pipelines import BUNDLE_FACTS, path_in

__all__ = ["NO_ENGINE", "Bundle", "Options", "make_bundle"]

NO_ENGINE = "none"
STEPS = ("versions", "wheels", "unpacking", "slimming", "asking", "writing")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a bundle should be.

    :param target: Where it runs.
    :param shape: ``zip``, ``image``, or ``auto``: a zip if it fits.
    :param fetch: Leave the pipeline in its store; the function fetches it during init.
    :param base: What an image is built on; without it, AWS's own base for the target's Python.
    :param engine: What builds an image; without it, what is here; :data:`NO_ENGINE` for the image's folder alone.
    """

    target: Target = field(default_factory=Target)
    shape: str = "auto"
    fetch: bool = False
    base: str | None = None
    engine: str | None = None


@dataclass(frozen=True)
class Bundle:
    """What Lambda takes.

    :param path: The zip, or the image's folder.
    :param shape: Which of them.
    :param reason: Why.
    :param target: Where it runs.
    :param zipped: Bytes of the zip; nothing for an image.
    :param unzipped: Bytes of what is in it; Lambda's limit for a zip is on these.
    :param location: The pipeline: the folder in the bundle, or a location that is fetched from during init.
    :param pipeline_sha256: Identity of the pipeline's artifact.
    :param sizes: Bytes by file.
    :param components: The distributions in it, with their licences.
    :param removed: What was left out, and why.
    :param bytecode: Whether byte code is in it; without it, each cold start compiles every module.
    :param image: What was built.
    :param proof: How it was tried.
    """

    path: Path
    shape: Literal["zip", "image"]
    reason: str
    target: Target
    zipped: int | None
    unzipped: int
    location: str
    pipeline_sha256: str
    sizes: dict[str, int]
    components: tuple[Component, ...]
    removed: tuple[Removal, ...]
    bytecode: bool
    image: BuiltImage | None
    proof: Proof


def make_bundle(
    pipeline: str,
    out: Path,
    options: Options = Options(),
    *,
    on_step: Callable[[str, int, int], None] = lambda *step: None,
) -> Bundle:
    """Make what Lambda takes of a pipeline and everything it needs; it appears whole or not at all.

    The function's handler is ``spacy_lambda.runtime.handler.handler``; where the pipeline is, the bundle says.

    :param pipeline: A folder, an installed package's name, a wheel, a zip, an artifact, or a location in a store.
    :param out: The zip's file or the image's folder; or an existing folder for ``LANG_NAME-VERSION-pyXY-ARCH.zip``
        or ``...-image``.
    :param on_step: Told of each step, how many are done and how many there are.
    :raises BundleError: If there is no wheel for the target, it is too large for Lambda, no image can be built, or the
        pipeline does not answer with what is in it.
    :raises InvalidPipelineError: If its ``meta.json`` or ``config.cfg`` is not a pipeline's.
    :raises NotCompiledError: If it needs torch.
    :raises RequirementError: If the pipeline requires what is not installed here.
    :raises StoreError: If the store cannot be reached, or has no such pipeline.
    """

    def step(name: str) -> None:
        on_step(name, STEPS.index(name), len(STEPS))

    with assemble(pipeline, options.target, step) as assembled:
        in_pipeline = sum(file_sizes(assembled.tree / PIPELINE_FOLDER).values())
        choice = choose_shape(
            options.shape,
            code=sum(file_sizes(assembled.tree).values()) - in_pipeline,
            pipeline=in_pipeline,
            location=assembled.location,
            fetch=options.fetch,
            limit=UNZIPPED_LIMIT,
        )
        engine = None
        if choice.shape == "image" and options.engine != NO_ENGINE:
            engine = find_engine(options.engine)
        step("writing")
        bundle = _write(assembled, choice, out, options.base or aws_base(options.target), engine)
    on_step("done", len(STEPS), len(STEPS))
    return bundle


def _write(assembled: Assembled, choice: Choice, out: Path, base: str, engine: Engine | None) -> Bundle:
    location = PIPELINE_FOLDER
    if choice.fetched and assembled.location is not None:
        location = assembled.location
        shutil.rmtree(assembled.tree / PIPELINE_FOLDER)
    facts = Facts(assembled.target, location, assembled.sha256, assembled.manifest.pipeline)
    write_facts(facts, assembled.tree)
    (assembled.tree / BUNDLE_FACTS).chmod(0o644)
    sizes = file_sizes(assembled.tree)
    image = None
    if choice.shape == "zip":
        path = _zip(assembled, out)
    else:
        path = (
            path_in(out, f"{assembled.name}-image") if _is_place(out) else out.with_name(out.name.removesuffix(".zip"))
        )
        image = build_image(assembled.tree, path, name=assembled.name, facts=facts, base=base, engine=engine)
    return Bundle(
        path=path,
        shape=choice.shape,
        reason=choice.reason,
        target=assembled.target,
        zipped=path.stat().st_size if image is None else None,
        unzipped=sum(sizes.values()),
        location=location,
        pipeline_sha256=assembled.sha256,
        sizes=sizes,
        components=assembled.components,
        removed=assembled.removed,
        bytecode=assembled.bytecode,
        image=image,
        proof=assembled.proof,
    )


def _zip(assembled: Assembled, out: Path) -> Path:
    path = path_in(out, f"{assembled.name}.zip") if out.is_dir() else out
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as beside:
        write_zip(assembled.tree, Path(beside, path.name))
        os.replace(Path(beside, path.name), path)
    return path


def _is_place(out: Path) -> bool:
    """Whether ``out`` is a folder in which the bundle goes, and not an image's folder of an earlier run."""
    return out.is_dir() and not (out / "Dockerfile").is_file()
