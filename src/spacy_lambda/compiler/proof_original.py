"""Texts of the proof, and the original's results for them."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from spacy.language import Language

from spacy_lambda.compiler.doc_trace import DocTrace, trace_text
from spacy_lambda.compiler.proof_queries import function_predictions
from spacy_lambda.errors import CompileError
from spacy_lambda.packages.isolated_program import Failure

__all__ = ["LONG_TEXT", "REMEDY", "TEXTS", "OriginalResults", "failure_text", "query_original", "quiet"]

MIN_WORKING_SHARE = 0.25
"""Minimum share of texts, without blank ones, on which the original works: where it fails, nothing is proved."""

REMEDY = "\nremedy: "
"""Precedes the remedy in a message of one of spacy-lambda's errors."""

LONG_TEXT = (
    "On 3 March 2024 Ada Lovelace of Acme Corp. flew from Berlin to New York (flight LH400, $1,234.50). "
    "The film of iron grows on silicon at 350 °C; we measured how heat moves through glass, e.g. in Fig. 2b. "
    "She said: \"It doesn't work - yet!\" Dr. Müller, who can't come, wrote to info@example.org about it. "
)

TEXTS = (
    "On 3 March 2024 Ada Lovelace of Acme Corp. flew from Berlin to New York (flight LH400, $1,234.50).",
    "",
    " \n\t ",
    "Die Straße nach Zürich wurde 1998 für 2,5 Mio. Euro gebaut; wer's glaubt, wird selig.",
    "東京大学で機械学習を研究しています。我在北京大学学习人工智能。서울에서 만나요.",
    "في عام ٢٠٢٠ زار الملك القاهرة. Москва - столица России. नमस्ते दुनिया।",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f3f3\ufe0f\u200d\U0001f308 nai\u0308ve \u200bzero\u200bwidth ﬁ",
    "<p>See https://example.org/a?b=c&d#e or mail me@example.org!</p>\r\n\r\nif (x >= 1) { return y_2; }",
    "a",
    LONG_TEXT * 8,
)
"""Short, long and empty texts, in several languages and scripts, with edge cases of tokenizers."""


@dataclass(frozen=True)
class OriginalResults:
    """The reference: the original's results on each text.

    :param predictions: The function's predictions, for the texts on which the original does not raise.
    """

    nlp: Language
    texts: tuple[str, ...]
    traces: tuple[DocTrace, ...]
    predictions: list[Any]

    @property
    def working_texts(self) -> list[str]:
        """The texts on which the original does not raise."""
        return [text for text, trace in zip(self.texts, self.traces, strict=True) if trace.failure is None]


def query_original(nlp: Language, texts: tuple[str, ...]) -> OriginalResults:
    with quiet():
        traces = tuple(trace_text(nlp, text) for text in texts)
        good = [text for text, trace in zip(texts, traces, strict=True) if trace.failure is None]
        predictions = function_predictions(nlp, good)
    failures = [trace.failure for text, trace in zip(texts, traces, strict=True) if text.strip() and trace.failure]
    # The predictions of single texts come first.
    failures += [one for text, one in zip(good, predictions, strict=False) if text.strip() and isinstance(one, Failure)]
    total = sum(bool(text.strip()) for text in texts)
    if total - len(failures) < MIN_WORKING_SHARE * total:
        raise CompileError(
            f"the original itself fails on {len(failures)} of {total} texts: {failure_text(failures[0])}",
            remedy="make `nlp(text)` work on it first; if it is for particular texts only, give some with --verify",
        )
    return OriginalResults(nlp, texts, traces, predictions)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Suppress the warnings of transformers and spaCy on texts that the user did not choose."""
    logger = logging.getLogger("transformers.tokenization_utils_base")
    disabled, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = disabled


def failure_text(failed: Failure) -> str:
    """Return a failure in a line: its component, its error without a remedy, and its place."""
    by = f"component {failed.component!r} raises " if failed.component else ""
    message, _, _ = failed.message.partition(REMEDY)
    return f"{by}{failed.kind}: {message} ({failed.where})"
