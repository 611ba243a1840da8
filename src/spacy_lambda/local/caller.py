"""One invocation of a function at an endpoint, or in AWS."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError

from spacy_lambda.client.invocation import FunctionError, Invocation
from spacy_lambda.client.lambda_api import WAIT_S, InvocationType, invoke_function, lambda_client
from spacy_lambda.core.loopback import LOCAL_REGION
from spacy_lambda.errors import InvokeError
from spacy_lambda.local.settings import DEFAULT_ENDPOINT

__all__ = ["FunctionError", "Invocation", "invoke"]


def invoke(
    endpoint_url: str | None,
    function_name: str,
    event: object,
    *,
    invocation_type: InvocationType = "RequestResponse",
    qualifier: str | None = None,
    region: str = LOCAL_REGION,
    timeout_s: float = WAIT_S,
) -> Invocation:
    """Invoke a function once, without a retry.

    A local endpoint checks no signature, so it is given none of the caller's credentials; for any other
    endpoint boto3 looks for them where it always does.

    :param endpoint_url: Such as ``http://127.0.0.1:9001``; ``None`` for AWS.
    :param function_name: The function's name or ARN.
    :param event: Any JSON value.
    :param invocation_type: ``RequestResponse`` waits for the response, ``Event`` does not, ``DryRun`` invokes nothing.
    :param qualifier: A version or an alias.
    :param region: Signed into the request.
    :param timeout_s: Seconds from connecting to the last byte.
    :raises InvokeError: If the endpoint cannot be reached or refuses the request. A function's own error is
        not raised; it is in :attr:`Invocation.error`.
    """
    if endpoint_url is not None:
        _check_endpoint(endpoint_url)
    try:
        client = lambda_client(boto3, endpoint_url=endpoint_url, region=region)
    except (BotoCoreError, ValueError) as exc:
        raise InvokeError(
            f"Lambda's API cannot be used: {exc}", remedy="check the AWS configuration with `aws configure list`"
        ) from exc
    return invoke_function(
        client,
        function_name,
        json.dumps(event, ensure_ascii=False).encode(),
        invocation_type=invocation_type,
        qualifier=qualifier,
        log_tail=invocation_type == "RequestResponse",
        timeout_s=timeout_s,
    )


def _check_endpoint(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url:
        _, _, address = url.rpartition("://")
        endpoint = f"http://{address}" if address else DEFAULT_ENDPOINT
        raise InvokeError(f"the endpoint {url!r} is not a URL", remedy=f"write {endpoint}")
