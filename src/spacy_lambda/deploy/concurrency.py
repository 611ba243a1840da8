"""How many environments of a function there may be at once, and whether the account lets so many be reserved.

Reserved concurrency is taken out of the account's; 100 of that have to stay unreserved, and an account that is new has
10 in all (https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from spacy_lambda.cdk.aws_names import stack_name
from spacy_lambda.config.project import PUBLIC_CONCURRENCY, Concurrency, FunctionConfig
from spacy_lambda.deploy.aws import Aws, aws_error
from spacy_lambda.errors import DeployError

__all__ = ["Limit", "concurrency_limits"]

UNRESERVED = 100
"""What has to stay for functions that have nothing reserved."""

QUOTA = "https://console.aws.amazon.com/servicequotas/home/services/lambda/quotas/L-B99A9384"


@dataclass(frozen=True)
class Limit:
    """How many environments of a function there may be.

    :param reserved: What its template is given.
    :param about: The same for people.
    """

    reserved: Concurrency | None
    about: str


@dataclass(frozen=True)
class _Account:
    limit: int
    free: int


def concurrency_limits(aws: Aws, project: str, functions: Sequence[FunctionConfig]) -> dict[str, Limit]:
    """The limits of functions that are deployed together, by name.

    :raises DeployError: If the account does not let as many be reserved as the file says, or AWS does not tell.
    """
    wanted = {one.name: _wanted(one) for one in functions}
    account = _account(aws, project, wanted) if any(wanted.values()) else "nothing is reserved"
    free = 0 if isinstance(account, str) else account.free
    limits = {}
    for one in functions:
        number = wanted[one.name]
        limits[one.name] = _limit(one, number, account, free)
        free -= number if limits[one.name].reserved == number else 0
    return limits


def _wanted(function: FunctionConfig) -> int:
    if isinstance(function.concurrency, int):
        return function.concurrency
    return PUBLIC_CONCURRENCY if function.auth == "none" and function.concurrency is None else 0


def _limit(function: FunctionConfig, number: int, account: _Account | str, free: int) -> Limit:
    if number == 0:
        shared = "no limit of its own: as many environments at once as the account has"
        if function.auth == "none":
            return Limit(
                "unlimited", f'{shared}. WARNING: what strangers can cost is unlimited; concurrency = "unlimited"'
            )
        return Limit(function.concurrency, shared)
    why = "" if function.concurrency else ', the default with auth = "none"'
    about = f"at most {number} environments at once{why}; they are reserved for it"
    if isinstance(account, str):
        return Limit(number, f"{about} (whether the account has as many was not checked: {account})")
    if number <= free:
        return Limit(number, about)
    short = f"the account has {account.limit} environments, of which {max(free, 0)} can still be reserved"
    if function.concurrency is None:
        return Limit("unlimited", f"at most {account.limit} environments at once, the account's own limit: {short}")
    raise DeployError(
        f"functions.{function.name}.concurrency is {number}, and {short}; {UNRESERVED} have to stay unreserved",
        remedy=f"ask for a higher quota ({QUOTA}), write a smaller number, or leave concurrency out",
    )


def _account(aws: Aws, project: str, functions: dict[str, int]) -> _Account | str:
    """What can be reserved, counting what these functions have already; or the error's code where AWS does not tell."""
    client = aws.client("lambda")
    try:
        told = client.get_account_settings()["AccountLimit"]
        own = 0
        for name, number in functions.items():
            if number:
                own += _reserved(client, stack_name(project, name))
    except ClientError as exc:
        # Who may deploy need not be allowed to ask; what cannot be reserved, CloudFormation refuses as well.
        return str(exc.response.get("Error", {}).get("Code", "Unknown"))
    except BotoCoreError as exc:
        raise aws_error(exc, "asking how many environments the account has") from exc
    limit = int(told["ConcurrentExecutions"])
    return _Account(limit, int(told.get("UnreservedConcurrentExecutions", limit)) + own - UNRESERVED)


def _reserved(client: Any, function: str) -> int:
    try:
        told = client.get_function_concurrency(FunctionName=function)
    except client.exceptions.ResourceNotFoundException:
        return 0
    return int(told.get("ReservedConcurrentExecutions", 0))
