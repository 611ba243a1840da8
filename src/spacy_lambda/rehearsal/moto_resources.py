"""Resources that moto has, but not through CloudFormation: each is a call of the API that CloudFormation would make.

Policies of buckets are left out: moto ignores conditions, and would refuse what does not come by TLS.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError
from moto.awslambda.models import LambdaVersion
from moto.cloudformation.parsing import get_model_list, get_model_map
from moto.core.common_models import CloudFormationModel
from moto.efs.models import FileSystem
from moto.logs.models import LogGroup

from spacy_lambda.rehearsal.moto_step_functions import moto_definition

__all__ = ["add_resources"]

Properties = dict[str, Any]


@dataclass(frozen=True)
class Api:
    """Operations that create and delete resources of one type.

    :param put: Creates or replaces it; returns its attributes, ``Ref`` among them.
    :param delete: Takes the value of ``Ref`` and the properties.
    """

    put: Callable[[Properties], dict[str, str]]
    delete: Callable[[str, Properties], None]


def _client(service: str) -> Any:
    region = os.environ["AWS_REGION"]
    return boto3.client(service, region_name=region, endpoint_url=os.environ["AWS_ENDPOINT_URL"])


def _put_alias(properties: Properties) -> dict[str, str]:
    client = _client("lambda")
    alias_parameters = {key: properties[key] for key in ("FunctionName", "Name", "FunctionVersion")}
    try:
        alias = client.create_alias(**alias_parameters)
    except ClientError:
        alias = client.update_alias(**alias_parameters)
    return {"Ref": alias["AliasArn"], "AliasArn": alias["AliasArn"]}


def _delete_alias(ref: str, properties: Properties) -> None:
    with suppress(ClientError):  # of a function that is gone already
        _client("lambda").delete_alias(FunctionName=properties["FunctionName"], Name=properties["Name"])


def _put_url(properties: Properties) -> dict[str, str]:
    client = _client("lambda")
    cors = {"Cors": properties["Cors"]} if "Cors" in properties else {}
    url_parameters = {"FunctionName": properties["TargetFunctionArn"], "AuthType": properties["AuthType"], **cors}
    try:
        url = client.get_function_url_config(FunctionName=properties["TargetFunctionArn"])
    except client.exceptions.ResourceNotFoundException:
        url = client.create_function_url_config(**url_parameters)
    return {"Ref": properties["TargetFunctionArn"], "FunctionUrl": url["FunctionUrl"]}


def _put_alarm(properties: Properties) -> dict[str, str]:
    client = _client("cloudwatch")
    client.put_metric_alarm(**{key: value for key, value in properties.items() if key != "Tags"})
    (alarm,) = client.describe_alarms(AlarmNames=[properties["AlarmName"]])["MetricAlarms"]
    return {"Ref": properties["AlarmName"], "Arn": alarm["AlarmArn"]}


def _put_subscription(properties: Properties) -> dict[str, str]:
    subscription = {key: properties[key] for key in ("TopicArn", "Protocol", "Endpoint")}
    return {"Ref": _client("sns").subscribe(**subscription)["SubscriptionArn"]}


def _put_queue_policy(properties: Properties) -> dict[str, str]:
    for queue in properties["Queues"]:
        policy = {"Policy": json.dumps(properties["PolicyDocument"])}
        _client("sqs").set_queue_attributes(QueueUrl=queue, Attributes=policy)
    return {"Ref": "queue-policy"}


def _put_event_invoke_config(properties: Properties) -> dict[str, str]:
    config = {key: properties[key] for key in ("FunctionName", "Qualifier", "DestinationConfig")}
    _client("lambda").put_function_event_invoke_config(**config)
    return {"Ref": "event-invoke-config"}


def _put_schedule(properties: Properties) -> dict[str, str]:
    client = _client("scheduler")
    told = {key: properties[key] for key in ("FlexibleTimeWindow", "ScheduleExpression", "Target")}
    name = properties["Description"].replace(": ", "-").replace(" ", "-")
    try:
        client.create_schedule(Name=name, **told)
    except client.exceptions.ConflictException:
        client.update_schedule(Name=name, **told)
    return {"Ref": name}


def _put_state_machine(properties: Properties) -> dict[str, str]:
    client = _client("stepfunctions")
    name, definition = properties["StateMachineName"], moto_definition(properties["DefinitionString"])
    try:
        created = client.create_state_machine(name=name, definition=definition, roleArn=properties["RoleArn"])
    except client.exceptions.StateMachineAlreadyExists:
        (arn,) = (
            one["stateMachineArn"] for one in client.list_state_machines()["stateMachines"] if one["name"] == name
        )
        client.update_state_machine(stateMachineArn=arn, definition=definition)
        return {"Ref": arn, "Arn": arn, "Name": name}
    return {"Ref": created["stateMachineArn"], "Arn": created["stateMachineArn"], "Name": name}


def _nothing(ref: str, properties: Properties) -> None:
    """It goes with what it belongs to."""


APIS = {
    "AWS::CloudWatch::Alarm": Api(_put_alarm, lambda ref, _: _client("cloudwatch").delete_alarms(AlarmNames=[ref])),
    "AWS::Lambda::Alias": Api(_put_alias, _delete_alias),
    "AWS::Lambda::EventInvokeConfig": Api(_put_event_invoke_config, _nothing),
    "AWS::Lambda::Url": Api(_put_url, _nothing),
    "AWS::Scheduler::Schedule": Api(_put_schedule, lambda ref, _: _client("scheduler").delete_schedule(Name=ref)),
    "AWS::SNS::Subscription": Api(_put_subscription, lambda ref, _: _client("sns").unsubscribe(SubscriptionArn=ref)),
    "AWS::SQS::QueuePolicy": Api(_put_queue_policy, _nothing),
    "AWS::StepFunctions::StateMachine": Api(
        _put_state_machine, lambda ref, _: _client("stepfunctions").delete_state_machine(stateMachineArn=ref)
    ),
}


class Resource:
    """One resource of a stack."""

    def __init__(self, properties: Properties, attributes: dict[str, str]) -> None:
        self.properties = properties
        self.attributes = attributes

    @property
    def physical_resource_id(self) -> str:
        return self.attributes["Ref"]

    def get_cfn_attribute(self, name: str) -> str:
        return self.attributes[name]

    @classmethod
    def has_cfn_attr(cls, name: str) -> bool:
        return True

    @staticmethod
    def is_created() -> bool:
        return True


def _model(kind: str, api: Api) -> type:
    """moto's class of a type; it finds each by its type's name."""

    def create(cls: Any, /, name: str, definition: Any, account: str, region: str, **_: Any) -> Any:
        return cls(definition["Properties"], api.put(definition["Properties"]))

    def update(cls: Any, /, original_resource: Any, new_resource_name: str, cloudformation_json: Any, **_: Any) -> Any:
        return cls(cloudformation_json["Properties"], api.put(cloudformation_json["Properties"]))

    def delete(self: Any, account: str, region: str) -> None:
        api.delete(self.physical_resource_id, self.properties)

    return type(
        kind.replace(":", ""),
        (Resource, CloudFormationModel),
        {
            "cloudformation_name_type": staticmethod(lambda: ""),
            "cloudformation_type": staticmethod(lambda: kind),
            "create_from_cloudformation_json": classmethod(create),
            "update_from_cloudformation_json": classmethod(update),
            "delete": delete,
        },
    )


def _keep(cls: Any, /, original_resource: Any, **_: Any) -> Any:
    """moto forgets a log group of which only the tags change."""
    return original_resource


def add_resources() -> None:
    """Add them to moto's CloudFormation, once, with the number of a version and the ARN of a file system."""
    if _ADDED:
        return
    _ADDED.extend(_model(kind, api) for kind, api in APIS.items())
    version: Any = LambdaVersion
    file_system: Any = FileSystem
    log_group: Any = LogGroup
    version.get_cfn_attribute = lambda self, name: str(self.version)
    version.has_cfn_attr = classmethod(lambda cls, name: True)
    version.physical_resource_id = property(lambda self: f"version-{self.version}")
    version.delete = lambda self, account, region: None
    file_system.get_cfn_attribute = lambda self, name: self.file_system_arn
    file_system.has_cfn_attr = classmethod(lambda cls, name: True)
    log_group.update_from_cloudformation_json = classmethod(_keep)
    get_model_list.cache_clear()
    get_model_map.cache_clear()


_ADDED: list[type] = []
"""moto's classes of the types; it finds subclasses, which must not be collected as garbage."""
