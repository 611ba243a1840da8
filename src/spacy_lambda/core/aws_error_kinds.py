"""Kinds of AWS's errors: one classification for the function and for the build side.

:mod:`spacy_lambda.core.source.s3` makes messages of errors of objects, :mod:`spacy_lambda.aws.errors` of all others.
"""

from __future__ import annotations

import os
from typing import Literal

from spacy_lambda.core.env_names import FUNCTION_NAME_VARIABLE

__all__ = [
    "CODES",
    "IN_FUNCTION",
    "LOGIN",
    "AwsErrorKind",
    "classify",
    "credentials_problem",
    "credentials_remedy",
    "error_code",
]

AwsErrorKind = Literal["missing", "conflict", "denied", "expired", "rejected", "no credentials", "unreachable", "other"]
"""``expired`` and ``rejected``: the credentials; ``conflict``: of a conditional request."""

CODES: dict[str, AwsErrorKind] = {
    **dict.fromkeys(("404", "NoSuchKey", "NotFound"), "missing"),
    **dict.fromkeys(("412", "ConditionalRequestConflict", "PreconditionFailed"), "conflict"),
    **dict.fromkeys(("403", "AccessDenied", "AccessDeniedException", "UnauthorizedOperation"), "denied"),
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException", "RequestExpired"), "expired"),
    **dict.fromkeys(("AuthFailure", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidToken"), "rejected"),
    **dict.fromkeys(("SignatureDoesNotMatch", "UnrecognizedClientException"), "rejected"),
}
"""By code; responses to HEAD have no code but the number of their status."""

LOGIN = "log in ('aws sso login', 'aws configure'), or set AWS_PROFILE"

IN_FUNCTION = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY among the environment variables of the function,"
    " which has none of its caller's; for an emulator such as moto, to any values"
)


def error_code(error: BaseException | None) -> str:
    """Return AWS's code of an error, such as ``NoSuchKey``; empty without one."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def classify(error: BaseException | None) -> AwsErrorKind:
    """Return the kind of an error of botocore."""
    from botocore import exceptions

    kind = CODES.get(error_code(error))
    if kind is not None:
        return kind
    absent = (exceptions.NoCredentialsError, exceptions.PartialCredentialsError, exceptions.ProfileNotFound)
    if isinstance(error, (*absent, exceptions.SSOError, exceptions.TokenRetrievalError)):
        return "no credentials"
    if isinstance(error, (exceptions.HTTPClientError, exceptions.ConnectionError)):
        return "unreachable"
    return "other"


def credentials_problem(error: BaseException) -> str | None:
    """Return the problem of the credentials, to be solved by :func:`credentials_remedy`; ``None`` for other errors."""
    match classify(error):
        case "expired":
            return "the credentials have expired"
        case "rejected":
            return f"AWS does not accept the credentials ({error_code(error)})"
        case "no credentials":
            profile = (getattr(error, "kwargs", None) or {}).get("profile")
            if profile is not None:
                return f"the AWS configuration has no profile {profile!r}"
            return "no AWS credentials found"
    return None


def credentials_remedy(error: BaseException) -> str:
    """Return the remedy of a problem of the credentials; only in the local Lambda has a function none."""
    if classify(error) == "no credentials" and FUNCTION_NAME_VARIABLE in os.environ:
        return IN_FUNCTION
    return LOGIN
