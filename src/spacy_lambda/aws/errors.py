"""botocore's errors -> spacy-lambda's, each with its remedy. Nothing of the credentials is in a message.

For reading and writing objects see :mod:`spacy_lambda.core.source.s3`, which the function has too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from spacy_lambda.core.source.s3 import LOGIN
from spacy_lambda.errors import DeployError, SpacyLambdaError

__all__ = ["LOGIN", "aws_error", "aws_errors"]

EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
UNKNOWN = {"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure"}
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
PERMISSIONS = "docs/deploy.md lists the required permissions"


@contextmanager
def aws_errors(
    action: str, *, raises: type[SpacyLambdaError] = DeployError, permissions: str = PERMISSIONS
) -> Iterator[None]:
    """Raise botocore's errors as spacy-lambda's. Errors that the block handles itself are not converted.

    ::

        with aws_errors(f"listing the versions of {function}"):
            try:
                return list(pages)
            except client.exceptions.ResourceNotFoundException:
                return []

    :param action: The action with its object: ``deleting the stack x``.
    :param raises: The error's class.
    :param permissions: The remedy where AWS denies access.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as exc:
        raise aws_error(exc, action, raises=raises, permissions=permissions) from exc


def aws_error(
    error: Exception, action: str, *, raises: type[SpacyLambdaError] = DeployError, permissions: str = PERMISSIONS
) -> SpacyLambdaError:
    """Return spacy-lambda's error for one of botocore's. For parameters see :func:`aws_errors`."""
    from botocore.exceptions import ClientError, NoCredentialsError, ProfileNotFound, TokenRetrievalError

    if isinstance(error, ClientError):
        details = error.response.get("Error", {})
        code, message = str(details.get("Code", "Unknown")), str(details.get("Message", ""))
        if code in EXPIRED:
            return raises(f"{action}: the credentials have expired", remedy=LOGIN)
        if code in UNKNOWN:
            return raises(f"{action}: AWS does not accept the credentials ({code})", remedy=LOGIN)
        if code in DENIED:
            return raises(f"{action}: access denied: {message}", remedy=permissions)
        return raises(f"{action}: {code}: {message}", remedy=f"try again; {permissions}")
    if isinstance(error, NoCredentialsError | ProfileNotFound | TokenRetrievalError):
        return raises(f"{action}: no AWS credentials found ({error})", remedy=LOGIN)
    return raises(f"{action}: {error}", remedy="check the network, the region and AWS_ENDPOINT_URL where it is set")
