"""The local Lambda: a function behind Lambda's own protocols, on this machine.

The names are loaded when they are used: the client needs boto3, the server starlette and uvicorn (all of them
in the extra ``local``), and reading a REPORT line needs neither.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spacy_lambda.local.caller import FunctionError, Invocation, invoke
    from spacy_lambda.local.local_lambda import LocalLambda
    from spacy_lambda.local.program import Program, installed_program
    from spacy_lambda.local.report_line import Report, parse_report
    from spacy_lambda.local.routes import Deployment, side_by_side
    from spacy_lambda.local.server import ServedFunction, serve_functions
    from spacy_lambda.local.settings import FunctionSettings

__all__ = [
    "Deployment",
    "FunctionError",
    "FunctionSettings",
    "Invocation",
    "LocalLambda",
    "Program",
    "Report",
    "ServedFunction",
    "installed_program",
    "invoke",
    "parse_report",
    "serve_functions",
    "side_by_side",
]

_MODULES = {
    "Deployment": "routes",
    "FunctionError": "caller",
    "FunctionSettings": "settings",
    "Invocation": "caller",
    "LocalLambda": "local_lambda",
    "Program": "program",
    "Report": "report_line",
    "ServedFunction": "server",
    "installed_program": "program",
    "invoke": "caller",
    "parse_report": "report_line",
    "serve_functions": "server",
    "side_by_side": "routes",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
