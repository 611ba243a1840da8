"""botocore's errors as those of spacy-lambda."""

from __future__ import annotations

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from spacy_lambda.aws.errors import aws_error, aws_errors
from spacy_lambda.core.aws_error_kinds import CODES, LOGIN, classify
from spacy_lambda.core.source.s3 import s3_error
from spacy_lambda.errors import BundleError, DeployError, NotStoredError


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Op")


@pytest.mark.parametrize(
    ("error", "message", "remedy"),
    [
        (client_error("ExpiredToken"), "the credentials have expired", "aws sso login"),
        (client_error("InvalidClientTokenId"), "does not accept the credentials", "aws sso login"),
        (client_error("AccessDenied"), "access denied: no", "allow the action in the message"),
        (client_error("Throttling"), "Throttling: no", "retry"),
        (NoCredentialsError(), "no AWS credentials found", "aws configure"),
        (EndpointConnectionError(endpoint_url="http://localhost:1"), "http://localhost:1", "AWS_ENDPOINT_URL"),
    ],
)
def test_errors_name_the_action_and_the_remedy(error: Exception, message: str, remedy: str) -> None:
    with pytest.raises(DeployError) as caught, aws_errors("listing"):
        raise error
    assert caught.value.message.startswith("listing: ")
    assert message in caught.value.message
    assert remedy in caught.value.remedy
    assert caught.value.__cause__ is error


def test_the_class_and_the_permissions_are_the_callers() -> None:
    with pytest.raises(BundleError) as caught, aws_errors("logging in", raises=BundleError, permissions="allow ecr:X"):
        raise client_error("AccessDenied")
    assert caught.value.remedy == "allow ecr:X"


def test_other_errors_pass() -> None:
    with pytest.raises(ValueError, match="mine"), aws_errors("listing"):
        raise ValueError("mine")


@pytest.mark.parametrize(
    "error",
    [
        *map(client_error, CODES),
        NoCredentialsError(),
        PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
        ProfileNotFound(profile="nobody"),
        TokenRetrievalError(provider="sso", error_msg="expired"),
        UnauthorizedSSOTokenError(),
        EndpointConnectionError(endpoint_url="http://localhost:1"),
        client_error("Throttling"),
    ],
    ids=str,
)
def test_objects_and_everything_else_have_the_same_classification(error: Exception) -> None:
    kind, of_object, of_action = classify(error), s3_error(error, "models", "a.tar"), aws_error(error, "reading")
    assert (
        (of_object.remedy == LOGIN)
        == (of_action.remedy == LOGIN)
        == (kind in ("expired", "no credentials", "rejected"))
    )
    assert ("access denied" in of_object.message) == ("access denied" in of_action.message) == (kind == "denied")
    assert isinstance(of_object, NotStoredError) == (kind == "missing")
    if of_object.remedy == LOGIN:
        assert of_object.message.partition("a.tar: ")[2] == of_action.message.removeprefix("reading: ")


def test_an_archived_object_is_to_be_restored() -> None:
    found = s3_error(client_error("InvalidObjectState"), "models", "a b.jsonl")
    assert "s3://models/a b.jsonl is in an archive" in found.message
    assert "restore-object --bucket models --key 'a b.jsonl'" in found.remedy
