"""Concurrency of functions, and the part of it that the account can reserve.

Reserved concurrency is taken from the account's, of which 100 must stay unreserved; a new account has 10 in all
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from spacy_lambda.aws.errors import aws_errors
from spacy_lambda.cdk.aws_names import stack_name
from spacy_lambda.cdk.settings import reserved_concurrency
from spacy_lambda.config.project import Concurrency, FunctionConfig
from spacy_lambda.core.aws_error_kinds import error_code
from spacy_lambda.core.lambda_limits import UNRESERVED_CONCURRENCY
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.errors import DeployError

__all__ = ["ConcurrencyLimit", "concurrency_limits"]

QUOTA = "https://console.aws.amazon.com/servicequotas/home/services/lambda/quotas/L-B99A9384"


@dataclass(frozen=True)
class ConcurrencyLimit:
    """Concurrency of one function.

    :param reserved: Its reserved concurrency in the template.
    :param about: The same in words.
    """

    reserved: Concurrency | None
    about: str


@dataclass(frozen=True)
class _Account:
    """Concurrency of the account, with that of the functions that are deployed."""

    limit: int
    free: int


@dataclass(frozen=True)
class _Unchecked:
    """The account's concurrency is unknown, for a reason that follows the word "not checked"."""

    reason: str


def concurrency_limits(
    aws: AwsAccount, project: str, functions: Sequence[FunctionConfig]
) -> dict[str, ConcurrencyLimit]:
    """Return the concurrency of functions that are deployed together, by name.

    :raises DeployError: If the account cannot reserve the concurrency in the file, or AWS cannot be reached.
    """
    wanted = {one.name: reserved_concurrency(one.auth, one.concurrency) or 0 for one in functions}
    account = _account(aws, project, wanted) if any(wanted.values()) else _Account(0, 0)
    limits = {}
    for one in functions:
        number = wanted[one.name]
        limits[one.name] = _limit(one, number, account)
        if isinstance(account, _Account) and limits[one.name].reserved == number:
            account = replace(account, free=account.free - number)
    return limits


def _limit(function: FunctionConfig, number: int, account: _Account | _Unchecked) -> ConcurrencyLimit:
    if number == 0:
        shared = "no separate limit: up to the account's concurrency"
        if function.auth == "none":
            return ConcurrencyLimit(
                "unlimited",
                f'{shared}. WARNING: the cost of unauthenticated requests is unlimited; concurrency = "unlimited"',
            )
        return ConcurrencyLimit(function.concurrency, shared)
    why = "" if function.concurrency else ', the default with auth = "none"'
    about = f"at most {number}{why}, reserved for it"
    if isinstance(account, _Unchecked):
        return ConcurrencyLimit(number, f"{about} (not checked {account.reason})")
    if number <= account.free:
        return ConcurrencyLimit(number, about)
    short = f"the account has {account.limit}, of which {max(account.free, 0)} can still be reserved"
    if function.concurrency is None:
        return ConcurrencyLimit("unlimited", f"at most {account.limit}, the account's own limit: {short}")
    raise DeployError(
        f"functions.{function.name}.concurrency is {number}, and {short};"
        f" {UNRESERVED_CONCURRENCY} must stay unreserved",
        remedy=f"request a higher quota ({QUOTA}), write a smaller number, or leave concurrency out",
    )


def _account(aws: AwsAccount, project: str, functions: dict[str, int]) -> _Account | _Unchecked:
    """Look up the concurrency that can be reserved, including that of these functions."""
    if aws.is_emulated:
        return _Unchecked("in a rehearsal")
    client = aws.client("lambda")
    with aws_errors("reading the concurrency of the account"):
        try:
            settings = client.get_account_settings()["AccountLimit"]
            own = sum(_reserved(client, stack_name(project, name)) for name, number in functions.items() if number)
        except ClientError as exc:
            # The permission to deploy need not include this one; CloudFormation refuses what cannot be reserved.
            return _Unchecked(f"against the account's: {error_code(exc) or 'Unknown'}")
    limit = int(settings["ConcurrentExecutions"])
    return _Account(limit, int(settings.get("UnreservedConcurrentExecutions", limit)) + own - UNRESERVED_CONCURRENCY)


def _reserved(client: Any, function: str) -> int:
    try:
        found = client.get_function_concurrency(FunctionName=function)
    except client.exceptions.ResourceNotFoundException:
        return 0
    return int(found.get("ReservedConcurrentExecutions", 0))
