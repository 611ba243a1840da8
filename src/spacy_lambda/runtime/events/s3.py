"""Objects that were put into S3: texts, and lines of requests."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from spacy_lambda.core.env_names import OUTPUT_VARIABLE
from spacy_lambda.errors import OutputError, RequestError
from spacy_lambda.runtime.events.content import notified_object
from spacy_lambda.runtime.events.jsonl import predict_lines
from spacy_lambda.runtime.events.output import Output, S3Output, open_output
from spacy_lambda.runtime.events.records import encode, is_from, write_each
from spacy_lambda.runtime.events.s3_objects import DEFAULT_LIMITS, ObjectLimits, StoredObject, read_lines, read_text
from spacy_lambda.runtime.predictor import Predictor

__all__ = ["S3Event", "predict_objects"]

_log = logging.getLogger(__name__)


class S3Event:
    """Notifications of new objects, each processed into another object.

    :param open_output: Opens what the environment names.
    :param limits: Maximum bytes of what is read.
    """

    name = "S3"

    def __init__(
        self,
        open_output: Callable[[Mapping[str, str]], Output] = open_output,
        *,
        limits: ObjectLimits = DEFAULT_LIMITS,
    ) -> None:
        self._open_output = open_output
        self._limits = limits

    def matches(self, event: Any) -> bool:
        return is_from(event, "aws:s3")

    def handle(self, event: Any, context: Any, predictor: Predictor) -> Any:
        """Process every object.

        :returns: The locations of the predictions.
        :raises Exception: If an object could not be processed: its error, after all others were processed.
        """

        def write(record: Any) -> list[str]:
            stored, output = notified_object(record), self._open_output(predictor.environ)
            return [predict_object(stored, output, predictor, self._limits)]

        return write_each(event["Records"], write, logger=_log, what="an object")


def predict_objects(
    stored: Sequence[StoredObject], open_output: Callable[[], Output], predictor: Predictor
) -> dict[str, list[str]]:
    """Write the prediction of every object of a message, also after one that fails; see :func:`predict_object`.

    :param open_output: Opens the output, which a message without objects does not need.
    :returns: The response: the locations of the predictions.
    :raises Exception: If an object could not be processed: its error, after all others were processed.
    """

    def write(one: StoredObject) -> list[str]:
        return [predict_object(one, open_output(), predictor)]

    return write_each(stored, write, logger=_log, what="an object")


def predict_object(
    stored: StoredObject, output: Output, predictor: Predictor, limits: ObjectLimits = DEFAULT_LIMITS
) -> str:
    """Write an object's prediction to another one, whose key is the output's prefix, the object's bucket, and its key.

    ``.txt`` becomes ``.json``; ``.jsonl`` and ``.jsonl.gz`` keep their names.

    :returns: The location of the prediction.
    :raises OutputError: If the prediction cannot be written, or would trigger another event.
    :raises RequestError: If the object is not a valid request.
    :raises StoreError: If the object cannot be read.
    """
    output = _separate_output(stored, output)
    name = f"{stored.bucket}/{stored.key}"
    if name.endswith(".txt"):
        text = read_text(output.client, stored, max_length=predictor.capacity.limits.text_characters, limits=limits)
        prediction = predictor.predict(predictor.parse({"text": text}))
        body = encode({"bucket": stored.bucket, "key": stored.key, "answer": prediction})
        return output.write_object(name.removesuffix(".txt") + ".json", iter([body]))
    if name.endswith((".jsonl", ".jsonl.gz")):
        lines = predict_lines(read_lines(output.client, stored, limits), predictor, limits)
        return output.write_object(name, _packed(lines) if name.endswith(".gz") else lines)
    raise RequestError(
        f"{stored} is neither .txt nor .jsonl nor .jsonl.gz", remedy="name such a suffix in the bucket's notification"
    )


def _separate_output(stored: StoredObject, output: Output) -> S3Output:
    """Return the output if it is in S3 and does not contain the object."""
    if not isinstance(output, S3Output):
        raise OutputError(
            "predictions for S3 objects can only be written to S3",
            remedy=f"set {OUTPUT_VARIABLE} to s3://bucket/prefix",
        )
    if output.bucket == stored.bucket and (not output.prefix or stored.key.startswith(output.prefix + "/")):
        raise OutputError(
            f"{stored} is inside the output location, so its prediction would trigger another event",
            remedy=f"set {OUTPUT_VARIABLE} to another bucket, or to a prefix that the notification excludes",
        )
    return output


def _packed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the chunks as a gzip file without a date."""
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    for chunk in chunks:
        yield packer.compress(chunk)
    yield packer.flush()
