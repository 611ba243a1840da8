"""Changes of moto's Step Functions, which executes definitions in its own process."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import boto3
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

__all__ = ["moto_definition", "own_boto3", "running_map_runs"]


_WHOLE_PERCENTAGE = re.compile(r'("ToleratedFailurePercentage"\s*:\s*\d+)(?=\s*[,}])')


def moto_definition(definition: str) -> str:
    """Return a definition as moto parses it: with a decimal point in every tolerated failure percentage."""
    return _WHOLE_PERCENTAGE.sub(r"\1.0", definition)


def running_map_runs(backend: Any, execution_arn: str) -> dict[str, Any]:
    """Return the map runs of an execution; moto fails while it begins."""
    worker = backend.describe_execution(execution_arn=execution_arn).exec_worker
    return {"mapRuns": []} if worker is None or worker.env is None else _list(backend, execution_arn)


_list = StepFunctionsParserBackend.list_map_runs


def own_boto3() -> Any:
    """Return a stand-in for boto3, with which state machines call the emulator by its address and with its key."""
    return SimpleNamespace(client=_client)


def _client(*, region_name: str, service_name: str, config: Any, **_: Any) -> Any:
    return boto3.client(service_name, region_name=region_name, config=config)
