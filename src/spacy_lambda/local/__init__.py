"""The local Lambda: a function behind Lambda's own protocols, on this machine.

The names are loaded when they are used: the client needs boto3, the server starlette and uvicorn (all of them
in the extra ``local``), and reading a REPORT line needs neither.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spacy_lambda.client.invocation import FunctionError, Invocation
    from spacy_lambda.client.report_line import Report, parse_report
    from spacy_lambda.local.caller import invoke
    from spacy_lambda.local.local_lambda import LocalLambda, serve
    from spacy_lambda.local.program import Program, installed_program
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
    "serve",
    "serve_functions",
    "side_by_side",
]

_MODULES = {
    "Deployment": "spacy_lambda.local.routes",
    "FunctionError": "spacy_lambda.client.invocation",
    "FunctionSettings": "spacy_lambda.local.settings",
    "Invocation": "spacy_lambda.client.invocation",
    "LocalLambda": "spacy_lambda.local.local_lambda",
    "Program": "spacy_lambda.local.program",
    "Report": "spacy_lambda.client.report_line",
    "ServedFunction": "spacy_lambda.local.server",
    "installed_program": "spacy_lambda.local.program",
    "invoke": "spacy_lambda.local.caller",
    "parse_report": "spacy_lambda.client.report_line",
    "serve": "spacy_lambda.local.local_lambda",
    "serve_functions": "spacy_lambda.local.server",
    "side_by_side": "spacy_lambda.local.routes",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)
