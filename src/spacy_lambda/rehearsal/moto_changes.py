"""Changes of moto: functions that run their code, images in an actual registry, and faults that a deployment meets.

moto is imported here, in :mod:`.moto_resources` and in :mod:`.moto_step_functions` alone. Private parts of it are
changed, which is why the extra ``rehearsal`` requires the minor version that the tests have.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partialmethod
from typing import Any

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import FunctionUrlConfig, LambdaBackend, LambdaStorage
from moto.awslambda.responses import LambdaResponse
from moto.awslambda.utils import make_function_arn
from moto.awslambda_simple.models import LambdaSimpleBackend, lambda_simple_backends
from moto.cloudformation.exceptions import CloudFormationError
from moto.cloudformation.models import ChangeSet, CloudFormationBackend, Stack
from moto.cloudformation.parsing import ResourceMap, parse_and_update_resource
from moto.core.config import default_user_config
from moto.core.responses import ActionResult
from moto.ecr.models import Repository
from moto.logs.models import logs_backends
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.responses import S3Response
from moto.sqs.models import sqs_backends
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.sts.models import sts_backends

from spacy_lambda.cdk.spec import ALIAS
from spacy_lambda.core.lambda_function import log_group_name
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.rehearsal.deployed_code import DeployedCode, RunCode
from spacy_lambda.rehearsal.moto_resources import add_resources
from spacy_lambda.rehearsal.moto_step_functions import own_boto3, running_map_runs

__all__ = ["changed_moto", "issued_keys", "live_code", "make_app", "reset", "write_log"]


@contextmanager
def changed_moto(
    run: RunCode, *, registry: str | None = None, url_of: Callable[[str], str] | None = None
) -> Iterator[None]:
    """Change moto for a while.

    :param run: Runs the code of functions.
    :param registry: The registry of images; moto stores none.
    :param url_of: Returns the Function URL of a function, by its name; ``None``: moto invents one.
    """
    add_resources()
    changes: list[tuple[Any, str, Any]] = [
        (LambdaSimpleBackend, "invoke", partialmethod(_invoke, run)),
        (LambdaBackend, "create_event_source_mapping", _create_mapping),
        (LambdaBackend, "update_event_source_mapping", _update_mapping),
        (LambdaBackend, "_send_sqs_message", _send_message),
        (CloudFormationBackend, "delete_change_set", _delete_change_set),
        (CloudFormationBackend, "describe_change_set", _describe_change_set),
        (LambdaResponse, "_get_param", _get_param),
        (LambdaStorage, "publish_version", _publish_version),
        (ResourceMap, "update", _update),
        (ChangeSet, "apply", _apply),
        (Stack, "stack_resources", property(_stack_resources)),
        (ResourceMap, "parse_ssm_parameter", _parse_ssm_parameter),
        (StepFunctionsParserBackend, "list_map_runs", running_map_runs),
        (boto_client, "boto3", own_boto3()),
        (S3Response, "get_bucket_notification", _get_bucket_notification),
    ]
    if registry is not None:
        changes.append((Repository, "__init__", partialmethod(_make_repository, registry=registry)))
    if url_of is not None:
        changes.append((FunctionUrlConfig, "__init__", partialmethod(_make_url, url_of=url_of)))
    with ExitStack() as undone:
        for owner, name, value in changes:
            undone.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, value)
        config = default_user_config.copy()
        undone.callback(default_user_config.update, config)
        default_user_config["lambda"] = {"use_docker": False}
        default_user_config["stepfunctions"] = {"execute_state_machine": True}
        yield


def make_app() -> Any:
    """Return moto's WSGI application of all services."""
    return DomainDispatcherApplication(create_backend_app)


def reset() -> None:
    """Forget all resources: of an earlier emulator in this process."""
    moto_api_backend.reset()
    _REGISTRIES.clear()


def issued_keys() -> set[str]:
    """Return the ids of the keys that moto has issued for roles, which the CDK assumes."""
    backends = [backend for account in sts_backends.values() for backend in account.values()]
    return {role.access_key_id for backend in backends for role in backend.assumed_roles}


def write_log(account: str, region: str, code: DeployedCode, number: int, line: str) -> None:
    """Write one line of an execution environment to the function's log group, if it exists."""
    backend = logs_backends[account][region]
    group = log_group_name(code.function)
    if group in backend.groups:
        now = datetime.now(UTC)
        stream = f"{now:%Y/%m/%d}/[{code.version}]{number:032x}"
        backend.ensure_log_stream(group, stream)
        backend.put_log_events(group, stream, [{"timestamp": int(now.timestamp() * 1000), "message": line}])


def _invoke(
    backend: Any,
    run: RunCode,
    function_name: str,
    qualifier: str | None,
    body: Any,
    headers: Any,
    response_headers: Any,
) -> bytes:
    """Run the code of that version; moto returns the event."""
    code = _code_of(backend.get_function(function_name, qualifier))
    response = run(code, body.encode() if isinstance(body, str) else body)
    response_headers.update({name.lower(): value for name, value in response.headers.items()})
    return response.payload


def live_code(account: str, region: str, function: str) -> DeployedCode | None:
    """Return the live version of a function; ``None`` if there is none."""
    try:
        return _code_of(lambda_simple_backends[account][region].get_function(function, ALIAS))
    except LambdaClientError:
        return None


def _code_of(found: Any) -> DeployedCode:
    image = found.code.get("ImageUri")
    if image is not None:
        host, _, rest = image.partition("/")
        image = f"{_REGISTRIES.get(host, host)}/{rest}"
    return DeployedCode(
        function=found.function_name,
        version=str(found.version),
        archive=b"" if image else found.code_bytes,
        image=image,
        variables=found.environment_vars,
        memory_mb=int(found.memory_size),
        timeout_s=int(found.timeout),
    )


def _make_url(url: Any, *arguments: Any, url_of: Callable[[str], str], **options: Any) -> None:
    _init_url(url, *arguments, **options)
    url.url = url_of(url.function.function_name)


_init_url = FunctionUrlConfig.__init__


def _create_mapping(backend: Any, spec: dict[str, Any]) -> Any:
    return _mapped_to_alias(backend, _create(backend, spec), spec)


def _update_mapping(backend: Any, uuid: str, spec: dict[str, Any]) -> Any:
    return _mapped_to_alias(backend, _update_one(backend, uuid, spec), spec)


def _mapped_to_alias(backend: Any, mapping: Any, spec: dict[str, Any]) -> Any:
    """moto takes the version that the alias has now, and would invoke that one from then on."""
    mapping.function_arn = make_function_arn(backend.region_name, backend.account_id, spec["FunctionName"])
    for queue in sqs_backends[backend.account_id][backend.region_name].queues.values():
        if queue.queue_arn == mapping.event_source_arn:
            queue.lambda_event_source_mappings = {mapping.function_arn: mapping}
    return mapping


_create = LambdaBackend.create_event_source_mapping
_update_one = LambdaBackend.update_event_source_mapping


def _send_message(backend: Any, function_arn: str, message: Any, queue_arn: str) -> bool:
    """Deliver one message; moto ignores the failures that the response reports."""
    record = {"messageId": message.id, "body": message.body, "eventSource": "aws:sqs", "eventSourceARN": queue_arn}
    answer = parse_json(backend.invoke(function_arn, None, json.dumps({"Records": [record]}), {}, {}))
    return bool(answer == {"batchItemFailures": []})


def _get_bucket_notification(response: Any) -> Any:
    """Return that a bucket sends its events to EventBridge, as an expected one does; moto leaves that out."""
    found = response.backend.get_bucket_notification_configuration(response.bucket_name)
    if found is None or found.topic or found.queue or found.cloud_function:
        return _get_notification(response)
    response.data["Action"] = "GetBucketNotificationConfiguration"
    return response.serialized(ActionResult({"EventBridgeConfiguration": {}}))


_get_notification = S3Response.get_bucket_notification


def _make_repository(repository: Any, *arguments: Any, registry: str, **options: Any) -> None:
    _init_repository(repository, *arguments, **options)
    host, _, name = repository.uri.partition("/")
    _REGISTRIES[host] = registry
    repository.uri = f"{registry}/{name}"


_init_repository = Repository.__init__
_REGISTRIES: dict[str, str] = {}
"""The actual registry of the images in each of ECR's registries."""


class _ChangeSetNotFound(CloudFormationError):
    code = "ChangeSetNotFound"


def _parse_ssm_parameter(resources: Any, value: str, value_type: str) -> str:
    """In an update moto takes the parameter's value for its name."""
    return value if value.isdigit() else _parse(resources, value, value_type)


_parse = ResourceMap.parse_ssm_parameter


def _get_param(response: Any, name: str, default: Any = None) -> Any:
    """moto looks for the version that is invoked under another name than it is sent by."""
    return _param(response, "Qualifier" if name == "qualifier" else name, default)


_param = LambdaResponse._get_param


def _publish_version(storage: Any, name_or_arn: str, description: str = "") -> Any:
    """moto counts the versions that are there, and gives the number of one that was deleted to another."""
    published: Any = _publish(storage, name_or_arn, description)
    name = published.function_name
    highest = storage.__dict__.setdefault("highest", {})
    if published.version <= highest.get(name, 0) and published is storage._functions[name]["versions"][-1]:
        same = published.code_sha_256 == highest.get((name, published.version))
        published.set_version(published.version if same else highest[name] + 1)
        # By its ARN, it deletes each version with the function.
        storage._arns.update({one.function_arn: one for one in storage._functions[name]["versions"]})
    highest[name] = max(highest.get(name, 0), published.version)
    highest[(name, published.version)] = published.code_sha_256
    return published


_publish = LambdaStorage.publish_version


def _update(resources: Any, template: Any, parameters: Any = None) -> None:
    """moto adds before it changes, and would publish a version of the code before the new one."""
    for name in resources.build_resource_diff(template, parameters)["Modify"]:
        declared = template["Resources"][name]
        if declared["Type"] == "AWS::Lambda::Function":
            account, region = resources._account_id, resources._region_name
            parse_and_update_resource(name, declared, resources, account_id=account, region_name=region)
    _update_all(resources, template, parameters)


_update_all = ResourceMap.update


def _apply(change_set: Any) -> None:
    """moto forgets the outputs of what comes by a change set, as everything of the CDK's does."""
    _apply_resources(change_set)
    change_set.stack.template = change_set.template
    change_set.stack._parse_template()
    change_set.stack.output_map = change_set.stack._create_output_map()


_apply_resources = ChangeSet.apply


def _stack_resources(stack: Any) -> list[Any]:
    """moto lists what it has not made, such as the policy of a bucket, without a type and a name."""
    return [one for one in stack.resource_map.values() if one is not None]


def _change_sets(backend: Any, name: str) -> list[str]:
    return [
        key
        for key, change_set in backend.change_sets.items()
        if name in (change_set.change_set_name, change_set.change_set_id)
    ]


def _delete_change_set(backend: Any, change_set_name: str) -> None:
    """The CDK deletes what a deployment before it may have left; moto fails where there is nothing."""
    for key in _change_sets(backend, change_set_name):
        del backend.change_sets[key]


def _describe_change_set(backend: Any, change_set_name: str) -> Any:
    """The CDK waits until it is gone; moto has another error for that than CloudFormation."""
    found = _change_sets(backend, change_set_name)
    if not found:
        raise _ChangeSetNotFound(f"ChangeSet [{change_set_name}] does not exist")
    return backend.change_sets[found[-1]]
