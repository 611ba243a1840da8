"""A URL or a function's name -> the transport that reaches it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spacy_lambda.client.response_body import MAX_ANSWER_BYTES
from spacy_lambda.client.transport import Transport
from spacy_lambda.core.loopback import LOCAL_REGION, is_loopback_url
from spacy_lambda.errors import InvokeError, MissingExtraError
from spacy_lambda.extras import install_command

if TYPE_CHECKING:
    from spacy_lambda.client.signing import Auth

__all__ = ["Connection", "open_transport"]

ARN = re.compile(r"arn:aws[\w-]*:lambda:([\w-]+):")
MAX_CONCURRENCY = 1000
MAX_TIMEOUT_S = 86_400


@dataclass(frozen=True, kw_only=True)
class Connection:
    """The settings of a connection to a function.

    :param region: By default that of the target, else that of the session.
    :param profile: A profile of the AWS configuration, if there is no session.
    :param session: A boto3 session.
    :param endpoint_url: Lambda's API, if not in AWS.
    :param qualifier: A version or an alias.
    :param auth: Signing of requests to a URL.
    :param timeout_s: Seconds for a whole call.
    :param concurrency: Maximum concurrent calls.
    :param max_answer_bytes: Maximum bytes of a response.
    """

    region: str | None = None
    profile: str | None = None
    session: Any = None
    endpoint_url: str | None = None
    qualifier: str | None = None
    auth: Auth = "auto"
    timeout_s: float
    concurrency: int
    max_answer_bytes: int = MAX_ANSWER_BYTES


def open_transport(target: str, connection: Connection) -> Transport:
    """Return the transport that reaches the target; it connects when it is used.

    :param target: ``http://...``, ``https://...``, or a function's name or ARN.
    :raises InvokeError: If a setting is invalid or does not fit the target, or there is no such profile.
    :raises MissingExtraError: If boto3 or requests is not installed.
    """
    by_url = re.match(r"https?://", target, re.IGNORECASE) is not None
    problems = list(_problems(by_url, connection))
    if problems:
        raise InvokeError(f"{'; '.join(problems)}", remedy="correct the arguments of Client")
    try:
        return _by_url(target, connection) if by_url else _by_name(target, connection)
    except ModuleNotFoundError as exc:
        missing = (exc.name or "").partition(".")[0]
        if missing not in ("boto3", "botocore", "requests"):
            raise
        raise MissingExtraError("client", missing=missing, remedy=install_command("client")) from exc


def _problems(by_url: bool, connection: Connection) -> list[str]:
    needless = ("qualifier", "endpoint_url") if by_url else ()
    checks = [
        (
            _is_number(connection.concurrency, int) and 1 <= connection.concurrency <= MAX_CONCURRENCY,
            f"concurrency is {connection.concurrency!r}: a whole number from 1 to {MAX_CONCURRENCY:,} is required",
        ),
        (
            _is_number(connection.timeout_s, int, float) and 0 < connection.timeout_s <= MAX_TIMEOUT_S,
            f"timeout_s is {connection.timeout_s!r}: more than 0 and at most {MAX_TIMEOUT_S:,} is required",
        ),
        (
            _is_number(connection.max_answer_bytes, int) and connection.max_answer_bytes > 0,
            f"max_answer_bytes is {connection.max_answer_bytes!r}: a whole number above 0 is required",
        ),
        (connection.auth in ("auto", "iam", "none"), f"auth is {connection.auth!r}: choose from auto, iam, none"),
        (by_url or connection.auth != "none", "auth is 'none': Lambda's API does not accept unsigned requests"),
        *(
            (getattr(connection, name) is None, f"{name} applies to a function's name, not to a URL")
            for name in needless
        ),
    ]
    return [text for passed, text in checks if not passed]


def _is_number(value: object, *kinds: type) -> bool:
    return type(value) in kinds


def _by_url(url: str, connection: Connection) -> Transport:
    from spacy_lambda.client.http_transport import HttpTransport, check_url
    from spacy_lambda.client.signing import make_signer

    checked = check_url(url)
    signer = make_signer(
        checked, auth=connection.auth, region=connection.region, session=lambda: _session(connection, None)
    )
    return HttpTransport(
        checked,
        signer=signer,
        timeout_s=connection.timeout_s,
        connections=connection.concurrency,
        max_answer_bytes=connection.max_answer_bytes,
    )


def _by_name(function: str, connection: Connection) -> Transport:
    from botocore.exceptions import BotoCoreError

    from spacy_lambda.client.invoke_transport import InvokeTransport
    from spacy_lambda.client.lambda_api import lambda_client

    arn = ARN.match(function)
    region = connection.region or (arn[1] if arn else None)
    if region is None and connection.endpoint_url is not None and is_loopback_url(connection.endpoint_url):
        region = LOCAL_REGION
    try:
        client = lambda_client(
            _session(connection, region),
            endpoint_url=connection.endpoint_url,
            region=region,
            read_timeout_s=connection.timeout_s,
            connections=connection.concurrency,
        )
    except (BotoCoreError, ValueError) as exc:
        raise InvokeError(
            f"Lambda's API cannot be used: {exc}",
            remedy="give region='...', and check the AWS configuration with `aws configure list`",
        ) from exc
    return InvokeTransport(
        function,
        client,
        qualifier=connection.qualifier,
        timeout_s=connection.timeout_s,
        max_answer_bytes=connection.max_answer_bytes,
    )


def _session(connection: Connection, region: str | None) -> Any:
    import boto3

    return connection.session or boto3.Session(profile_name=connection.profile, region_name=region)
