"""Changes of moto's Step Functions, which executes definitions in its own process."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.models import StepFunctionsParserBackend


def change_step_functions(patch: pytest.MonkeyPatch) -> None:
    """Make the changes: no waiting before a retry, and map runs of executions that have just begun."""
    patch.setattr(StepFunctionsParserBackend, "list_map_runs", _list_map_runs)
    patch.setattr(retrier_decl, "time", SimpleNamespace(sleep=lambda seconds: None))


def readable(definition: str) -> str:
    """Return a definition as moto reads it: with percentages that have a point."""
    return definition.replace('"ToleratedFailurePercentage":5,', '"ToleratedFailurePercentage":5.0,')


def _list_map_runs(backend: Any, execution_arn: str) -> dict[str, Any]:
    """moto fails while an execution begins."""
    worker = backend.describe_execution(execution_arn=execution_arn).exec_worker
    return {"mapRuns": []} if worker is None or worker.env is None else _list(backend, execution_arn)


_list = StepFunctionsParserBackend.list_map_runs
