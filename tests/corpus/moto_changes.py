"""Changes of moto for bulk annotation: a function that answers here, and histories of executions that are its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partialmethod
from typing import Any

import pytest
from moto import mock_aws
from moto.awslambda.responses import LambdaResponse
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.core.responses import ActionResult
from moto.stepfunctions.responses import StepFunctionResponse

from tests.step_functions import change_step_functions

__all__ = ["change_moto", "mock_aws"]


def change_moto(
    patch: pytest.MonkeyPatch, invoke: Callable[[Any], tuple[Any, bool]], histories: dict[str, Any]
) -> None:
    """Change moto.

    :param invoke: Returns a function's response to an event, and whether it is an error.
    :param histories: Events of a Map's executions, by their ARN.
    """

    def invoke_here(backend: Any, name: str, qualifier: Any, body: Any, headers: Any, response_headers: Any) -> bytes:
        answer, failed = invoke(json.loads(body))
        if failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        return json.dumps(answer).encode()

    patch.setattr(LambdaSimpleBackend, "invoke", invoke_here)
    patch.setattr(LambdaResponse, "_get_param", _get_param)
    change_step_functions(patch)
    patch.setattr(StepFunctionResponse, "list_executions", partialmethod(_list_executions, histories=histories))
    patch.setattr(StepFunctionResponse, "get_execution_history", partialmethod(_history, histories=histories))


def _get_param(response: Any, name: str, default: Any = None) -> Any:
    """moto looks for the version that is invoked under another name than it is sent by."""
    return _param(response, "Qualifier" if name == "qualifier" else name, default)


_param = LambdaResponse._get_param


def _list_executions(response: Any, *, histories: dict[str, Any]) -> Any:
    """moto does not know the executions of a Map's items."""
    if response._get_param("mapRunArn") is None:
        return _list_all(response)
    failed = [
        {
            "executionArn": arn,
            "name": arn.rpartition(":")[2],
            "startDate": history[0]["timestamp"],
            "stateMachineArn": response._get_param("mapRunArn"),
            "status": "FAILED",
        }
        for arn, history in histories.items()
        if history[-1]["type"] == "ExecutionFailed"
    ]
    return ActionResult({"executions": failed if response._get_param("statusFilter") == "FAILED" else []})


_list_all = StepFunctionResponse.list_executions


def _history(response: Any, *, histories: dict[str, Any]) -> Any:
    return ActionResult({"events": histories[response._get_param("executionArn")]})
