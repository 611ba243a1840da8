"""Lambda's entry point. Importing it loads the pipeline: that is Lambda's init phase.

Set the function's handler to ``spacy_lambda.runtime.handler.handler`` and ``SPACY_LAMBDA_PIPELINE`` to where the
compiled pipeline is: a folder, or a location in S3 or on the Hub, from which it is fetched and verified.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import Any

from spacy_lambda.errors import RequestError

# First, so that spaCy is imported without its command line.
from spacy_lambda.runtime.loading import load_pipeline, locate_pipeline  # isort: skip
from spacy_lambda.runtime.events.dispatch import dispatch
from spacy_lambda.runtime.labels import entity_labels
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.telemetry.recorder import Recorder

__all__ = ["handler"]

_located = locate_pipeline()
_predictor = Predictor(load_pipeline(_located.path), os.environ, _located.sha256)
_recorder = Recorder(
    os.environ,
    model=_located.sha256 or f"{_predictor.nlp.meta['name']}-{_predictor.nlp.meta['version']}",
    labels=entity_labels(_predictor.nlp),
)


def handler(event: Any, context: Any) -> Any:
    """Handle one invocation.

    :param event: ``{"text": ...}``, ``{"texts": [...]}`` or ``{"inputs": ...}``, each with or without ``include`` and
        ``long_text``; or what a service of AWS sends, with such a request in it (see :mod:`.events`).
    :param context: Lambda's context object.
    :raises RequestError: If the event is not a valid request. Lambda reports it with ``X-Amz-Function-Error``.
    """
    _located.mark()
    try:
        with _recorder.invocation(getattr(context, "aws_request_id", None)) as observation:
            return dispatch(event, context, replace(_predictor, observation=observation))
    except RequestError as exc:
        raise _client_error(exc) from None


def _client_error(error: RequestError) -> Exception:
    """Return the error in the form that reaches the caller with its fields and without a stack trace.

    Lambda's runtime client adds one to every exception but its own ``FaultException``, and logs the message of each:
    none may quote the event.
    """
    exceptions = sys.modules.get("awslambdaric.lambda_runtime_exception")
    if exceptions is None:
        return error.loggable
    from spacy_lambda.core.wire_errors import to_function_error

    fault: Exception = exceptions.FaultException(RequestError.__name__, to_function_error(error))
    return fault
