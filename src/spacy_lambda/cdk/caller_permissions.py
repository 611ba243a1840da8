"""Permissions of callers, in the policy of the live alias."""

from __future__ import annotations

from hashlib import sha256

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from .spec import FunctionSpec

__all__ = ["CallerPermissions"]


class CallerPermissions(Construct):
    """Permissions of the configured callers to invoke the alias, by its name and by its Function URL.

    A principal of another account needs them here and in a policy of its own. A call of the URL requires both actions,
    a call by name ``lambda:InvokeFunction`` alone: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html.

    :param spec: The function; it is not public.
    :param alias: The live alias.
    """

    def __init__(self, scope: Construct, id: str, spec: FunctionSpec, *, alias: lambda_.IAlias) -> None:
        super().__init__(scope, id)
        for caller in dict.fromkeys(spec.config.callers):
            # Made of the caller, so that the others keep their permissions when one comes or goes.
            name = sha256(caller.encode()).hexdigest()[:12]
            lambda_.CfnPermission(
                self,
                f"Invoke{name}",
                action="lambda:InvokeFunction",
                function_name=alias.function_arn,
                principal=caller,
            )
            lambda_.CfnPermission(
                self,
                f"Url{name}",
                action="lambda:InvokeFunctionUrl",
                function_name=alias.function_arn,
                function_url_auth_type="AWS_IAM",
                principal=caller,
            )
