"""FunctionConfig -> everything of a function that is made here, before AWS is touched."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from spacy_lambda.bundler.build import NO_ENGINE, Bundle, BundleOptions
from spacy_lambda.bundler.build import bundle as make_bundle
from spacy_lambda.bundler.target import Target
from spacy_lambda.cdk.aws_names import bucket_name
from spacy_lambda.cdk.spec import FunctionSpec, ImageCode, ZipCode
from spacy_lambda.config.project import Concurrency, FunctionConfig, Project
from spacy_lambda.core.artifact.open import pipeline_folder
from spacy_lambda.core.artifact.pack import manifest_of
from spacy_lambda.core.digest import parse_digest
from spacy_lambda.core.location import Location, parse_location
from spacy_lambda.core.pipelines import resolve_pipeline
from spacy_lambda.deploy.aws import Aws
from spacy_lambda.deploy.golden import Golden, expected_answers, read_requests
from spacy_lambda.errors import ArtifactError, SignatureError
from spacy_lambda.store.registry import version_of
from spacy_lambda.store.transfer import pull

__all__ = ["Prepared", "make_spec", "prepared_function", "store_of", "stored_at"]

WORK = ".spacy-lambda"
"""Folder beside the project's file for what is made; it can be removed at any time."""

NOT_PUSHED = "sha256:" + 64 * "0"
"""An image's digest is known when it was pushed; the plan's template has this in its place."""


@dataclass(frozen=True)
class Prepared:
    """One function, ready to be deployed.

    :param config: What the file says of it.
    :param folder: The pipeline, on this machine.
    :param artifact: What it is called in a store: ``NAME@VERSION``.
    :param bundle: The zip, or the image's folder.
    :param labels: What its entities can be.
    :param golden: What a new version must answer.
    :param ms_per_text: How long a text takes here, warm.
    """

    config: FunctionConfig
    folder: Path
    artifact: str
    bundle: Bundle
    labels: tuple[str, ...]
    golden: tuple[Golden, ...]
    ms_per_text: float


@contextmanager
def prepared_function(
    project: Project,
    config: FunctionConfig,
    *,
    build_images: bool = True,
    on_step: Callable[[str, int, int], None] = lambda *step: None,
) -> Iterator[Prepared]:
    """Fetch the pipeline where it is elsewhere, bundle it, and ask it the golden texts.

    :param build_images: Whether an image is built, or only its folder is made.
    :raises SpacyLambdaError: If any of this fails; nothing in AWS was changed then.
    """
    requests = read_requests(config.golden)
    out = project.folder / WORK / config.name
    out.mkdir(parents=True, exist_ok=True)
    (out.parent / ".gitignore").write_text("*\n", encoding="utf-8")
    with _pipeline_here(config) as folder:
        bundle = make_bundle(
            str(folder),
            out,
            BundleOptions(
                target=Target(config.python, config.architecture),
                package_type="image" if config.shape == "image-efs" else config.shape,
                engine=None if build_images and config.shape != "image-efs" else NO_ENGINE,
            ),
            on_step=on_step,
        )
        _check_digest(config.pipeline, bundle)
        on_step("golden texts", 0, 1)
        answered = expected_answers(folder, requests)
        on_step("golden texts", 1, 1)
        manifest = manifest_of(folder)
        yield Prepared(
            config,
            folder,
            f"{manifest.name}@{version_of(manifest)}",
            bundle,
            answered.labels,
            answered.golden,
            statistics.median(answered.milliseconds),
        )


def make_spec(
    project: Project,
    aws: Aws,
    prepared: Prepared,
    *,
    live_version: str | None,
    concurrency: Concurrency | None,
    digest: str = NOT_PUSHED,
) -> FunctionSpec:
    """What the CDK app is given.

    :param live_version: The version that the alias is to name.
    :param concurrency: As the account lets it be reserved.
    :param digest: Of the image, where it is one.
    """
    config, bundle = prepared.config, prepared.bundle
    stored = str(stored_at(project, aws, prepared))
    code = ZipCode(bundle.path) if bundle.package_type == "zip" else ImageCode(digest, efs=config.shape == "image-efs")
    return FunctionSpec(
        project=project.name,
        account=aws.account,
        region=aws.region,
        config=replace(config, pipeline=stored, signed_by=None, golden=None, concurrency=concurrency),
        code=code,
        sha256=bundle.pipeline_sha256,
        pipeline=stored if config.shape == "image-efs" else None,
        labels=prepared.labels if config.metrics else (),
        live_version=live_version,
        tags=project.tags,
    )


def store_of(project: Project, aws: Aws) -> Location:
    """The store in the project's bucket."""
    return Location("s3", f"{bucket_name(project.name, account=aws.account, region=aws.region)}/pipelines")


def stored_at(project: Project, aws: Aws, prepared: Prepared) -> Location:
    """Where a pipeline is, or will be, in the project's bucket."""
    name, _, version = prepared.artifact.partition("@")
    sha256 = parse_digest(prepared.bundle.pipeline_sha256, name="the digest of the bundle's pipeline")
    return Location("s3", f"{store_of(project, aws).path}/{name}", version, sha256)


def _check_digest(pipeline: str, bundle: Bundle) -> None:
    wanted = parse_location(pipeline).sha256
    if wanted not in (None, bundle.pipeline_sha256):
        raise ArtifactError(
            f"{pipeline} has the digest {bundle.pipeline_sha256}",
            remedy="give the pipeline that was meant, or correct the digest after '#sha256='",
        )


@contextmanager
def _pipeline_here(config: FunctionConfig) -> Iterator[Path]:
    """The pipeline's folder, fetched and verified where it is in a store, which has its signature too."""
    resolved = resolve_pipeline(config.pipeline)
    location = resolved.location
    if resolved.form not in ("stored", "remote") and location.ref is None:
        if config.signed_by is not None:
            raise SignatureError(
                f"{config.pipeline} is in no store, and so has no signature",
                remedy="push it with --sign KEY and name its place there, or leave out signed_by",
            )
        with pipeline_folder(location.path) as folder:
            yield folder
        return
    with tempfile.TemporaryDirectory(prefix="spacy-lambda-") as scratch:
        yield pull(location, Path(scratch, "pipeline"), verify_key=config.signed_by).path
