"""The local Lambda: functions behind Lambda's own protocols, on this machine.

The flow::

    PIPELINE ──requirements──▶ task root ─┐
    a zip ──────────bundle────────────────┼──▶ Program (settings)     once for each function, when the server starts
    an image ──bundle, image──────────────┘

    caller ──invoke_api──▶ InvokeRequest ─┐                           caller ◀── HTTP 200, REPORT ── Outcome
    browser ──router, function_url────────┼──▶ pool ──▶ execution_environment ──runtime_api──▶ awslambdaric ──▶ handler
                                                                      │
                                                     process and supervisor, env, log_pipe, lambda_errors

``server`` puts these together for an event loop, ``local_lambda`` for code without one; ``http_server`` and ``access``
are below both APIs, and ``caller`` is the caller's side. No environment is started before the first request.

The names are imported when they are used: the server needs starlette and uvicorn, the caller's side boto3 (all of them
in the extra ``local``), and reading a REPORT line needs neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spacy_lambda.extras import lazy_imports

if TYPE_CHECKING:
    from spacy_lambda.client.invocation import FunctionError, Invocation
    from spacy_lambda.client.report_line import Report, parse_report
    from spacy_lambda.local.caller import invoke
    from spacy_lambda.local.local_lambda import LocalLambda, serve
    from spacy_lambda.local.requirements import installed_program
    from spacy_lambda.local.router import side_by_side
    from spacy_lambda.local.server import ServedFunction, serve_functions
    from spacy_lambda.local.settings import FunctionSettings, LocalFunction, Program

__all__ = [
    "FunctionError",
    "FunctionSettings",
    "Invocation",
    "LocalFunction",
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

_LAZY_IMPORTS = {
    "FunctionError": "spacy_lambda.client.invocation",
    "FunctionSettings": "spacy_lambda.local.settings",
    "Invocation": "spacy_lambda.client.invocation",
    "LocalFunction": "spacy_lambda.local.settings",
    "LocalLambda": "spacy_lambda.local.local_lambda",
    "Program": "spacy_lambda.local.settings",
    "Report": "spacy_lambda.client.report_line",
    "ServedFunction": "spacy_lambda.local.server",
    "installed_program": "spacy_lambda.local.requirements",
    "invoke": "spacy_lambda.local.caller",
    "parse_report": "spacy_lambda.client.report_line",
    "serve": "spacy_lambda.local.local_lambda",
    "serve_functions": "spacy_lambda.local.server",
    "side_by_side": "spacy_lambda.local.router",
}

__getattr__ = lazy_imports(__name__, _LAZY_IMPORTS)
