"""The AWS account: credentials, region, the CDK's bootstrap, quotas. Nothing of the credentials is reported."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from spacy_lambda.aws.errors import aws_error
from spacy_lambda.config.precedence import ambient_region, override
from spacy_lambda.config.toml_file import FILE, read_toml
from spacy_lambda.core.aws_error_kinds import LOGIN
from spacy_lambda.core.lambda_limits import DEFAULT_CONCURRENCY, NEW_ACCOUNT_MEMORY_MB
from spacy_lambda.doctor.finding import Finding, Stage, problem_of
from spacy_lambda.errors import ConfigError, DeployError
from spacy_lambda.extras import install_command, missing_extra

__all__ = ["check_account"]

CREDENTIALS_CHECK, REGION_CHECK, BOOTSTRAP_CHECK, QUOTAS_CHECK = (
    "AWS credentials",
    "AWS region",
    "CDK bootstrap",
    "Lambda quotas",
)
TUNING = "memory"
NEEDING: frozenset[Stage] = frozenset({"deploy"})
CONNECT_SECONDS, READ_SECONDS = 3, 5
QUOTA_COMMAND = (
    "aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384"
    " --desired-value {wanted} --region {region}"
)


def check_account(folder: Path, *, profile: str | None, region: str | None) -> list[Finding]:
    """Check the account of the credentials that boto3 finds.

    :param folder: The folder of the project, whose file may name the region.
    :param profile: The named profile; ``None`` for boto3's default.
    :param region: The region; ``None`` for that of the project, the environment or the profile.
    """
    try:
        session = _session(profile, _project_region(folder, region))
    except ModuleNotFoundError as exc:
        missing = missing_extra(exc)
        if missing is None:
            raise
        remedy = install_command("deploy")
        return [Finding(CREDENTIALS_CHECK, missing.message, remedy, NEEDING), *_not_checked()]
    except DeployError as exc:
        return [problem_of(CREDENTIALS_CHECK, exc, blocks=NEEDING), *_not_checked()]
    credentials, account = _check_credentials(session, profile)
    where = _check_region(session.region_name)
    if account is None or session.region_name is None:
        return [credentials, where, *_not_checked()]
    checked = [credentials, where, _check_bootstrap(session, account), _check_quotas(session)]
    return [*checked, *_check_tuning(session, folder)]


def _session(profile: str | None, region: str | None) -> Any:
    """Return a session whose clients give up soon."""
    import boto3
    import botocore.session
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    try:
        core = botocore.session.Session(profile=profile)
        config = Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS)
        core.set_default_client_config(config)
        session = boto3.Session(botocore_session=core, region_name=region)
        _ = session.region_name  # an unknown profile is found out here
        return session
    except BotoCoreError as exc:
        raise aws_error(exc, "reading the AWS configuration") from exc


def _project_region(folder: Path, region: str | None) -> str | None:
    """Return the region by the precedence of every command; a file with faults is reported by those that need it."""
    try:
        values = read_toml(folder / FILE)
        found = override(values, region=region, environ=os.environ)[0]["project"].get("region")
    except (ConfigError, LookupError, AttributeError):
        return region or ambient_region(os.environ)
    return found if isinstance(found, str) else None


def _check_credentials(session: Any, profile: str | None) -> tuple[Finding, str | None]:
    """Return the finding, and the account."""
    from botocore.exceptions import BotoCoreError, ClientError

    shown = profile or os.environ.get("AWS_PROFILE") or "default"
    try:
        credentials = session.get_credentials()
        if credentials is None:
            return Finding(CREDENTIALS_CHECK, f"none found (profile {shown})", LOGIN, NEEDING), None
        identity = _client(session, "sts", session.region_name or "us-east-1").get_caller_identity()
    except (BotoCoreError, ClientError) as exc:
        return problem_of(CREDENTIALS_CHECK, aws_error(exc, "reading the identity"), blocks=NEEDING), None
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    parts = [
        f"account {identity['Account']}",
        str(identity["Arn"]),
        f"profile {shown}" if credentials.method != "env" else "from the environment",
        *([] if (expiry := _expiry(credentials)) is None else [expiry]),
        *([f"at AWS_ENDPOINT_URL {endpoint}"] if endpoint else []),
    ]
    return Finding(CREDENTIALS_CHECK, ", ".join(parts)), str(identity["Account"])


def _expiry(credentials: Any) -> str | None:
    """Return when temporary credentials end, which botocore knows of those that it renews."""
    end = getattr(credentials, "_expiry_time", None)
    if not isinstance(end, datetime):
        return None
    return f"valid for {max(0, int((end - datetime.now(UTC)).total_seconds() // 60))} minutes"


def _check_region(region: str | None) -> Finding:
    if region is None:
        return Finding(REGION_CHECK, "none is set", f"set AWS_REGION, or write project.region into {FILE}", NEEDING)
    return Finding(REGION_CHECK, region)


def _check_bootstrap(session: Any, account: str) -> Finding:
    from spacy_lambda.deploy.aws import AwsAccount
    from spacy_lambda.deploy.stacks import is_bootstrapped

    try:
        done = is_bootstrapped(AwsAccount(account, session.region_name, session))
    except DeployError as exc:
        return problem_of(BOOTSTRAP_CHECK, exc)
    return Finding(
        BOOTSTRAP_CHECK, "done" if done else "not yet: the first deployment runs `cdk bootstrap`, after asking"
    )


def _check_quotas(session: Any) -> Finding:
    """Check the account's concurrency. AWS returns no limit of the memory: new accounts have both limits."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        limits: Mapping[str, Any] = _client(session, "lambda", session.region_name).get_account_settings()
    except (BotoCoreError, ClientError) as exc:
        return problem_of(QUOTAS_CHECK, aws_error(exc, "reading the account's settings"))
    concurrency = int(limits["AccountLimit"]["ConcurrentExecutions"])
    detail = f"{concurrency:,} concurrent executions"
    if concurrency >= DEFAULT_CONCURRENCY:
        return Finding(QUOTAS_CHECK, detail)
    return Finding(
        QUOTAS_CHECK,
        f"{detail}, where AWS's default is {DEFAULT_CONCURRENCY:,}: a new account, in which functions may have at most"
        f" {NEW_ACCOUNT_MEMORY_MB:,} MB of memory too",
        QUOTA_COMMAND.format(wanted=DEFAULT_CONCURRENCY, region=session.region_name),
    )


def _check_tuning(session: Any, folder: Path) -> Iterator[Finding]:
    """Yield a warning for each function of the project whose memory an interrupted ``tune`` has left changed."""
    from spacy_lambda.cdk.aws_names import stack_name
    from spacy_lambda.deploy.tuning_record import find_tuning

    try:
        values = read_toml(folder / FILE)
        names = [stack_name(str(values["project"]["name"]), str(name)) for name in values["functions"]]
    except (ConfigError, LookupError, TypeError, AttributeError):
        return
    client = _client(session, "lambda", session.region_name)
    for name in names:
        try:
            found = find_tuning(client, name)
        except DeployError as exc:
            yield problem_of(TUNING, exc)
            return
        if found is not None:
            yield Finding(TUNING, f"{name}: {found}", "run `spacy-lambda tune` or `deploy`, which restore it first")


def _client(session: Any, service: str, region: str) -> Any:
    from botocore.config import Config

    return session.client(service, region_name=region, config=Config(retries={"total_max_attempts": 1}))


def _not_checked() -> list[Finding]:
    return [Finding(name, "not checked without an account", skipped=True) for name in (BOOTSTRAP_CHECK, QUOTAS_CHECK)]
