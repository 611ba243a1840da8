"""Build a bundle: assemble its folder, choose the package type, write the zip or build the image."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

from spacy_lambda.bundler.assemble import Assembled, assemble
from spacy_lambda.bundler.image.build import BuiltImage, build_image
from spacy_lambda.bundler.image.context import aws_base
from spacy_lambda.bundler.image.engines import ContainerEngine, find_engine, require_known
from spacy_lambda.bundler.licences import BundledDistribution
from spacy_lambda.bundler.metadata import PIPELINE_FOLDER, BundleMetadata, write_metadata
from spacy_lambda.bundler.proof import Proof
from spacy_lambda.bundler.slim import Removal
from spacy_lambda.bundler.target import (
    PackageType,
    PackageTypeChoice,
    Target,
    choose_package_type,
    require_package_type,
)
from spacy_lambda.bundler.tree import write_zip
from spacy_lambda.core.files import StrPath, file_sizes, folder_beside, is_special, move_into_place
from spacy_lambda.core.lambda_limits import UNZIPPED_BYTES
from spacy_lambda.core.pipeline_meta import path_in
from spacy_lambda.core.pipelines import BUNDLE_METADATA, require_outside
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.errors import BundleError

__all__ = ["NO_ENGINE", "Bundle", "BundleOptions", "bundle"]

NO_ENGINE = "none"
STEPS = ("versions", "wheels", "unpacking", "slimming", "testing", "writing")


@dataclass(frozen=True, kw_only=True)
class BundleOptions:
    """Options of a bundle.

    :param target: The runtime that it is for.
    :param package_type: ``zip``, ``image``, or ``auto``: a zip if it fits.
    :param fetch: Leave the pipeline in its store; the function fetches it during init.
    :param fetch_from: Fetch it from this location instead, in which the caller will store it before it is needed.
    :param base: An image's base; by default AWS's for the target's Python.
    :param engine: The program that builds an image; by default an installed one. :data:`NO_ENGINE` writes the image's
        folder alone.
    :param replace: Replace the bundle of an earlier run, which is an error otherwise.
    """

    target: Target = field(default_factory=Target)
    package_type: str = "auto"
    fetch: bool = False
    fetch_from: str | None = None
    base: str | None = None
    engine: str | None = None
    replace: bool = False


@dataclass(frozen=True)
class Bundle:
    """A zip or an image that Lambda runs.

    :param path: The zip, or the image's folder.
    :param package_type: ``zip`` or ``image``.
    :param reason: The reason for that package type.
    :param target: The runtime that it is for.
    :param zipped: Bytes of the zip; ``None`` for an image.
    :param unzipped: Bytes of the contents, to which Lambda's limit for a zip applies.
    :param location: The pipeline: the folder in the bundle, or a location that is fetched from during init.
    :param pipeline_sha256: Identity of the pipeline's artifact.
    :param sizes: Bytes by file.
    :param components: The distributions in it, with their licences.
    :param removed: Files that were removed, with the reasons.
    :param bytecode: ``True`` if it contains bytecode; without it, each cold start compiles every module.
    :param image: The image that was built.
    :param proof: The result of its test.
    """

    path: Path
    package_type: PackageType
    reason: str
    target: Target
    zipped: int | None
    unzipped: int
    location: str
    pipeline_sha256: str
    sizes: dict[str, int]
    components: tuple[BundledDistribution, ...]
    removed: tuple[Removal, ...]
    bytecode: bool
    image: BuiltImage | None
    proof: Proof


def bundle(
    pipeline: StrPath,
    out: StrPath,
    options: BundleOptions = BundleOptions(),
    *,
    limit: int = UNZIPPED_BYTES,
    on_step: OnStep = no_progress,
) -> Bundle:
    """Bundle a pipeline with everything that it needs on Lambda; the bundle appears whole or not at all.

    The function's handler is ``spacy_lambda.runtime.handler.handler``, which finds the pipeline by ``bundle.json``.

    :param pipeline: A folder, an installed package's name, a wheel, a zip, an artifact, or a location in a store.
    :param out: The zip's file or the image's folder; or an existing folder for ``LANG_NAME-VERSION-pyXY-ARCH.zip``
        or ``...-image``.
    :param options: Target, form and contents of the bundle.
    :param limit: Maximum bytes of a zip's contents.
    :param on_step: Called with each step's name, the number of steps done, and their total.
    :raises BundleError: If there is no wheel for the target, it is too large for Lambda, no image can be built, or the
        pipeline cannot be loaded and run from the bundle; or if it exists already.
    :raises InvalidPipelineError: If its ``meta.json`` or ``config.cfg`` is invalid.
    :raises NotCompiledError: If it needs torch.
    :raises RequirementError: If a package that the pipeline requires is not installed here.
    :raises StoreError: If the store cannot be reached, or has no such pipeline.
    """
    out = Path(out)
    require_package_type(options.package_type)
    if options.engine != NO_ENGINE:
        require_known(options.engine)

    def step(name: str) -> None:
        on_step(name, STEPS.index(name), len(STEPS))

    fetched = options.fetch or options.fetch_from is not None
    zip_limit = None if fetched or options.package_type == "image" else limit

    def check(name: str) -> None:
        path = _image_folder(name, out) if options.package_type == "image" else _zip_file(name, out)
        require_outside(path, raises=BundleError)
        if not options.replace:
            _require_new(path)

    with assemble(str(pipeline), options.target, step, check=check, zip_limit=zip_limit) as made:
        assembled = made if options.fetch_from is None else replace(made, location=options.fetch_from)
        choice = _choose(assembled, options.package_type, fetch=fetched, limit=limit)
        engine = None
        if choice.package_type == "image" and options.engine != NO_ENGINE:
            engine = find_engine(options.engine)
        step("writing")
        written = _write(assembled, choice, out, options, engine)
    on_step("done", len(STEPS), len(STEPS))
    return written


def _choose(assembled: Assembled, wanted: str, *, fetch: bool, limit: int) -> PackageTypeChoice:
    in_pipeline = sum(file_sizes(assembled.tree / PIPELINE_FOLDER).values())
    return choose_package_type(
        wanted,
        code=sum(file_sizes(assembled.tree).values()) - in_pipeline,
        pipeline=in_pipeline,
        location=assembled.location,
        fetch=fetch,
        limit=limit,
    )


def _write(
    assembled: Assembled, choice: PackageTypeChoice, out: Path, options: BundleOptions, engine: ContainerEngine | None
) -> Bundle:
    path = (_zip_file if choice.package_type == "zip" else _image_folder)(assembled.name, out)
    if not options.replace:
        _require_new(path)
    location = PIPELINE_FOLDER
    if choice.fetched and assembled.location is not None:
        location = assembled.location
        shutil.rmtree(assembled.tree / PIPELINE_FOLDER)
    metadata = BundleMetadata(assembled.target, location, assembled.sha256, assembled.manifest.pipeline)
    write_metadata(metadata, assembled.tree)
    (assembled.tree / BUNDLE_METADATA).chmod(0o644)
    sizes = file_sizes(assembled.tree)
    image = None
    if choice.package_type == "zip":
        _zip(assembled.tree, path)
    else:
        base = options.base or aws_base(options.target)
        image = build_image(assembled.tree, path, name=assembled.name, metadata=metadata, base=base, engine=engine)
    return Bundle(
        path=path,
        package_type=choice.package_type,
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


def _zip(tree: Path, path: Path) -> None:
    with folder_beside(path) as scratch:
        write_zip(tree, scratch / path.name)
        move_into_place(scratch / path.name, path)


def _require_new(path: Path) -> None:
    if path.exists() and not is_special(path):
        raise BundleError(f"{path} exists", remedy="choose another path, or replace it with --force")


def _zip_file(name: str, out: Path) -> Path:
    return path_in(out, f"{name}.zip") if out.is_dir() else out


def _image_folder(name: str, out: Path) -> Path:
    """Return the image's folder: a new one in ``out``, or ``out`` itself if it is new or from an earlier run."""
    if out.is_dir() and not (out / "Dockerfile").is_file():
        return path_in(out, f"{name}-image")
    return out.with_name(out.name.removesuffix(".zip"))
