"""The grammar of ``SPACY_LAMBDA_OUTPUT``: ``s3://bucket/prefix``, or the URL of an SQS queue."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

__all__ = ["BUCKET", "OUTPUT_FORMS", "S3Prefix", "SqsQueue", "parse_output"]

OUTPUT_FORMS = "s3://bucket/prefix, or the URL of a queue: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
"""Names of S3 buckets."""

_HOST = re.compile(r"sqs\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")
_PATH = re.compile(r"/(?P<account>[0-9]{12})/(?P<name>[A-Za-z0-9_-]{1,80}(?:\.fifo)?)")


@dataclass(frozen=True)
class S3Prefix:
    """Objects below a prefix.

    :param bucket: Their bucket.
    :param prefix: The beginning of their keys, without slashes around it; may be empty.
    """

    bucket: str
    prefix: str

    @property
    def resource(self) -> str | None:
        """The objects as their ARN names them behind the partition; ``None`` if AWS has no such bucket."""
        if not BUCKET.fullmatch(self.bucket):
            return None
        return f"s3:::{self.bucket}/{self.prefix}/*" if self.prefix else f"s3:::{self.bucket}/*"


@dataclass(frozen=True)
class SqsQueue:
    """A queue, in AWS or behind another endpoint.

    :param url: Its URL.
    """

    url: str

    @property
    def region(self) -> str | None:
        """Its region; ``None`` if the URL is not of AWS."""
        host = _HOST.fullmatch(urlsplit(self.url).hostname or "")
        return host and host["region"]

    @property
    def resource(self) -> str | None:
        """The queue as its ARN names it behind the partition; ``None`` if the URL is not of AWS."""
        scheme, _, rest = self.url.partition("://")
        host, slash, path = rest.partition("/")
        place, queue = _HOST.fullmatch(host), _PATH.fullmatch(slash + path)
        if scheme != "https" or place is None or queue is None:
            return None
        return f"sqs:{place['region']}:{queue['account']}:{queue['name']}"


def parse_output(text: str) -> S3Prefix | SqsQueue | None:
    """Parse the value of ``SPACY_LAMBDA_OUTPUT``; ``None`` if it is neither form."""
    scheme, _, rest = text.partition("://")
    host, _, path = rest.partition("/")
    if scheme == "s3" and host:
        return S3Prefix(host, path.strip("/"))
    return SqsQueue(text) if scheme in ("http", "https") and host and path else None
