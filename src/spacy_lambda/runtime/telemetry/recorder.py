"""Observation -> a line in the log, metrics, a subsegment."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from spacy_lambda.core.env_names import FUNCTION_NAME_VARIABLE, METRICS_VARIABLE
from spacy_lambda.core.metric_names import (
    CLIENT_ERRORS,
    COLD_STARTS,
    FUNCTION_DIMENSION,
    INIT_DURATION,
    MODEL_DIMENSION,
    entities_of,
)
from spacy_lambda.runtime.telemetry.emf import DIRECTIVES, Metric, metric_line
from spacy_lambda.runtime.telemetry.init_type import is_cold, process_age_s
from spacy_lambda.runtime.telemetry.observation import Observation
from spacy_lambda.runtime.telemetry.xray import send_subsegment

__all__ = ["Recorder"]

BY_FUNCTION = (FUNCTION_DIMENSION,)
BY_MODEL = (FUNCTION_DIMENSION, MODEL_DIMENSION)
DIGEST = 12
"""Characters of a SHA-256 that identify a model."""

_log = logging.getLogger("spacy_lambda.invocation")


class Recorder:
    """Records every invocation of one execution environment. Make it at the end of init.

    A line of JSON each: as metrics where they are wanted, else as a log record of level INFO, which Lambda shows when
    the function's log format is JSON.

    :param environ: The environment variables.
    :param model: Identity of the pipeline: its artifact's SHA-256, or name and version where that is not known.
    :param labels: Labels of entities that the pipeline lists: each has its metric, zero too.
    :param write: Takes a line of the log; by default standard output does.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        model: str,
        labels: Sequence[str] = (),
        write: Callable[[str], object] | None = None,
    ) -> None:
        self._environ = environ
        self._model = model
        self._labels = labels
        self._write = write or sys.stdout.write
        self._init_ms = round(process_age_s() * 1000, 1)
        self._is_first = True

    @contextmanager
    def invocation(self, request_id: str | None) -> Iterator[Observation]:
        """Observe an invocation, and record it when it ends, however it does.

        :param request_id: As Lambda gave it.
        """
        cold = self._is_first and is_cold(self._environ)
        observation = Observation(init_ms=self._init_ms if cold else 0.0)
        began = time.time()
        try:
            yield observation
        except Exception as exc:
            observation.error = type(exc).__name__
            raise
        finally:
            self._record(observation, request_id, began, time.time(), cold=cold)
            self._is_first = False

    def _record(
        self, observation: Observation, request_id: str | None, began: float, ended: float, *, cold: bool
    ) -> None:
        facts = {
            "requestId": request_id,
            "source": observation.source,
            "model": self._model,
            "durationMs": round((ended - began) * 1000, 1),
            **({"initMs": self._init_ms} if cold else {}),
            **({"error": observation.error} if observation.error else {}),
        }
        namespace = self._environ.get(METRICS_VARIABLE, "")
        if namespace:
            line = metric_line(
                self._metrics(observation, cold=cold),
                namespace=namespace,
                timestamp_ms=int(ended * 1000),
                dimensions={
                    FUNCTION_DIMENSION: self._environ.get(FUNCTION_NAME_VARIABLE, "function"),
                    MODEL_DIMENSION: self._model[:DIGEST] if len(self._model) == 64 else self._model,
                },
                facts=facts,
            )
            if observation.is_ping:  # each metric is paid for by the hour in which it is emitted
                del line[DIRECTIVES]
            self._write(json.dumps(line) + "\n")
        elif _log.isEnabledFor(logging.INFO):
            _log.info({**facts, **observation.counts(), "entities": observation.entities()})
        send_subsegment(
            "pipeline",
            start_s=began,
            end_s=ended,
            annotations={"model": self._model, "source": observation.source, **observation.counts()},
            is_fault=observation.error not in (None, "RequestError"),
            environ=self._environ,
        )

    def _metrics(self, observation: Observation, *, cold: bool) -> list[Metric]:
        found = observation.entities()
        counts: dict[str, float] = {
            **observation.counts(),
            CLIENT_ERRORS: observation.error == "RequestError",
            **{entities_of(label): found[label] for label in {**dict.fromkeys(self._labels), **found}},
        }
        metrics = [Metric(name, int(value), "Count", BY_MODEL) for name, value in counts.items()]
        metrics.append(Metric(COLD_STARTS, int(cold), "Count", BY_FUNCTION))
        if cold:
            metrics.append(Metric(INIT_DURATION, self._init_ms, "Milliseconds", BY_FUNCTION))
        return metrics
