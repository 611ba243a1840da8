"""The output of asynchronous events: an S3 prefix or an SQS queue, by ``SPACY_LAMBDA_OUTPUT``.

The same name is the same object, so an event that is delivered twice is written once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import quote

from spacy_lambda.core.aws_error_kinds import credentials_problem, credentials_remedy
from spacy_lambda.core.env_names import OUTPUT_VARIABLE
from spacy_lambda.core.output_location import S3Prefix, SqsQueue, parse_output
from spacy_lambda.errors import OutputError
from spacy_lambda.runtime.events.s3_objects import as_stream

__all__ = ["Output", "S3Output", "SqsOutput", "open_output"]

ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_SQS")


class Output(Protocol):
    """A destination of predictions."""

    def write(self, name: str, body: bytes) -> None:
        """Write a prediction.

        :param name: The name of its event; a prediction of the same name is replaced, if the output can.
        :param body: JSON.
        :raises OutputError: If it cannot be written.
        """
        ...


def open_output(environ: Mapping[str, str]) -> Output:
    """Open the output of ``SPACY_LAMBDA_OUTPUT``; one client serves all invocations.

    :raises OutputError: If it is missing or invalid.
    :raises StoreError: If the AWS configuration is invalid.
    """
    return _opened(environ.get(OUTPUT_VARIABLE, ""), tuple(environ.get(name) for name in ENDPOINTS))


@lru_cache(maxsize=4)
def _opened(value: str, endpoints: tuple[str | None, ...]) -> Output:
    """Open an output; each endpoint, which boto3 reads itself, has its own client."""
    place = parse_output(value)
    if isinstance(place, S3Prefix):
        return S3Output(place.bucket, place.prefix)
    if place is not None:
        return SqsOutput(place)
    raise OutputError(
        f"{OUTPUT_VARIABLE} is {value!r}" if value else f"{OUTPUT_VARIABLE} is not set",
        remedy=f"set {OUTPUT_VARIABLE} to s3://bucket/prefix or to the URL of an SQS queue",
    )


class S3Output:
    """Objects below a prefix.

    :param bucket: The bucket of the objects.
    :param prefix: The prefix of their keys, without the slash that follows; may be empty.
    :param client: A client of S3; by default, the AWS environment variables apply.
    """

    def __init__(self, bucket: str, prefix: str, *, client: Any = None) -> None:
        from spacy_lambda.core.source.found_artifact import FROM_ENVIRONMENT
        from spacy_lambda.core.source.s3 import s3_client

        self.bucket, self.prefix = bucket, prefix
        self.client = client or s3_client(FROM_ENVIRONMENT)

    def write(self, name: str, body: bytes) -> None:
        self.write_object(quote(name, safe="") + ".json", iter([body]))

    def write_object(self, name: str, chunks: Iterator[bytes]) -> str:
        """Write an object as its chunks come; if they end with an exception, nothing is written.

        :param name: The end of its key, unchanged.
        :returns: Its location.
        :raises OutputError: If it cannot be written.
        """
        from boto3.s3.transfer import TransferConfig
        from botocore.exceptions import BotoCoreError, ClientError

        from spacy_lambda.core.source.s3 import s3_error

        key = f"{self.prefix}/{name}" if self.prefix else name
        # The chunks are made while they are read: by the pipeline, which belongs to this thread.
        config = TransferConfig(use_threads=False)
        try:
            self.client.upload_fileobj(as_stream(chunks), self.bucket, key, Config=config)
        except (BotoCoreError, ClientError) as exc:
            error = s3_error(exc, self.bucket, key)
            raise OutputError(error.message, remedy=error.remedy) from exc
        return f"s3://{self.bucket}/{key}"


class SqsOutput:
    """Messages in a queue; a FIFO queue drops a message that it received in the last five minutes.

    :param queue: The queue.
    """

    def __init__(self, queue: SqsQueue) -> None:
        import boto3

        self._url = queue.url
        self._client = boto3.client("sqs", region_name=queue.region)

    def write(self, name: str, body: bytes) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        fifo: dict[str, Any] = {}
        if self._url.endswith(".fifo"):
            digest = sha256(name.encode("utf-8", "backslashreplace")).hexdigest()
            fifo = {"MessageGroupId": "spacy-lambda", "MessageDeduplicationId": digest}
        try:
            self._client.send_message(QueueUrl=self._url, MessageBody=body.decode(), **fifo)
        except (BotoCoreError, ClientError) as exc:
            problem = credentials_problem(exc)
            if problem is not None:
                raise OutputError(f"{self._url}: {problem}", remedy=credentials_remedy(exc)) from exc
            raise OutputError(
                f"{self._url}: {exc}",
                remedy="allow sqs:SendMessage on the queue to the function's role; "
                f"for large predictions, set {OUTPUT_VARIABLE} to s3://bucket/prefix",
            ) from exc
