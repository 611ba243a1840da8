"""Signatures (SigV4): https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError

from spacy_lambda.errors import InvokeError

__all__ = ["Auth", "Signer", "SigningScope", "make_signer", "scope_of"]

Auth = Literal["auto", "iam", "none"]

HOSTS = (
    (re.compile(r"[a-z0-9]+\.lambda-url\.([a-z0-9-]+)\.on\.aws"), "lambda"),
    (re.compile(r"[a-z0-9-]+\.execute-api\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)"), "execute-api"),
)


@dataclass(frozen=True)
class SigningScope:
    """The scope of a signature.

    :param service: ``lambda`` for a Function URL, ``execute-api`` for API Gateway.
    :param region: Such as ``eu-west-1``.
    """

    service: str
    region: str


class Signer:
    """Signs requests as they are sent, each with the current credentials.

    :param credentials: botocore's; they refresh themselves.
    :param scope: The scope of the signatures.
    """

    def __init__(self, credentials: Any, scope: SigningScope) -> None:
        self._credentials = credentials
        self._scope = scope

    def headers(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers to add to a request.

        :param body: The exact bytes that are sent.
        :param headers: Headers to sign; without those that a proxy may change.
        :raises InvokeError: If there are no credentials any more.
        """
        request = AWSRequest(method=method, url=url, data=body, headers=dict(headers))
        try:
            frozen = self._credentials.get_frozen_credentials()
            SigV4Auth(frozen, self._scope.service, self._scope.region).add_auth(request)
        except BotoCoreError as exc:
            raise no_credentials(type(exc).__name__) from exc
        return {name: value for name, value in request.headers.items() if name not in headers}


def scope_of(url: str) -> SigningScope | None:
    """Return the scope of signatures for this URL, if its host determines it."""
    parts = urlsplit(url)
    for pattern, service in HOSTS if parts.scheme == "https" else ():
        found = pattern.fullmatch(parts.hostname or "")
        if found is not None:
            return SigningScope(service, found[1])
    return None


def make_signer(url: str, *, auth: Auth, region: str | None, session: Callable[[], Any]) -> Signer | None:
    """Return the signer of requests to this URL, or ``None`` if they are not signed.

    :param auth: ``auto`` signs for hosts of AWS if there are credentials, ``iam`` always, ``none`` never. With ``iam``,
        any other host is assumed to be a domain name in front of API Gateway.
    :param region: For a host that does not determine it.
    :param session: Makes the boto3 session that has the credentials.
    :raises InvokeError: If credentials or the region are required and missing.
    """
    scope = scope_of(url)
    if auth == "none" or (auth == "auto" and scope is None):
        return None
    try:
        made = session()
        credentials = made.get_credentials()
    except BotoCoreError as exc:
        raise no_credentials(type(exc).__name__) from exc
    if credentials is None:
        if auth == "auto":
            return None
        raise no_credentials("none are configured")
    if scope is None:
        scope = SigningScope("execute-api", _needed_region(region or made.region_name))
    return Signer(credentials, scope)


def no_credentials(reason: str) -> InvokeError:
    """Return the error for missing or unavailable AWS credentials."""
    return InvokeError(
        f"there are no AWS credentials to sign with: {reason}",
        remedy="run `aws configure sso`, or set AWS_PROFILE; or give auth='none' if the URL requires no signature",
    )


def _needed_region(region: str | None) -> str:
    if not region:
        raise InvokeError("requests to this host are signed, and its region is unknown", remedy="give region='...'")
    return region
