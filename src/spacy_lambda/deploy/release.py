"""A prepared function -> a version that is live, in two updates of its stack.

::

    pipeline ──▶ bucket      zip | image ──▶ first update: a new version is published, `live` stays where it is
                                                   │  warmed, asked the golden texts
                                                   ▼
                                             second update: `live` names it (CodeDeploy moves the traffic)

What fails on the way leaves ``live`` as it was, and can be run again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from spacy_lambda.bundler.build import BundleOptions
from spacy_lambda.bundler.build import bundle as make_bundle
from spacy_lambda.bundler.image.push import push_image
from spacy_lambda.bundler.target import Target
from spacy_lambda.cdk.aws_names import bucket_name, repository_name, stack_name
from spacy_lambda.cdk.spec import FunctionSpec
from spacy_lambda.config.project import Project
from spacy_lambda.deploy.aws import Aws, aws_error
from spacy_lambda.deploy.cdk_cli import Cdk
from spacy_lambda.deploy.concurrency import concurrency_limits
from spacy_lambda.deploy.golden import check_version
from spacy_lambda.deploy.lock import deployment_lock
from spacy_lambda.deploy.prepare import NOT_PUSHED, Prepared, make_spec, store_of, stored_at
from spacy_lambda.deploy.stacks import find_stack, require_settled
from spacy_lambda.deploy.synthesis import write_templates
from spacy_lambda.deploy.versions import live_version, newest_version, prune_versions, wait_until_ready
from spacy_lambda.store.factory import open_store
from spacy_lambda.store.transfer import push

__all__ = ["Released", "Tell", "release", "run_deploy", "update_stack"]

FAILURE = "❌"

Tell = Callable[[str], None]
"""Takes one line for people."""


@dataclass(frozen=True)
class Released:
    """What is live now.

    :param function: Its name in AWS.
    :param version: The version that is live.
    :param previous: The one that was; ``None`` the first time.
    :param url: The Function URL.
    :param pruned: Versions that are gone.
    """

    function: str
    version: str
    previous: str | None
    url: str | None
    pruned: tuple[int, ...] = ()


def release(project: Project, prepared: Prepared, *, aws: Aws, cdk: Cdk, out: Path, tell: Tell) -> Released:
    """Deploy one function, and let it go live when its answers are right.

    :param out: Folder for the templates.
    :param tell: Told what is being done.
    :raises DeployError: If AWS refuses, or an answer is not right; what was live still is.
    """
    function = stack_name(project.name, prepared.config.name)
    bucket = bucket_name(project.name, account=aws.account, region=aws.region)
    with deployment_lock(aws, bucket, prepared.config.name):
        require_settled(aws, function)
        previous = live_version(aws, function)
        tell(f"storing the pipeline in s3://{bucket}")
        _store(project, aws, prepared)
        digest = NOT_PUSHED if prepared.bundle.package_type == "zip" else _push(project, prepared, aws, tell)
        tell(f"{function}: publishing a version")
        limit = concurrency_limits(aws, project.name, [prepared.config])[prepared.config.name].reserved
        spec = make_spec(project, aws, prepared, live_version=previous, concurrency=limit, digest=digest)
        version = update_stack(spec, aws=aws, cdk=cdk, out=out, tell=tell)
        if version == previous:
            return Released(function, version, previous, _url(aws, function))
        wait_until_ready(aws, function, version)
        tell(f"{function}: asking version {version} {len(prepared.golden)} golden texts")
        check_version(aws, function, version, prepared.golden)
        tell(f"{function}: version {version} goes live")
        spec = make_spec(project, aws, prepared, live_version=version, concurrency=limit, digest=digest)
        update_stack(spec, aws=aws, cdk=cdk, out=out, tell=tell)
        pruned = prune_versions(aws, function, keep=prepared.config.keep_versions, live=version)
        return Released(function, version, previous, _url(aws, function), tuple(pruned))


def update_stack(spec: FunctionSpec, *, aws: Aws, cdk: Cdk, out: Path, tell: Tell) -> str:
    """Bring a function's stack to what the spec says.

    :return: The version that its code has.
    :raises DeployError: If CloudFormation refuses.
    """
    name = stack_name(spec.project, spec.name)
    assembly = write_templates([spec], None, out)
    run_deploy(cdk, name, assembly, tell=tell)
    return newest_version(aws, name)


def run_deploy(cdk: Cdk, stack: str, assembly: Path, *, tell: Tell) -> None:
    """Deploy one stack of an assembly; of what the CDK tells, tell what happens to resources.

    :raises DeployError: If it fails.
    """

    def on_line(line: str) -> None:
        if line.startswith(f"{stack} | ") or FAILURE in line:
            tell(f"  {line}")

    options = ("--require-approval", "never", "--progress", "events")
    cdk.run("deploy", stack, "--app", str(assembly), *options, on_line=on_line)


def _store(project: Project, aws: Aws, prepared: Prepared) -> None:
    """Keep the artifact where the project's own versions are; what is there already is not sent again.

    A version's number says little while somebody is trying, so that contents may change under it; each digest stays.
    """
    push(str(prepared.folder), open_store(store_of(project, aws)), replace=True)


def _push(project: Project, prepared: Prepared, aws: Aws, tell: Tell) -> str:
    """The digest of the image, in the project's repository."""
    config, bundle = prepared.config, prepared.bundle
    if config.shape == "image-efs":
        tell("building an image that fetches the pipeline")
        target = Target(config.python, config.architecture)
        bundle = make_bundle(
            str(stored_at(project, aws, prepared)),
            bundle.path,
            BundleOptions(target=target, package_type="image", fetch=True),
        )
    # Tags cannot be moved, and a version's number says little while somebody is trying.
    tag = str(bundle.image.id if bundle.image else "").removeprefix("sha256:")[:12]
    repository = repository_name(project.name, config.name)
    known = _known_digest(aws, repository, tag)
    if known is not None:
        return known
    place = _repository_uri(aws, repository)
    tell(f"pushing the image to {place}")
    return push_image(bundle.path, f"{place}:{tag}").reference.partition("@")[2]


def _repository_uri(aws: Aws, repository: str) -> str:
    """Where a repository is, which differs between AWS's partitions."""
    try:
        (found,) = aws.client("ecr").describe_repositories(repositoryNames=[repository])["repositories"]
    except (ClientError, BotoCoreError) as exc:
        raise aws_error(exc, f"looking for the repository {repository}") from exc
    return str(found["repositoryUri"])


def _known_digest(aws: Aws, repository: str, tag: str) -> str | None:
    """The digest of an image that was pushed before: pushing to a tag that cannot be moved may be refused."""
    client = aws.client("ecr")
    try:
        (found,) = client.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])["imageDetails"]
    except client.exceptions.ImageNotFoundException:
        return None
    except (ClientError, BotoCoreError) as exc:
        raise aws_error(exc, f"looking for an image in {repository}") from exc
    return str(found["imageDigest"])


def _url(aws: Aws, function: str) -> str | None:
    stack = find_stack(aws, function)
    return stack.outputs.get("Url") if stack else None
