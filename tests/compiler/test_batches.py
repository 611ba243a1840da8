"""Batches: a compiled pipeline gives the same for each of a batch's texts as for that text alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from spacy.tokens import Doc

from spacy_lambda.runtime.encoder_output import get_encoding
from tests.compiler.originals import TEXTS, Pair

COMPONENTS = ("tagger", "parser", "ner", "spancat", "textcat")
BATCH = [*TEXTS, "iron", " ".join(TEXTS), " \n", *(text.upper() for text in TEXTS), " ".join(TEXTS * 4)]


@pytest.mark.parametrize("batch_size", [2, 5, 64])
@pytest.mark.parametrize(
    "precision", ["fp32", *(pytest.param(name, marks=pytest.mark.slow) for name in ("int8-weight-only", "int8"))]
)
def test_batches_change_nothing(pair: Callable[..., Pair], precision: str, batch_size: int) -> None:
    _, compiled = pair(precision, components=COMPONENTS)
    for text, together in zip(BATCH, compiled.pipe(BATCH, batch_size=batch_size), strict=True):
        alone = compiled(text)
        assert annotated(together) == annotated(alone)
        np.testing.assert_array_equal(hidden_states(together), hidden_states(alone))
        if precision == "fp32":
            assert together.cats == alone.cats
            assert span_scores(together) == span_scores(alone)


@pytest.mark.parametrize("batch_size", [1, 5])
def test_a_batch_is_annotated_as_by_the_original(pair: Callable[..., Pair], batch_size: int) -> None:
    original, compiled = pair("fp32", components=COMPONENTS)
    batch = [*BATCH, ""]  # spaCy scores the categories of an empty text only next to others
    docs = zip(original.pipe(batch, batch_size=batch_size), compiled.pipe(batch, batch_size=batch_size), strict=True)
    for theirs, ours in docs:
        assert annotated(ours) == annotated(theirs)
        assert ours.cats == pytest.approx(theirs.cats, abs=1e-5)


def annotated(doc: Doc) -> dict[str, Any]:
    """Return everything but scores."""
    return {key: value for key, value in doc.to_json().items() if key != "cats"}


def hidden_states(doc: Doc) -> Any:
    encoding = get_encoding(doc)
    assert encoding is not None
    return encoding.hidden


def span_scores(doc: Doc) -> list[float]:
    return [float(score) for group in doc.spans.values() for score in group.attrs.get("scores", ())]
