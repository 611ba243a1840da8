"""botocore's errors -> spacy-lambda's, each with its remedy. Nothing of the credentials is in a message.

For reading and writing objects see :mod:`spacy_lambda.core.source.s3`, which the function has too; both classify errors
by :mod:`spacy_lambda.core.aws_error_kinds`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from spacy_lambda.core.aws_error_kinds import LOGIN, classify, credentials_problem, error_code
from spacy_lambda.core.foreign_errors import connection_reason
from spacy_lambda.errors import DeployError, SpacyLambdaError

__all__ = ["aws_error", "aws_errors"]

PERMISSIONS = "allow the action in the message for this role or user; `aws sts get-caller-identity` shows which"

SHOWN_PROFILES = 10


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
    from botocore.exceptions import ClientError

    problem = credentials_problem(error)
    if problem is not None:
        return raises(f"{action}: {problem}", remedy=_login(error))
    if not isinstance(error, ClientError):
        remedy = "check the network, the region and AWS_ENDPOINT_URL where it is set"
        if classify(error) != "unreachable":
            return raises(f"{action}: {error}", remedy=remedy)
        endpoint = (getattr(error, "kwargs", None) or {}).get("endpoint_url") or "AWS"
        return raises(f"{action}: {endpoint} cannot be reached: {connection_reason(error)}", remedy=remedy)
    message = str(error.response.get("Error", {}).get("Message", ""))
    if classify(error) == "denied":
        return raises(f"{action}: access denied: {message}", remedy=permissions)
    return raises(
        f"{action}: {error_code(error) or 'Unknown'}: {message}", remedy="retry, or correct what the message names"
    )


def _login(error: Exception) -> str:
    """Return the remedy for missing credentials; of a profile that does not exist, with the names of those that do."""
    from botocore.exceptions import ProfileNotFound
    from botocore.session import Session

    names = Session().available_profiles[:SHOWN_PROFILES] if isinstance(error, ProfileNotFound) else []
    return f"choose a profile from {', '.join(names)}, or {LOGIN}" if names else LOGIN
