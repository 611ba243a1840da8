"""The caller's side: one invocation through boto3, as a frozen value."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from spacy_lambda.client.deadline import Deadline
from spacy_lambda.client.endpoint import lambda_client
from spacy_lambda.client.response_body import MAX_ANSWER_BYTES, read_body
from spacy_lambda.core.lambda_limits import MAX_TIMEOUT_S
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.core.wire_errors import from_function_error
from spacy_lambda.errors import InvokeError, RequestError
from spacy_lambda.local.report_line import Report, parse_report
from spacy_lambda.local.settings import REGION

WAIT_S = 2 * MAX_TIMEOUT_S
"""Seconds for an invocation in all: it may wait in the queue before its own time begins."""

CHUNK = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class FunctionError:
    """What a function failed with.

    :param error_type: The exception's name, or one of Lambda's own such as ``Sandbox.Timedout``.
    :param message: The exception's text.
    :param remedy: What to do about it, of a ``RequestError``.
    :param key: The key of the event that is at fault, of a ``RequestError``.
    :param status: The HTTP status that stands for it, of a ``RequestError``.
    """

    error_type: str
    message: str
    remedy: str | None = None
    key: str | None = None
    status: int | None = None


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """What came back from one invocation.

    :param answer: The function's answer as JSON gives it; the error's object if it failed.
    :param error: The function's error, or ``None``.
    :param status: The HTTP status: 200, 202 for an event, 204 for a dry run.
    :param executed_version: The version that answered.
    :param request_id: The invocation's id.
    :param log_tail: The last 4 KB of its log.
    :param report: The figures of the REPORT line, if the log has one.
    """

    answer: Any
    error: FunctionError | None
    status: int
    executed_version: str
    request_id: str
    log_tail: str
    report: Report | None


def invoke(
    endpoint_url: str | None,
    function_name: str,
    event: object,
    *,
    invocation_type: Literal["RequestResponse", "Event", "DryRun"] = "RequestResponse",
    qualifier: str | None = None,
    region: str = REGION,
) -> Invocation:
    """Invoke a function once, and never a second time by itself.

    A local endpoint checks no signature, so it is given none of the caller's credentials; for any other
    endpoint boto3 looks for them where it always does.

    :param endpoint_url: Such as ``http://127.0.0.1:9001``; ``None`` for AWS.
    :param function_name: The function's name or ARN.
    :param event: Anything that JSON has.
    :param qualifier: A version or an alias.
    :param region: Signed into the request.
    :raises InvokeError: If the endpoint cannot be reached or refuses the request. A function's own error is
        not raised; it is in :attr:`Invocation.error`.
    """
    if endpoint_url is not None:
        _check_endpoint(endpoint_url)
    where = endpoint_url or f"AWS in {region}"
    options = {} if qualifier is None else {"Qualifier": qualifier}
    try:
        client = lambda_client(boto3, endpoint_url=endpoint_url, region=region, read_timeout_s=WAIT_S)
        with Deadline(WAIT_S).running() as deadline:
            response = client.invoke(
                FunctionName=function_name,
                InvocationType=invocation_type,
                LogType="Tail" if invocation_type == "RequestResponse" else "None",
                Payload=json.dumps(event, ensure_ascii=False).encode(),
                **options,
            )
            chunks = iter(lambda: response["Payload"].read(CHUNK), b"")
            payload = read_body(chunks, None, limit=MAX_ANSWER_BYTES)
            deadline.check()
        return _invocation(response, payload)
    except EndpointConnectionError as exc:
        raise InvokeError(
            f"nothing answers at {where}",
            remedy="start it with 'spacy-lambda serve PIPELINE', or give the right --endpoint",
        ) from exc
    except NoCredentialsError as exc:
        raise InvokeError(
            f"{where} is not on this machine, and there are no AWS credentials for it",
            remedy="configure AWS credentials, for example with 'aws configure'",
        ) from exc
    except ClientError as exc:
        raise _refused(exc, function_name) from exc
    except Exception as exc:  # botocore lets through what urllib3 and its own parsers raise
        why = str(exc) or type(exc).__name__
        raise InvokeError(
            f"the invocation of {function_name!r} at {where} failed: {why[:500]}",
            remedy="check --endpoint and the log of the server",
        ) from exc


def _check_endpoint(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url:
        _, _, address = url.rpartition("://")
        raise InvokeError(f"the endpoint {url!r} is no URL", remedy=f"write http://{address or '127.0.0.1:9001'}")


def _invocation(response: dict[str, Any], payload: bytes) -> Invocation:
    answer = parse_json(payload) if payload else None
    log = base64.b64decode(response.get("LogResult", "")).decode("utf-8", "replace")
    return Invocation(
        answer=answer,
        error=_function_error(answer) if "FunctionError" in response else None,
        status=response["StatusCode"],
        executed_version=response.get("ExecutedVersion", ""),
        request_id=response["ResponseMetadata"].get("RequestId", ""),
        log_tail=log,
        report=parse_report(log),
    )


def _function_error(answer: Any) -> FunctionError:
    error = answer if isinstance(answer, dict) else {}
    error_type, message = str(error.get("errorType", "Unknown")), str(error.get("errorMessage", answer))
    mistake = from_function_error(message) if error_type == RequestError.__name__ else None
    if mistake is None:
        return FunctionError(error_type=error_type, message=message)
    return FunctionError(
        error_type=error_type,
        message=mistake.message,
        remedy=mistake.remedy,
        key=mistake.key,
        status=mistake.status,
    )


def _refused(exc: ClientError, function_name: str) -> InvokeError:
    error = exc.response.get("Error", {})
    code = error.get("Code", "Unknown")
    remedies = {
        "ResourceNotFoundException": "give the function's name with --function",
        "RequestTooLargeException": "send less text at once",
        "TooManyRequestsException": "try again later, or serve with a higher --max-concurrency",
    }
    return InvokeError(
        f"the invocation of {function_name!r} was refused: {code}: {error.get('Message', '')}",
        remedy=remedies.get(code, "check the event and the endpoint"),
    )
