"""Kinds of AWS's errors: one classification for the function and for the build side.

:mod:`spacy_lambda.core.source.s3` makes messages of those of objects, :mod:`spacy_lambda.aws.errors` of all others.
"""

from __future__ import annotations

from typing import Literal

__all__ = ["CODES", "LOGIN", "AwsErrorKind", "classify", "credentials_problem", "error_code"]

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
"""By code; the numbers are those of responses to HEAD, which have no code."""

LOGIN = "log in ('aws sso login', 'aws configure'), or set AWS_PROFILE"


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
    """Return the problem of the credentials, to be solved by :data:`LOGIN`; ``None`` if the error is another."""
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
