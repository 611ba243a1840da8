"""Function URL."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from .spec import FunctionSpec

__all__ = ["Endpoint"]

AUTH = {"iam": lambda_.FunctionUrlAuthType.AWS_IAM, "none": lambda_.FunctionUrlAuthType.NONE}
CORS_AGE = Duration.hours(1)


class Endpoint(Construct):
    """Function URL of the alias: it stays the same whichever version is live.

    The CDK adds the two permissions that a public one needs: ``lambda:InvokeFunctionUrl``, and
    ``lambda:InvokeFunction`` for invocations through the URL alone. With IAM, callers need both in their own policies,
    and those of other accounts here as well (:mod:`.caller_permissions`).

    :param spec: The function.
    :param alias: The alias that it invokes.
    """

    def __init__(self, scope: Construct, id: str, spec: FunctionSpec, alias: lambda_.Alias) -> None:
        super().__init__(scope, id)
        self.function_url = lambda_.FunctionUrl(
            self,
            "Url",
            function=alias,
            auth_type=AUTH[spec.config.auth],
            cors=_cors(spec) if spec.config.cors else None,
        )
        self.url = self.function_url.url


def _cors(spec: FunctionSpec) -> lambda_.FunctionUrlCorsOptions:
    """Return the CORS settings; browsers need permission for a body's type and the headers of signed requests."""
    return lambda_.FunctionUrlCorsOptions(
        allowed_origins=list(spec.config.cors),
        allowed_methods=[lambda_.HttpMethod.GET, lambda_.HttpMethod.POST],
        allowed_headers=["authorization", "content-type", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"],
        max_age=CORS_AGE,
    )
