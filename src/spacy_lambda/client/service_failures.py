"""Failures that Lambda, a Function URL or API Gateway reports: what happened in words, and the remedy.

A timeout, too little memory, throttling and a gateway's own limit look alike to a caller: a status, or an exception of
the platform. Each has another remedy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from spacy_lambda.core.compiled_meta import COMPILE_SMALLER
from spacy_lambda.core.lambda_limits import GATEWAY_TIMEOUT_S, MAX_MEMORY_MB, MAX_TIMEOUT_S, MB_PER_VCPU

__all__ = ["ServiceFailure", "function_failure", "is_gateway", "status_failure"]

TIMED_OUT = re.compile(r"Task timed out after (?P<seconds>\d+(?:\.\d+)?) seconds")
INIT_TIMED_OUT = re.compile(r"^INIT_REPORT .*Phase: (?P<phase>init|invoke)\s+Status: timeout", re.MULTILINE)
"""Log line of an init that took too long: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html."""

OUT_OF_MEMORY = "Runtime.OutOfMemory"
KILLED = "signal: killed"
TOO_LARGE = "ResponseSizeTooLarge"

FEWER = "send fewer or shorter texts at once"
LONGER = (
    f"{FEWER}, or raise the function's timeout: `timeout` in spacy-lambda.toml, --timeout of `spacy-lambda serve`; at"
    f" most {MAX_TIMEOUT_S} s"
)
FASTER_INIT = (
    f"raise the function's memory, which brings CPU (one vCPU with {MB_PER_VCPU:,} MB), or its timeout: `memory` and"
    f" `timeout` in spacy-lambda.toml, --memory and --timeout of `spacy-lambda serve`; or {COMPILE_SMALLER}"
)
SLOWER = "retry later, or send fewer requests at once"
LIMIT = "or raise `concurrency` in spacy-lambda.toml"
QUOTA = "or request a higher quota of concurrent executions for the account"

THROTTLES = {
    "CallerRateLimitExceeded": ("requests are sent faster than the account's rate", SLOWER),
    "ConcurrentInvocationLimitExceeded": ("all of the account's concurrency is in use", f"{SLOWER}; {QUOTA}"),
    "FunctionInvocationRateLimitExceeded": ("requests are sent faster than the function's rate", SLOWER),
    "ReservedFunctionConcurrentInvocationLimitExceeded": (
        "all of the function's reserved concurrency is in use",
        f"{SLOWER}; {LIMIT}",
    ),
    "ReservedFunctionInvocationRateLimitExceeded": (
        "requests are sent faster than the function's rate",
        f"{SLOWER}; {LIMIT}",
    ),
}
"""Reasons of Lambda's TooManyRequestsException:
https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors."""

GATEWAY_HEADERS = ("apigw-requestid", "x-amz-apigw-id")
"""Response headers of API Gateway's HTTP APIs and REST APIs."""

NEAR_LIMIT = 0.95
"""Share of a gateway's limit after which its 503 or 504 is due to it."""


@dataclass(frozen=True)
class ServiceFailure:
    """A failure that the platform reports.

    :param message: To be read after the function's name or URL.
    :param remedy: The setting to change, or another request.
    :param lasting: ``True`` if the same request will fail again.
    """

    message: str
    remedy: str
    lasting: bool = False


def function_failure(error_type: str, message: str, log_tail: str = "") -> ServiceFailure | None:
    """Return the failure that a function error of the platform describes; ``None`` if it is of the function's code.

    :param error_type: The error's type, which older responses to timeouts lack.
    :param message: The error's message.
    :param log_tail: The end of the invocation's log, which alone shows that a timeout was that of an init.
    """
    timed_out = TIMED_OUT.search(message)
    if timed_out:
        return _timed_out(float(timed_out["seconds"]), {found["phase"] for found in INIT_TIMED_OUT.finditer(log_tail)})
    if error_type == OUT_OF_MEMORY or KILLED in message:
        remedy = f"raise `memory` in spacy-lambda.toml (at most {MAX_MEMORY_MB:,} MB), or {FEWER}"
        return ServiceFailure("it was killed: its memory does not suffice", remedy, lasting=True)
    if error_type.endswith(TOO_LARGE):
        return ServiceFailure(message[:500], "send fewer texts at once, or request fewer parts", lasting=True)
    return None


def _timed_out(seconds: float, phases: set[str]) -> ServiceFailure:
    """Return the failure of a timeout.

    :param phases: Those in which the init took too long.
    """
    if "invoke" in phases:
        return ServiceFailure(f"its timeout of {seconds:g} s ended before its init did", FASTER_INIT, lasting=True)
    message = f"its timeout of {seconds:g} s ended before it responded"
    if phases:
        repeated = f"{message}: its init took too long, and was repeated within that time"
        return ServiceFailure(repeated, FASTER_INIT, lasting=True)
    return ServiceFailure(message, LONGER, lasting=True)


def is_gateway(url: str, headers: Mapping[str, str]) -> bool:
    """Return ``True`` if a response is API Gateway's."""
    host = (urlsplit(url).hostname or "").split(".")
    return "execute-api" in host or any(name in headers for name in GATEWAY_HEADERS)


def status_failure(
    status: int, *, seconds: float | None = None, gateway: bool = False, reason: str | None = None
) -> ServiceFailure | None:
    """Return the failure that an HTTP status describes; ``None`` if it says no more than the status.

    :param seconds: Seconds until the response.
    :param gateway: It is a response of API Gateway.
    :param reason: Lambda's reason for throttling.
    """
    after = "" if seconds is None else f" after {seconds:.1f} s"
    if status == 429:
        return _throttled(gateway=gateway, reason=reason)
    if gateway and status in (503, 504) and (seconds is None or seconds >= NEAR_LIMIT * GATEWAY_TIMEOUT_S):
        return ServiceFailure(
            f"returned {status}{after}: API Gateway ends requests at its limit, which is {GATEWAY_TIMEOUT_S} s by"
            " default, whatever the function's timeout is",
            f"{FEWER}, or call the Function URL or the function by its name, which have no such limit",
            lasting=True,
        )
    if status == 502:
        return ServiceFailure(
            f"returned 502{after}: the function failed, or its timeout ended before it responded",
            f"see the function's log (`spacy-lambda logs`); if its timeout ended, {LONGER}",
        )
    if status == 503:
        return ServiceFailure(f"returned 503{after}: it is not available now", "retry later")
    if status == 504:
        return ServiceFailure(
            f"returned 504{after}: a proxy or load balancer in front of the function ended the request",
            f"{FEWER}, or raise the timeouts of the proxy and of the function",
        )
    return None


def _throttled(*, gateway: bool, reason: str | None) -> ServiceFailure:
    what, remedy = "all of the function's concurrency, or of the account's, is in use", f"{SLOWER}; {LIMIT}"
    if gateway:
        what, remedy = f"API Gateway's rate limit is exceeded, or {what}", f"{remedy}, or the stage's throttling limit"
    what, remedy = THROTTLES.get(reason or "", (what, remedy))
    return ServiceFailure(f"throttled the request (429): {what}", remedy)
