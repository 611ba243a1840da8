"""Addresses of functions that need no project: ``NAME:ALIAS``, an ARN, or a URL."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from spacy_lambda.errors import InvokeError, RequestError

if TYPE_CHECKING:
    from spacy_lambda.client.invocation import Invocation

__all__ = ["invoke_address", "is_address"]

FORMS = "NAME:ALIAS, an ARN or a URL"

_URL = re.compile(r"https?://", re.IGNORECASE)


def is_address(name: object) -> bool:
    """Return whether a command's argument is an address, which has a colon; no name of a project has one."""
    return isinstance(name, str) and ":" in name


def invoke_address(address: str, event: Any, *, region: str | None) -> Invocation:
    """Invoke a function once, without a retry. A URL gets the event as the body of a ``POST /predict``.

    :param region: By default that of the address, of the environment or of the AWS configuration.
    :raises InvokeError: If the function cannot be reached or refuses the request, or its region is unknown.
    """
    if _URL.match(address):
        return _call_url(address, event, region)
    from spacy_lambda.local.caller import invoke

    return invoke(None, address, event, region=region or _region(address))


def _region(address: str) -> str:
    import boto3

    from spacy_lambda.aws.errors import aws_errors
    from spacy_lambda.client.connect import ARN
    from spacy_lambda.config.precedence import ambient_region

    arn = ARN.match(address)
    with aws_errors("reading the AWS configuration", raises=InvokeError):
        region: str | None = arn[1] if arn else ambient_region(os.environ) or boto3.Session().region_name
    if region is None:
        raise InvokeError(f"the region of {address} is unknown", remedy="pass --region NAME, or set AWS_REGION")
    return region


def _call_url(url: str, event: Any, region: str | None) -> Invocation:
    from spacy_lambda.client.connect import Connection, open_transport
    from spacy_lambda.client.invocation import FunctionError, Invocation
    from spacy_lambda.client.lambda_api import WAIT_S
    from spacy_lambda.client.transport import CallError, to_json

    transport = open_transport(url, Connection(region=region, timeout_s=WAIT_S, concurrency=1))
    answer, error = None, None
    try:
        answer = transport.predict(to_json(event))
    except CallError as failed:
        if not isinstance(failed.error, RequestError):
            raise failed.error from failed.__cause__
        error = FunctionError(
            error_type=RequestError.__name__, message=failed.error.message, request_error=failed.error
        )
    finally:
        transport.close()
    return Invocation(answer=answer, error=error, status=200, executed_version="", request_id="", log_tail="")
