"""Queries of a compiled pipeline, component by component and as a function; see :mod:`spacy_lambda.packages.isolation`.

They run in a process with the function's packages.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

# First, so that spaCy is imported without its command line.
from spacy_lambda.runtime.loading import load_pipeline  # isort: skip
from spacy.language import Language
from spacy.tokens import Doc
from spacy.tokens.underscore import Underscore

from spacy_lambda.compiler.doc_trace import trace_text
from spacy_lambda.compiler.measured_speed import measure_speed
from spacy_lambda.core.env_names import MAX_TEXT_VARIABLE, MAX_TEXTS_VARIABLE, MAX_TOTAL_VARIABLE
from spacy_lambda.core.request_options import DOC_PARTS
from spacy_lambda.packages.isolated_program import Failure, describe_failure
from spacy_lambda.runtime.encoder_output import TRF_DATA
from spacy_lambda.runtime.events.dispatch import dispatch
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.scores import keep_scores
from spacy_lambda.runtime.trf_data.extension import get_trf_data, set_trf_data

__all__ = ["function_predictions", "load", "query"]

UNLIMITED = {variable: str(10**9) for variable in (MAX_TEXT_VARIABLE, MAX_TEXTS_VARIABLE, MAX_TOTAL_VARIABLE)}
"""The limits of a function follow from its speed and its timeout; its predictions do not."""

MAX_SHAPES_LENGTH = 200
"""Characters of the texts that are sent in requests of every shape. Shapes differ in what they give of a Doc; longer
texts, which take most of the time, are sent alone and in one batch with all others.
"""


def load(pipeline: Path) -> Language:
    """Load the pipeline as the function does."""
    return load_pipeline(pipeline)


def query(nlp: Language, request: dict[str, Any]) -> dict[str, Any]:
    """Trace texts, and query the function with those on which the pipeline does not raise."""
    running, readers = ["tokenizer"], list[str]()
    _record_readers(running, readers)
    traces = [trace_text(nlp, text, running=running) for text in request["texts"]]
    running[:] = []
    return {
        "components": nlp.pipe_names,
        "speed": _speed(nlp, request["working"]),
        "traces": [trace.to_dict() for trace in traces],
        "predictions": [
            {"failure": asdict(one)} if isinstance(one, Failure) else {"prediction": one}
            for one in function_predictions(nlp, request["working"])
        ],
        "readers": readers,
    }


def function_predictions(nlp: Language, texts: list[str]) -> list[Any]:
    """Return the function's predictions for each shape of a request; a :class:`Failure` where it raises.

    :param texts: Texts on which the pipeline does not raise.
    """
    keep_scores(nlp)  # of an original, too
    function = Predictor(nlp, UNLIMITED)
    short = [text for text in texts if len(text) <= MAX_SHAPES_LENGTH] or texts
    several, few = ([text for text in those if text.strip()] for those in (texts, short))
    events: list[dict[str, Any]] = [{"text": text, "include": list(DOC_PARTS)} for text in texts]
    events += [{"texts": several, "include": list(DOC_PARTS)}, {"inputs": few}, {"texts": short}]
    return [_predict(function, event) for event in events]


def _predict(function: Predictor, event: dict[str, Any]) -> Any:
    try:
        return dispatch(event, None, function)
    except Exception as exc:  # any exception of user code
        return describe_failure(exc)


def _speed(nlp: Language, texts: list[str]) -> dict[str, Any] | None:
    """Measure the speed, from which the limits of the function follow; failures are reported elsewhere."""
    try:
        return measure_speed(nlp, texts)
    except Exception:  # any exception of user code
        return None


def _record_readers(running: list[str], readers: list[str]) -> None:
    """Record the components that read ``doc._.trf_data``, whose numbers depend on the encoder as models' outputs do."""
    registered = Underscore.doc_extensions.get(TRF_DATA)
    if registered is None or registered[2] is not get_trf_data:
        return

    def read(doc: Doc) -> Any:
        readers.extend(name for name in running if name not in readers)
        return get_trf_data(doc)

    Doc.set_extension(TRF_DATA, getter=read, setter=set_trf_data, force=True)
