"""The local Lambda: a function behind Lambda's own protocols, on this machine.

The names are loaded when they are used: the client needs boto3, the server starlette and uvicorn (all of them
in the extra ``local``), and reading a REPORT line needs neither.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spacy_lambda.local.background import LocalLambda
    from spacy_lambda.local.client import FunctionError, Invocation, invoke
    from spacy_lambda.local.deployment import Deployment, side_by_side
    from spacy_lambda.local.program import Program, installed_program
    from spacy_lambda.local.report import Report, parse_report
    from spacy_lambda.local.serving import ServedFunction, serve_functions
    from spacy_lambda.local.settings import FunctionSettings
    from spacy_lambda.local.taskroot import TaskRoot, build_task_root

__all__ = [
    "Deployment",
    "FunctionError",
    "FunctionSettings",
    "Invocation",
    "LocalLambda",
    "Program",
    "Report",
    "ServedFunction",
    "TaskRoot",
    "build_task_root",
    "installed_program",
    "invoke",
    "parse_report",
    "serve_functions",
    "side_by_side",
]

_MODULES = {
    "Deployment": "deployment",
    "FunctionError": "client",
    "FunctionSettings": "settings",
    "Invocation": "client",
    "LocalLambda": "background",
    "Program": "program",
    "Report": "report",
    "ServedFunction": "serving",
    "TaskRoot": "taskroot",
    "build_task_root": "taskroot",
    "installed_program": "program",
    "invoke": "client",
    "parse_report": "report",
    "serve_functions": "serving",
    "side_by_side": "deployment",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
