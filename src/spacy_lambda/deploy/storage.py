"""Third stage of a deployment: the pipeline into the project's bucket, an image into its repository."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from spacy_lambda.aws.errors import aws_errors
from spacy_lambda.bundler.image.push import push_image
from spacy_lambda.cdk.aws_names import repository_name
from spacy_lambda.cdk.spec import FunctionSpec, ImageCode
from spacy_lambda.config.project import Project
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.deploy.planning import Planned
from spacy_lambda.deploy.preparation import Prepared, store_location
from spacy_lambda.deploy.stages import begin, of_stage
from spacy_lambda.store.factory import open_store
from spacy_lambda.store.transfer import push

__all__ = ["Stored", "store"]


@dataclass(frozen=True)
class Stored:
    """One function whose pipeline and image are stored in AWS.

    :param prepared: The function, as it was prepared.
    :param spec: Its stack as planned, with the digest that the registry gave the image.
    """

    prepared: Prepared
    spec: FunctionSpec


def store(
    project: Project,
    planned: Planned,
    *,
    aws: AwsAccount,
    on_line: Callable[[str], None],
    on_step: OnStep = no_progress,
) -> Stored:
    """Store the pipeline, and push the image if there is one, unless they are stored already.

    :raises SpacyLambdaError: If AWS or the registry refuses.
    """
    prepared, spec = planned.prepared, planned.spec
    place = store_location(project, aws)
    on_line(f"storing the pipeline in {place}")
    # During development, a version's contents may change; each digest stays.
    push(str(prepared.folder), open_store(place), replace=True, on_step=of_stage(on_step, "upload"))
    if isinstance(spec.code, ImageCode):
        begin(on_step, "upload")
        repository = repository_name(project.name, prepared.config.name)
        digest = _push_image(prepared, repository, aws=aws, on_line=on_line)
        spec = replace(spec, code=replace(spec.code, digest=digest))
    return Stored(prepared, spec)


def _push_image(prepared: Prepared, repository: str, *, aws: AwsAccount, on_line: Callable[[str], None]) -> str:
    """Return the registry's digest of the image."""
    bundle = prepared.bundle
    # Tags are immutable, so that a tag names an image's contents and not the version of its pipeline.
    tag = str(bundle.image.id if bundle.image else "").removeprefix("sha256:")[:12]
    known = _find_digest(aws, repository, tag)
    if known is not None:
        return known
    uri = _repository_uri(aws, repository)
    on_line(f"pushing the image to {uri}")
    return push_image(bundle.path, f"{uri}:{tag}").reference.partition("@")[2]


def _repository_uri(aws: AwsAccount, repository: str) -> str:
    """Return the URI of a repository, which differs between AWS's partitions."""
    with aws_errors(f"looking up the repository {repository}"):
        (found,) = aws.client("ecr").describe_repositories(repositoryNames=[repository])["repositories"]
    return str(found["repositoryUri"])


def _find_digest(aws: AwsAccount, repository: str, tag: str) -> str | None:
    """Return the digest of an image that was pushed before: a push to an immutable tag may be refused."""
    client = aws.client("ecr")
    with aws_errors(f"looking up an image in {repository}"):
        try:
            (found,) = client.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])["imageDetails"]
        except client.exceptions.ImageNotFoundException:
            return None
    return str(found["imageDigest"])
