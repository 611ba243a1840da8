"""A function of the project as it is deployed: what the engine on Lambda has to know of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy_lambda.aws.errors import aws_errors
from spacy_lambda.cdk.aws_names import BULK_PREFIX, bulk_prefix, stack_name, state_machine_name
from spacy_lambda.cdk.bulk_settings import map_concurrency
from spacy_lambda.cdk.spec import ALIAS
from spacy_lambda.config import load_project
from spacy_lambda.config.project import Project
from spacy_lambda.config.selection import chosen_function
from spacy_lambda.core.digest import Digest, parse_digest
from spacy_lambda.core.files import StrPath
from spacy_lambda.core.lambda_limits import MAX_TIMEOUT_S
from spacy_lambda.core.output_location import S3Prefix
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.core.wire_errors import from_function_error
from spacy_lambda.corpus.pipeline_parts import UNKNOWN_PARTS, PipelineParts
from spacy_lambda.errors import CorpusError, SpacyLambdaError

__all__ = ["PERMISSIONS", "DeployedFunction", "find_deployed"]

INFO = {"rawPath": "/info", "headers": {}, "requestContext": {"http": {"method": "GET", "path": "/info"}}}
"""The event of a request for the function's metadata."""

PERMISSIONS = "docs/corpus.md lists the required permissions"

SEE_LOG = "see its log: spacy-lambda logs; its live version must be able to answer: spacy-lambda invoke"
RETRIES = {"mode": "standard", "max_attempts": 5}

SHARD_S = 60.0
"""Seconds that a shard should take: the work that is lost with one, against the overhead of each."""

TIMEOUT_SHARE = 0.4
"""Maximum share of a request's limit that a shard takes, so that a slow environment ends it in time."""

MAX_SHARD_BYTES = 4_000_000


@dataclass(frozen=True, kw_only=True)
class DeployedFunction:
    """A function with its live version.

    :param name: Its name in AWS.
    :param sha256: Digest of the live version's pipeline.
    :param memory_mb: Its memory.
    :param timeout_s: Its timeout.
    :param architecture: Its architecture.
    :param concurrency: Maximum concurrent invocations of its state machine.
    :param request_characters: Maximum characters of a request, which is what it annotates in most of its timeout.
    :param place: Bucket and prefix of shards and results.
    :param state_machine: ARN of the state machine.
    :param session: boto3's session.
    :param parts: Parts of a Doc that its pipeline sets, as far as they are known.
    """

    name: str
    sha256: Digest
    memory_mb: int
    timeout_s: int
    architecture: str
    concurrency: int
    request_characters: int
    place: S3Prefix
    state_machine: str
    session: Any
    parts: PipelineParts = UNKNOWN_PARTS

    @property
    def region(self) -> str:
        """The region, as the ARN of the state machine has it."""
        return self.state_machine.split(":")[3]

    @property
    def temporary(self) -> str | None:
        """URL below which objects are removed: in the project's bucket, after some days, those of all functions."""
        prefix = BULK_PREFIX if self.place.prefix.startswith(f"{BULK_PREFIX}/") else self.place.prefix
        return f"s3://{self.place.bucket}/{prefix}/" if prefix else None

    @property
    def shard_bytes(self) -> int:
        """Size of a shard that the function annotates well within its timeout."""
        share = min(TIMEOUT_SHARE, SHARD_S / self.timeout_s)
        return max(1, min(MAX_SHARD_BYTES, int(self.request_characters * share)))

    def invoke(self, event: dict[str, Any]) -> dict[str, Any]:
        """Invoke the live version.

        :raises CorpusError: If it fails.
        """
        invoked = _invoke(self.session, self.name, event)
        payload = invoked["Payload"].read()
        try:
            response: dict[str, Any] = parse_json(payload)
            if invoked.get("FunctionError") is None:
                return response
            error = from_function_error(str(response["errorMessage"]))
        except (ValueError, TypeError, KeyError):
            error = None
        if error is not None:
            raise CorpusError(f"{self.name}:{ALIAS}: {error.message}", remedy=error.remedy)
        raise CorpusError(f"{self.name}:{ALIAS} fails: {_start(payload)}", remedy=SEE_LOG)


def _invoke(session: Any, name: str, event: dict[str, Any]) -> Any:
    from botocore.config import Config

    config = Config(read_timeout=MAX_TIMEOUT_S + 10, retries=RETRIES)
    client = session.client("lambda", config=config)
    with aws_errors(f"invoking {name}:{ALIAS}", raises=CorpusError, permissions=PERMISSIONS):
        return client.invoke(FunctionName=name, Qualifier=ALIAS, Payload=json.dumps(event))


def _start(payload: bytes) -> str:
    return payload[:300].decode(errors="replace")


def find_deployed(
    name: str | None, *, config: StrPath | None = None, region: str | None = None, profile: str | None = None
) -> DeployedFunction:
    """Look up a function of the project, and invoke its live version for its metadata.

    :param name: Its name in the project; ``None`` for the only one.
    :param config: The project's file; by default ``spacy-lambda.toml`` in the current folder.
    :param region: Overrides the project's.
    :param profile: Profile of the AWS configuration.
    :raises ConfigError: If the project's file is invalid.
    :raises CorpusError: If the function is not deployed, or not for annotating corpora.
    """
    import boto3
    from botocore.config import Config

    project = load_project(None if config is None else Path(config), region=region)
    try:
        function = chosen_function(project, name)
    except SpacyLambdaError as exc:
        raise CorpusError(exc.message, remedy=exc.remedy.replace("pass one of", "pass --function with one of")) from exc
    if function.bulk is None:
        raise CorpusError(
            f"the function {function.name!r} has no state machine that annotates a corpus",
            remedy=f"write [functions.{function.name}.bulk] into the project's file, and run 'spacy-lambda deploy'",
        )
    session = boto3.Session(profile_name=profile, region_name=project.region)
    aws_name = stack_name(project.name, function.name)
    client = session.client("lambda", config=Config(retries=RETRIES))
    with aws_errors(f"looking up {aws_name}:{ALIAS}", raises=CorpusError, permissions=PERMISSIONS):
        try:
            found = client.get_function_configuration(FunctionName=aws_name, Qualifier=ALIAS)
        except client.exceptions.ResourceNotFoundException as exc:
            raise CorpusError(f"{aws_name}:{ALIAS} does not exist", remedy="run 'spacy-lambda deploy'") from exc
    _, _, partition_region = str(found["FunctionArn"]).partition("arn:")
    partition, _, own_region, account, *_ = partition_region.split(":")
    info = _info(_invoke(session, aws_name, INFO), aws_name)
    place = bulk_prefix(
        function.bulk, project=project.name, function=function.name, account=account, region=project.region
    )
    return DeployedFunction(
        name=aws_name,
        sha256=parse_digest(info.get("sha256"), name=f"the pipeline's digest of {aws_name}"),
        memory_mb=int(found["MemorySize"]),
        timeout_s=int(found["Timeout"]),
        architecture=_architecture(found),
        concurrency=map_concurrency(function.bulk, function.concurrency),
        request_characters=int(info["limits"]["characters_per_request"]),
        place=place,
        state_machine=f"arn:{partition}:states:{_region(project, own_region)}:{account}:stateMachine:"
        f"{state_machine_name(aws_name)}",
        session=session,
        parts=PipelineParts.of_metadata(info),
    )


def _region(project: Project, own: str) -> str:
    return own or project.region


def _architecture(found: Any) -> str:
    return str((found.get("Architectures") or ["x86_64"])[0])


def _info(invoked: Any, name: str) -> dict[str, Any]:
    """Return the metadata of a response.

    :raises CorpusError: If the function fails.
    """
    payload = invoked["Payload"].read()
    try:
        response = parse_json(payload)
        if invoked.get("FunctionError") is None and response["statusCode"] == 200:
            found: dict[str, Any] = parse_json(response["body"])
            if found["limits"]["characters_per_request"] > 0:
                return found
    except (ValueError, TypeError, KeyError):
        pass
    raise CorpusError(f"{name}:{ALIAS} does not return its metadata: {_start(payload)}", remedy=SEE_LOG)
