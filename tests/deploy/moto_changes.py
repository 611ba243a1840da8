"""Changes of moto: functions that answer, images of an actual registry, and its faults that a deployment meets."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tempfile
import zipfile
from dataclasses import replace
from functools import cache, partialmethod
from pathlib import Path
from typing import Any

import pytest
from moto.awslambda.models import LambdaBackend, LambdaStorage
from moto.awslambda.responses import LambdaResponse
from moto.awslambda.utils import make_function_arn
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.cloudformation.exceptions import CloudFormationError
from moto.cloudformation.models import ChangeSet, CloudFormationBackend
from moto.cloudformation.parsing import ResourceMap, parse_and_update_resource
from moto.ecr.models import Repository
from moto.sqs.models import sqs_backends

from spacy_lambda.core.artifact.integrity import folder_digest
from spacy_lambda.core.artifact.pack import manifest_of
from spacy_lambda.local import FunctionSettings, LocalLambda
from spacy_lambda.local.bundle import open_bundle
from spacy_lambda.local.requirements import read_source
from spacy_lambda.runtime.events.dispatch import dispatch
from spacy_lambda.runtime.loading import load_pipeline
from spacy_lambda.runtime.predictor import Predictor
from tests.bundler.real_bundles import invoke
from tests.deploy.resources import teach_moto
from tests.step_functions import change_step_functions


def change_moto(patch: pytest.MonkeyPatch, *, registry: str | None) -> None:
    """Make the changes.

    :param registry: The registry of images.
    """
    teach_moto()
    change_step_functions(patch)
    patch.setattr(LambdaSimpleBackend, "invoke", _invoke)
    patch.setattr(LambdaBackend, "create_event_source_mapping", _create_mapping)
    patch.setattr(LambdaBackend, "update_event_source_mapping", _update_mapping)
    patch.setattr(LambdaBackend, "_send_sqs_message", _send_message)
    patch.setattr(CloudFormationBackend, "delete_change_set", _delete_change_set)
    patch.setattr(CloudFormationBackend, "describe_change_set", _describe_change_set)
    patch.setattr(LambdaResponse, "_get_param", _get_param)
    patch.setattr(LambdaStorage, "publish_version", _publish_version)
    patch.setattr(ResourceMap, "update", _update)
    patch.setattr(ChangeSet, "apply", _apply)
    patch.setattr(ResourceMap, "parse_ssm_parameter", _parse_ssm_parameter)
    if registry is not None:
        patch.setattr(Repository, "__init__", partialmethod(_make_repository, registry=registry))


def _invoke(
    backend: Any, function_name: str, qualifier: str | None, body: Any, headers: Any, response_headers: Any
) -> bytes:
    """Answer as the deployed code would: by the pipeline that is in the zip of that version."""
    found = backend.get_function(function_name, qualifier)
    if "ImageUri" in found.code:
        return _ask_image(found.code["ImageUri"], found.environment_vars, json.loads(body))
    code = found.code_bytes
    digest = hashlib.sha256(code).hexdigest()
    _CODE[digest] = code
    function = _function(digest)
    environ = {**found.environment_vars, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(found.memory_size)}
    answer = dispatch(json.loads(body), None, replace(function, environ=environ))
    return json.dumps(answer).encode()


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
    answer = json.loads(backend.invoke(function_arn, None, json.dumps({"Records": [record]}), {}, {}))
    return bool(answer == {"batchItemFailures": []})


def _ask_image(uri: str, variables: dict[str, str], event: Any) -> bytes:
    """Answer by the local Lambda, in the image; there is no EFS, so that a model is fetched to /tmp."""
    host, _, rest = uri.partition("/")
    image = f"{_REGISTRIES[host]}/{rest}"
    environment = {name: value for name, value in variables.items() if name != "SPACY_LAMBDA_CACHE"}
    fetched = environment.get("SPACY_LAMBDA_PIPELINE")
    with open_bundle(image, engine="buildah") as runnable:
        settings = FunctionSettings(pipeline=image, handler=runnable.handler, environment=environment)
        added = read_source(fetched).variables if fetched else {}
        with LocalLambda(
            settings, program=replace(runnable.program, variables={**runnable.program.variables, **added})
        ) as local:
            return json.dumps(invoke(local.endpoint_url, event)).encode()


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


_CODE: dict[str, bytes] = {}


@cache
def _function(digest: str) -> Predictor:
    folder = tempfile.mkdtemp(prefix="deployed-")
    try:
        with zipfile.ZipFile(io.BytesIO(_CODE[digest])) as archive:
            names = [name for name in archive.namelist() if name.startswith("pipeline/")]
            archive.extractall(folder, names)
        pipeline = Path(folder, "pipeline")
        return Predictor(load_pipeline(pipeline), {}, folder_digest(pipeline, manifest_of(pipeline)))
    finally:
        shutil.rmtree(folder)
