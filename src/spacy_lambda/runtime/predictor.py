"""The one path from a request to its prediction, which all event sources share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from spacy.language import Language

from spacy_lambda.core.lambda_limits import RESPONSE_BYTES
from spacy_lambda.errors import OutOfTimeError, RequestError
from spacy_lambda.runtime.capacity import Capacity
from spacy_lambda.runtime.prediction import predict_all
from spacy_lambda.runtime.request import Request, parse_request
from spacy_lambda.runtime.telemetry.observation import Observation

__all__ = ["Predictor"]


@dataclass(frozen=True)
class Predictor:
    """A pipeline, and all that a prediction depends on.

    :param nlp: The loaded pipeline.
    :param environ: The environment variables.
    :param sha256: Digest of the pipeline's artifact, if it is known.
    :param observation: Collects the counts of this invocation.
    :param capacity: Capacity of the execution environment; one for all its invocations.
    """

    nlp: Language
    environ: Mapping[str, str]
    sha256: str | None = None
    observation: Observation = field(default_factory=Observation)
    capacity: Capacity = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.capacity is None:
            object.__setattr__(self, "capacity", Capacity(self.nlp, self.environ))

    def parse(self, body: Any) -> Request:
        """Parse a request of any event source.

        :raises RequestError: If it is invalid.
        """
        limits = self.capacity.limits
        return parse_request(
            body,
            max_length=limits.text_characters,
            max_texts=limits.texts,
            max_total=limits.total_characters,
        )

    def predict(self, request: Request, *, response_bytes: int = RESPONSE_BYTES) -> Any:
        """Return the prediction of a request.

        :param response_bytes: Maximum bytes of the response, as far as they can be estimated before.
        :raises RequestError: If it is over the limits, or cannot end in the time that is left.
        """
        try:
            predictions = predict_all(
                self.nlp, [request], self.capacity, response_bytes=response_bytes, raise_errors=True
            )
        except OutOfTimeError as exc:  # only queues and streams distinguish it from other errors
            raise RequestError(exc.message, remedy=exc.remedy, key=exc.key, status=exc.status) from exc
        self.observation.texts.extend(predictions.counts)
        return predictions.outcomes[0]

    def predict_each(self, requests: Sequence[Request]) -> list[Any]:
        """Return the predictions of several requests, all their texts at once.

        :returns: For each its prediction, or its exception.
        """
        predictions = predict_all(self.nlp, requests, self.capacity, response_bytes=float("inf"))
        self.observation.texts.extend(predictions.counts)
        return predictions.outcomes
