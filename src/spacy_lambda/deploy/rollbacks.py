"""Rollback: the live alias moves to an earlier version, by the stack's own template with another number in it.

The default is the version that was live before, which the template's metadata records: a version that has never been
live may have failed its golden tests. A rollback needs neither a bundle nor the CDK, so it works on any machine.
All traffic moves at once, even if the function has a canary.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from spacy_lambda.aws.errors import aws_errors
from spacy_lambda.cdk.aws_names import bucket_name, stack_name
from spacy_lambda.cdk.spec import LIVE_BEFORE
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.deploy.lock import deployment_lock
from spacy_lambda.deploy.stacks import deployed_template, find_stack, require_own, require_settled
from spacy_lambda.deploy.versions import list_versions, live_before, live_version, next_live_before, recorded_before
from spacy_lambda.errors import DeployError

__all__ = ["Rollback", "find_rollback", "rollback"]

ALIAS_TYPE = "AWS::Lambda::Alias"


@dataclass(frozen=True)
class Rollback:
    """A rollback, planned or made.

    :param function: Name of the function in AWS.
    :param version: The version that it makes live.
    :param previous: The one that is live before it.
    """

    function: str
    version: str
    previous: str


def find_rollback(project: str, name: str, *, aws: AwsAccount, version: str | None = None) -> Rollback:
    """Return what :func:`rollback` would do, from what is deployed now.

    :raises DeployError: If the stack is another project's, there is no such version, or it is live, or none was live
        before.
    """
    function = stack_name(project, name)
    if find_stack(aws, function) is None:
        raise DeployError(f"the stack {function} does not exist", remedy="run `spacy-lambda deploy` first")
    require_own(aws, project, name)
    live = live_version(aws, function)
    if live is None:
        raise DeployError(f"no version of {function} is live", remedy="run `spacy-lambda deploy`")
    return Rollback(function, _choose(aws, function, live, version), live)


def rollback(project: str, name: str, *, aws: AwsAccount, version: str | None = None) -> Rollback:
    """Roll back to an earlier version.

    :param project: Name of the project.
    :param name: Name of the function in it.
    :param aws: The account and the region.
    :param version: The version; by default the one that was live before.
    :raises DeployError: If there is no such version, it is live, or the stack cannot be changed.
    """
    find_rollback(project, name, aws=aws, version=version)
    bucket = bucket_name(project, account=aws.account, region=aws.region)
    with deployment_lock(aws, bucket, name):
        require_settled(aws, stack_name(project, name))
        found = find_rollback(project, name, aws=aws, version=version)
        _move_alias(aws, found, bucket=bucket)
        return found


def _choose(aws: AwsAccount, function: str, live: str, version: str | None) -> str:
    published = [str(one.number) for one in list_versions(aws, function)]
    if version is not None:
        if version == live:
            raise DeployError(
                f"version {live} of {function} is live already",
                remedy="choose another one with --version; `spacy-lambda status` lists them",
            )
        if version not in published:
            raise DeployError(
                f"{function} has no version {version!r}",
                remedy=f"choose from its versions {', '.join(published)}, or publish one with `spacy-lambda deploy`",
            )
        return version
    before = [one for one in live_before(aws, function) if one in published]
    if not before:
        others = ", ".join(one for one in published if one != live)
        choice = (
            f"choose one with --version from {others}, which may have failed its golden tests; or " if others else ""
        )
        raise DeployError(
            f"version {live} of {function} is live, and no version that was live before it is kept",
            remedy=f"{choice}deploy the pipeline that should be live",
        )
    return before[0]


def _move_alias(aws: AwsAccount, found: Rollback, *, bucket: str) -> None:
    client, function, version = aws.client("cloudformation"), found.function, found.version
    with aws_errors(f"moving the live alias of {function} to version {version}"):
        template = deployed_template(aws, function)
        aliases = [one for one in template["Resources"].values() if one["Type"] == ALIAS_TYPE]
        if len(aliases) != 1 or aliases[0]["Properties"]["FunctionVersion"] == version:
            raise DeployError(
                f"the template of {function} has no alias that could move to version {version}",
                remedy="run `spacy-lambda status`, and `spacy-lambda deploy` if the stack was changed by hand",
            )
        aliases[0]["Properties"]["FunctionVersion"] = version
        aliases[0].pop("UpdatePolicy", None)
        before = next_live_before(found.previous, recorded_before(template, function), version)
        template["Metadata"] = {**template.get("Metadata", {}), LIVE_BEFORE: json.dumps(before)}
        key = f"templates/{function}.json"
        aws.client("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(template).encode())
        client.update_stack(
            StackName=function, TemplateURL=_url(aws, bucket, key), Capabilities=["CAPABILITY_NAMED_IAM"]
        )
        client.get_waiter("stack_update_complete").wait(StackName=function, WaiterConfig={"Delay": 3})


def _url(aws: AwsAccount, bucket: str, key: str) -> str:
    endpoint = aws.client("s3").meta.endpoint_url
    return f"{endpoint}/{bucket}/{key}"
