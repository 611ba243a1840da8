"""Lambda's entry point. Importing it loads the pipeline: that is Lambda's init phase.

Set the function's handler to ``spacy_lambda.runtime.handler.handler`` and ``SPACY_LAMBDA_PIPELINE`` to where the
compiled pipeline is: a folder, or a location in S3 or on the Hub, from which it is fetched and verified.
"""

from __future__ import annotations

import sys
from typing import Any

from ..errors import RequestError
from .pipeline import load_pipeline, locate_pipeline
from .requests import parse_request

from .answers import answer  # isort: skip

__all__ = ["handler"]

_located = locate_pipeline()
_nlp = load_pipeline(_located.path)


def handler(event: Any, context: Any) -> Any:
    """Answer one direct invocation.

    :param event: ``{"text": ...}``, ``{"texts": [...]}`` or ``{"inputs": ...}``, each with or without ``include``.
    :param context: Lambda's context object; not used.
    :raises RequestError: When the event is not a request. Lambda reports it with ``X-Amz-Function-Error``.
    """
    _located.mark()
    try:
        request = parse_request(event, max_length=_nlp.max_length)
    except RequestError as exc:
        raise _client_error(exc) from None
    return answer(_nlp, request)


def _client_error(error: RequestError) -> Exception:
    """The error in the form that reaches the caller without a stack trace.

    Lambda's runtime client adds one to every exception but its own ``FaultException``.
    """
    exceptions = sys.modules.get("awslambdaric.lambda_runtime_exception")
    if exceptions is None:
        return error
    fault: Exception = exceptions.FaultException(type(error).__name__, str(error))
    return fault
