"""Lambda's Invoke API through boto3, in AWS or on this machine: the only place in which it is called."""

from __future__ import annotations

from typing import Any, Literal, TypedDict, Unpack

import urllib3
from botocore import exceptions
from botocore.config import Config

from spacy_lambda.client.call_errors import (
    CHECK,
    CHECK_NAME,
    DENIED,
    TRANSIENT,
    nothing_listens,
    status_error,
    timed_out,
    unusable_body,
)
from spacy_lambda.client.deadline import CONNECT_TIMEOUT_S, Deadline, current_deadline, watched
from spacy_lambda.client.invocation import Invocation, read_invocation
from spacy_lambda.client.response_body import CHUNK_BYTES, MAX_ANSWER_BYTES, BodyError, read_body
from spacy_lambda.client.service_failures import status_failure
from spacy_lambda.client.signing import no_credentials
from spacy_lambda.client.transport import CallError
from spacy_lambda.core.foreign_errors import connection_reason
from spacy_lambda.core.lambda_limits import MAX_TIMEOUT_S
from spacy_lambda.core.loopback import is_loopback_url
from spacy_lambda.errors import InvokeError

__all__ = ["WAIT_S", "CallOptions", "InvocationType", "call_function", "invoke_function", "lambda_client"]

WAIT_S = 2.0 * MAX_TIMEOUT_S
"""Seconds for an invocation, which may queue before its own time begins."""


InvocationType = Literal["RequestResponse", "Event", "DryRun"]


class CallOptions(TypedDict, total=False):
    """The options of :func:`call_function`."""

    qualifier: str | None
    invocation_type: InvocationType
    log_tail: bool
    timeout_s: float
    max_answer_bytes: int


NOT_FOUND = "ResourceNotFoundException"

TRANSIENT_CODES = frozenset(
    {
        "EC2ThrottledException",
        "EC2UnexpectedException",
        "EFSMountConnectivityException",
        "EFSMountTimeoutException",
        "ENILimitReachedException",
        "ResourceConflictException",
        "ResourceNotReadyException",
        "ServiceException",
        "SnapStartNotReadyException",
        "SnapStartTimeoutException",
        "TooManyRequestsException",
    }
)
"""Lambda's own transient errors: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors."""

CONNECTION_ERRORS = (
    exceptions.HTTPClientError,
    exceptions.ConnectionError,
    exceptions.IncompleteReadError,
    exceptions.ResponseStreamingError,
    OSError,
    urllib3.exceptions.HTTPError,
)

BROKEN = (exceptions.SSLError, exceptions.InvalidProxiesConfigError)


def lambda_client(
    session: Any, *, endpoint_url: str | None, region: str | None, read_timeout_s: float = WAIT_S, connections: int = 10
) -> Any:
    """Make a client that calls once; it never retries by itself.

    A local endpoint checks no signature, so it is given none of the caller's credentials.

    :param session: :mod:`boto3` or a session of its.
    :param endpoint_url: The address of Lambda's API, if not in AWS.
    :param region: Signed into the requests.
    :param connections: Concurrent calls.
    """
    local = endpoint_url is not None and is_loopback_url(endpoint_url)
    credentials = {"aws_access_key_id": "local", "aws_secret_access_key": "local"} if local else {}
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=read_timeout_s,
        retries={"total_max_attempts": 1},
        proxies={} if local else None,
        max_pool_connections=connections,
        tcp_keepalive=True,
    )
    client = session.client("lambda", endpoint_url=endpoint_url, region_name=region, config=config, **credentials)
    # botocore has no public way to set these; without them, a deadline still ends the reading of the response's body.
    http = getattr(getattr(client, "_endpoint", None), "http_session", None)
    pools = getattr(http, "_pool_classes_by_scheme", None)
    if isinstance(pools, dict):
        pools.update(watched(pools))
    return client


def invoke_function(client: Any, function: str, payload: bytes, **options: Unpack[CallOptions]) -> Invocation:
    """Invoke a function once.

    :param options: Those of :func:`call_function`.
    :raises InvokeError: If it cannot be reached or refuses the request. An error of the function itself is not raised;
        it is in :attr:`Invocation.error`.
    """
    try:
        return call_function(client, function, payload, **options)
    except CallError as failed:
        raise failed.error from failed.__cause__


def call_function(
    client: Any,
    function: str,
    payload: bytes,
    *,
    qualifier: str | None = None,
    invocation_type: InvocationType = "RequestResponse",
    log_tail: bool = False,
    timeout_s: float = WAIT_S,
    max_answer_bytes: int = MAX_ANSWER_BYTES,
) -> Invocation:
    """Invoke a function once, within the deadline of the current call if there is one.

    :param client: boto3's, for Lambda.
    :param function: Its name or ARN.
    :param payload: The event as JSON.
    :param qualifier: A version or an alias.
    :param log_tail: Also return the end of the log.
    :param timeout_s: Seconds, if there is no current deadline.
    :param max_answer_bytes: Maximum size of the response.
    :raises CallError: If there is no response; specifies whether a retry may help.
    """
    parameters = {"FunctionName": function, "InvocationType": invocation_type, "Payload": payload}
    parameters |= {} if qualifier is None else {"Qualifier": qualifier}
    parameters |= {"LogType": "Tail"} if log_tail else {}
    with current_deadline(timeout_s) as deadline:
        try:
            deadline.check()
            response = client.invoke(**parameters)
            chunks = iter(lambda: response["Payload"].read(CHUNK_BYTES), b"")
            answer = read_body(chunks, None, limit=max_answer_bytes)
            deadline.check()
        except exceptions.ClientError as exc:
            # The text of a denial may quote the session token.
            raise _refused(function, exc) from (None if _status(exc) in DENIED else exc)
        except BodyError as exc:
            raise unusable_body(function, exc) from exc
        except Exception as exc:  # botocore passes errors of urllib3 and its parsers on
            raise _not_reached(function, client, exc, deadline) from exc
    try:
        return read_invocation(response, answer)
    except ValueError as exc:
        raise CallError(InvokeError(f"{function} returned invalid JSON: {exc}", remedy=CHECK)) from exc


def _refused(function: str, exc: exceptions.ClientError) -> CallError:
    status, error = _status(exc), exc.response.get("Error", {})
    code = error.get("Code", "")
    headers = exc.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    failure = status_failure(status, reason=exc.response.get("Reason")) if status == 429 else None
    if code == NOT_FOUND and function in error.get("Message", ""):  # which has the function's whole name
        return CallError(InvokeError(error["Message"], remedy=CHECK_NAME))
    return CallError(
        status_error(function, status, f"{code}: {error.get('Message', '')}", failure=failure),
        retryable=status in TRANSIENT or code in TRANSIENT_CODES,
        splittable=status == 413,
        retry_after=headers.get("retry-after"),
    )


def _status(exc: exceptions.ClientError) -> int:
    status: int = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status


def _not_reached(function: str, client: Any, exc: Exception, deadline: Deadline) -> CallError:
    if isinstance(exc, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return CallError(no_credentials(type(exc).__name__))
    if deadline.is_over or isinstance(exc, exceptions.ReadTimeoutError):
        return timed_out(function, deadline.seconds)
    reason, remedy = connection_reason(exc), "check the function's name, the region and the network"
    endpoint = str(client.meta.endpoint_url)
    if isinstance(exc, exceptions.EndpointConnectionError) and is_loopback_url(endpoint):
        reason, remedy = nothing_listens(endpoint)
    error = InvokeError(f"{function} cannot be reached: {reason}", remedy=remedy)
    return CallError(error, retryable=isinstance(exc, CONNECTION_ERRORS) and not isinstance(exc, BROKEN))
