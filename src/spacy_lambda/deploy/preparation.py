"""First stage of a deployment: everything of a function that is made on this machine, before AWS is changed."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spacy_lambda.bundler.build import NO_ENGINE, Bundle, BundleOptions
from spacy_lambda.bundler.build import bundle as make_bundle
from spacy_lambda.bundler.target import Target
from spacy_lambda.cdk.aws_names import bucket_name, stack_name
from spacy_lambda.config.project import FunctionConfig, Project
from spacy_lambda.core.artifact.open import pipeline_folder
from spacy_lambda.core.artifact.pack import manifest_of
from spacy_lambda.core.artifact.tar import chunks
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.location import Location, parse_location
from spacy_lambda.core.pipelines import resolve_pipeline
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.deploy.golden_tests import GoldenTest, make_golden_tests, open_predictor, read_requests
from spacy_lambda.deploy.latency import Latency, event_line_bytes, golden_texts, measure_latency
from spacy_lambda.deploy.limit_checks import check_limits, require_limits
from spacy_lambda.deploy.stages import begin, of_stage
from spacy_lambda.deploy.work_folder import make_work_folder
from spacy_lambda.errors import ArtifactError, SignatureError
from spacy_lambda.sizing.texts import read_texts
from spacy_lambda.sizing.verdict import LimitFinding
from spacy_lambda.store.registry import version_of
from spacy_lambda.store.transfer import pull

if TYPE_CHECKING:
    from spacy_lambda.runtime.predictor import Predictor

__all__ = ["Prepared", "prepare", "store_location"]


@dataclass(frozen=True)
class Prepared:
    """One function, ready to be deployed.

    :param config: Its configuration.
    :param folder: The pipeline, on this machine.
    :param location: Location that the pipeline gets in the project's bucket.
    :param bundle: The zip, or the image and its folder.
    :param labels: Labels of the pipeline's entities.
    :param golden_tests: Golden tests that a new version must pass.
    :param latency: Latency of a text.
    :param line_bytes: Bytes of the line with the metrics of an invocation.
    :param findings: The function against Lambda's limits; none fails, unless it was not required.
    """

    config: FunctionConfig
    folder: Path
    location: Location
    bundle: Bundle
    labels: tuple[str, ...]
    golden_tests: tuple[GoldenTest, ...]
    latency: Latency
    line_bytes: int
    findings: tuple[LimitFinding, ...] = ()


@contextmanager
def prepare(
    project: Project,
    config: FunctionConfig,
    *,
    aws: AwsAccount,
    build_images: bool = True,
    texts: Path | None = None,
    check: bool = True,
    on_step: OnStep = no_progress,
) -> Iterator[Prepared]:
    """Fetch the pipeline if it is in a store, bundle it, and make the golden tests.

    :param aws: The account and the region, which are part of the bucket's name.
    :param build_images: Build the image, or only write its folder.
    :param texts: Texts to measure the latency on; by default those of the golden tests.
    :param check: Refuse a function that would fail on Lambda.
    :raises SpacyLambdaError: If any of this fails; nothing in AWS has changed then.
    """
    requests = read_requests(config.golden)
    own_texts = None if texts is None else read_texts(texts)
    out = make_work_folder(project.folder) / config.name
    out.mkdir(exist_ok=True)
    begin(on_step, "resolve")
    with _local_pipeline(config, of_stage(on_step, "resolve")) as folder:
        location = _bucket_location(project, aws, folder)
        _check_digest(config.pipeline, location)
        options = _bundle_options(config, location, build_images=build_images)
        bundle = make_bundle(str(folder), out, options, on_step=of_stage(on_step, "bundle"))
        begin(on_step, "prepare")
        predictor = open_predictor(folder)
        golden_tests = make_golden_tests(predictor, requests, path=config.golden)
        labels = _labels(predictor)
        sample = own_texts or golden_texts(config.golden, [one.request for one in requests], predictor)
        latency = measure_latency(predictor, sample)
        findings = check_limits(config, bundle, latency)
        if check:
            require_limits(config.name, findings)
        yield Prepared(
            config=config,
            folder=folder,
            location=location,
            bundle=bundle,
            labels=labels,
            golden_tests=golden_tests,
            latency=latency,
            line_bytes=event_line_bytes(
                predictor,
                project=project.name,
                function=stack_name(project.name, config.name),
                sha256=bundle.pipeline_sha256,
                labels=labels,
            ),
            findings=findings,
        )


def _bundle_options(config: FunctionConfig, location: Location, *, build_images: bool) -> BundleOptions:
    is_fetched = config.shape == "image-efs"
    return BundleOptions(
        target=Target(config.python, config.architecture),
        package_type="image" if is_fetched else config.shape,
        fetch_from=str(location) if is_fetched else None,
        engine=None if build_images else NO_ENGINE,
        replace=True,
    )


def _labels(predictor: Predictor) -> tuple[str, ...]:
    from spacy_lambda.runtime.labels import entity_labels

    return tuple(entity_labels(predictor.nlp))


def store_location(project: Project, aws: AwsAccount) -> Location:
    """Return the location of the store in the project's bucket."""
    return Location("s3", f"{bucket_name(project.name, account=aws.account, region=aws.region)}/pipelines")


def _bucket_location(project: Project, aws: AwsAccount, folder: Path) -> Location:
    manifest = manifest_of(folder)
    digest = hashlib.sha256()
    for chunk in chunks(manifest, lambda entry: [(folder / entry.path).read_bytes()]):
        digest.update(chunk)
    path = f"{store_location(project, aws).path}/{manifest.name}"
    return Location("s3", path, version_of(manifest), Digest(digest.hexdigest()))


def _check_digest(pipeline: str, location: Location) -> None:
    wanted = parse_location(pipeline).sha256
    if wanted not in (None, location.sha256):
        raise ArtifactError(
            f"{pipeline} has the digest {location.sha256}",
            remedy="name another pipeline, or correct the digest after '#sha256='",
        )


@contextmanager
def _local_pipeline(config: FunctionConfig, on_step: OnStep = no_progress) -> Iterator[Path]:
    """Yield the pipeline's folder. A pipeline in a store is fetched, and its digest and signature are verified."""
    resolved = resolve_pipeline(config.pipeline)
    location = resolved.location
    if resolved.form not in ("stored", "remote") and location.ref is None:
        if config.signed_by is not None:
            raise SignatureError(
                f"{config.pipeline} is not in a store, and so has no signature",
                remedy="push it with --sign KEY and write its location there, or leave out signed_by",
            )
        with pipeline_folder(location.path) as folder:
            yield folder
        return
    with tempfile.TemporaryDirectory(prefix="spacy-lambda-") as scratch:
        pulled = pull(location, Path(scratch, "pipeline"), verify_key=config.signed_by, on_step=on_step)
        yield pulled.path
