"""Lambda's API through boto3, in AWS or on this machine."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from spacy_lambda.client.deadline import watched
from spacy_lambda.core.loopback import is_loopback

__all__ = ["CONNECT_TIMEOUT_S", "is_local", "lambda_client"]

CONNECT_TIMEOUT_S = 5


def lambda_client(
    session: Any, *, endpoint_url: str | None, region: str | None, read_timeout_s: float, connections: int = 10
) -> Any:
    """A client that calls once, and never a second time by itself.

    A local endpoint checks no signature, so it is given none of the caller's credentials.

    :param session: :mod:`boto3` or a session of its.
    :param endpoint_url: Where Lambda's API is, if not in AWS.
    :param region: Signed into the requests.
    :param connections: Calls at the same time.
    """
    from botocore.config import Config

    local = endpoint_url is not None and is_local(endpoint_url)
    credentials = {"aws_access_key_id": "local", "aws_secret_access_key": "local"} if local else {}
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=read_timeout_s,
        retries={"total_max_attempts": 1},
        proxies={} if local else None,
        max_pool_connections=connections,
        tcp_keepalive=True,
    )
    client = session.client("lambda", endpoint_url=endpoint_url, region_name=region, config=config, **credentials)
    # botocore has no door to this; without it, a deadline still ends the reading of the answer's body.
    http = getattr(getattr(client, "_endpoint", None), "http_session", None)
    pools = getattr(http, "_pool_classes_by_scheme", None)
    if isinstance(pools, dict):
        pools.update(watched(pools))
    return client


def is_local(url: str) -> bool:
    """Whether a URL is one of this machine."""
    return is_loopback(urlsplit(url).hostname or "")
