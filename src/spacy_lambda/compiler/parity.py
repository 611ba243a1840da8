"""Parity of the compiled transformer with the original's, before anything is written.

In three steps. The original against itself: the output of a model that depends on earlier inputs, or on padding,
cannot be reproduced. Then the encoder on windows of many lengths, on both sides of every length at
which something changes. Then the whole component on Docs, through tokenizer, truncation and alignment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc

from spacy_lambda.compiler.libraries import TransformerPart
from spacy_lambda.compiler.libraries.part import HiddenStates, Reference
from spacy_lambda.compiler.precisions import EXACT, PrecisionRules
from spacy_lambda.errors import CompileError, EncoderError
from spacy_lambda.runtime.encoder import Encoder, EncoderBytes
from spacy_lambda.runtime.encoder_output import get_encoding
from spacy_lambda.runtime.transformer import CompiledTransformer

__all__ = [
    "Expected",
    "MeasuredError",
    "check_component",
    "check_encoder",
    "expect",
    "row_error",
]

EPSILON = 1e-12

PADDED_LENGTH = 17
"""Length of the window that is run in a batch with a longer one."""

OnCheck = Callable[[int, int], None]


@dataclass(frozen=True)
class Expected:
    """The original's hidden states of windows.

    :param windows: Wordpiece ids of each, the longest first.
    :param hidden: Its hidden states, one array for each window.
    """

    windows: list[list[int]]
    hidden: list[HiddenStates]

    @property
    def width(self) -> int:
        """Columns of the hidden states."""
        return int(self.hidden[0].shape[-1])


@dataclass(frozen=True)
class MeasuredError:
    """Error of an encoder against the original.

    :param largest_difference: Largest difference of two hidden states.
    :param relative_error: Root mean square of the differences, relative to the hidden states' own.
    :param centred_error: The same, relative to the hidden states' deviation from their mean.
    """

    largest_difference: float
    relative_error: float
    centred_error: float


def expect(part: TransformerPart) -> Expected:
    """Run the original on windows, before anything else does.

    :raises CompileError: If it fails, or its output cannot be reproduced.
    """
    reference = part.reference()
    windows, hidden = [], []
    for window in part.sample_windows(part.checked_lengths()):
        try:
            hidden += reference([window])
            windows.append(window)
        except Exception as exc:  # any error of the model: then there is nothing to reproduce at this length
            reason = f"{type(exc).__name__}: {exc}"
    if not windows:
        raise _refused(part, f"fails by itself: {reason}", "make `nlp(text)` work on it first")
    for rows, window in zip(hidden, windows, strict=True):
        if not np.isfinite(rows).all():
            raise _refused(
                part,
                f"gives NaN or infinity on windows of {len(window)} wordpieces",
                "train it again, with mixed_precision = false if need be",
            )
    _check_against_itself(part, reference, Expected(windows, hidden))
    return Expected(windows, hidden)


def check_encoder(
    part: TransformerPart, model: EncoderBytes, expected: Expected, rules: PrecisionRules, *, on_check: OnCheck
) -> MeasuredError:
    """Run an encoder on the original's windows.

    :param rules: The precision of its weights.
    :raises CompileError: If it differs, fails, or gives NaN.
    """
    encoder = Encoder(model, all_layers=part.all_layers)
    largest = squared = size = deviation = 0.0
    for done, (window, rows) in enumerate(zip(expected.windows, expected.hidden, strict=True)):
        found = _encode(part, encoder, window, rules)
        if found.shape != rows.shape or not np.isfinite(found).all():
            raise _differs(part, "is NaN, infinite or of another shape", window, rules)
        error = row_error(found, rows)
        if rules.exact and not error <= rules.tolerance:
            raise _differs(part, f"differs by {error:.1e} of its size (limit {rules.tolerance:.0e})", window, rules)
        difference = (found - rows).astype(np.float64)
        largest = max(largest, float(np.abs(difference).max()))
        squared += float(np.square(difference).sum())
        size += float(np.square(rows, dtype=np.float64).sum())
        deviation += float(np.square(rows - rows.mean(axis=-2, keepdims=True), dtype=np.float64).sum())
        on_check(done + 1, len(expected.windows))
    centred = _root(squared, deviation)
    if not rules.exact and not centred <= rules.tolerance:
        raise CompileError(
            f"{rules.name} hidden states of {part.name!r} ({part.architecture}) are {centred:.2f} of their"
            f" spread away from the original's (limit {rules.tolerance})",
            remedy=rules.remedy,
        )
    return MeasuredError(largest, _root(squared, size), centred)


def check_component(part: TransformerPart, model: EncoderBytes, width: int) -> None:
    """Compare the compiled component with the original's on Docs.

    :param model: The encoder at an exact precision.
    :param width: Columns of the hidden states.
    :raises CompileError: If they differ, or only the compiled one fails.
    """
    component = part.component(model, width)
    for docs in part.sample_docs():
        _check_docs(part, component, docs)


def _check_docs(part: TransformerPart, component: CompiledTransformer, docs: list[Doc]) -> None:
    for doc, states in zip(docs, part.doc_states(docs), strict=True):
        if states is None:
            continue
        try:
            found = get_encoding(component(doc))
        except EncoderError as exc:
            raise _differs_on(part, f"fails ({exc.message})", doc) from exc
        assert found is not None
        if not np.array_equal(states.lengths, found.lengths):
            raise _differs_on(part, "gives tokens other wordpieces", doc)
        # Padding as text may give NaN in the original: then there is nothing to reproduce.
        if not found.rows.size or not np.isfinite(states.rows).all():
            continue
        rows = found.hidden[found.rows] if found.layers is None else found.layers[:, found.rows]
        error = row_error(rows, states.rows)
        if not error <= EXACT.tolerance:
            raise _differs_on(part, f"differs by {error:.1e} of its size (limit {EXACT.tolerance:.0e})", doc)


def row_error(found: HiddenStates, expected: HiddenStates) -> float:
    """Return the root mean square of the differences in the worst row, relative to the hidden states of its layer."""
    if not expected.size:
        return 0.0
    rows = np.square((found - expected).astype(np.float64)).mean(axis=-1)
    sizes = np.square(expected, dtype=np.float64).mean(axis=(-2, -1), keepdims=True)
    return float(np.sqrt((rows / np.maximum(sizes[..., 0], EPSILON)).max()))


def _check_against_itself(part: TransformerPart, reference: Reference, expected: Expected) -> None:
    """Run the longest window again, after all others; and a short one in a batch with a longer one."""
    longest, short = expected.windows[0], next((w for w in expected.windows if len(w) <= PADDED_LENGTH), None)
    (again,) = reference([longest])
    if not (error := row_error(again, expected.hidden[0])) <= EXACT.tolerance:
        kept = _longest_kept(reference, expected)
        shorter = f", or set model_max_length of its tokenizer to at most {kept}" if kept else ""
        raise _refused(
            part,
            f"gives another output when it runs again, by {error:.1e} of its size on {len(longest)} wordpieces",
            f'use a model that does not change as it runs (for BigBird: attention_type = "original_full"){shorter}',
        )
    longer = next((w for w in reversed(expected.windows) if short and len(w) > 2 * len(short)), None)
    if short is None or longer is None:
        return
    padded = reference([short, longer])[0]
    if not (error := row_error(padded, expected.hidden[expected.windows.index(short)])) <= EXACT.tolerance:
        raise _refused(
            part,
            f"gives another output in a batch with a longer window, by {error:.1e} of its size: they depend on padding",
            part.padding_remedy,
        )


def _longest_kept(reference: Reference, expected: Expected) -> int:
    """Return the length of the longest window that has the same output as before; 0 if there is none."""
    for window, rows in zip(expected.windows, expected.hidden, strict=True):
        if row_error(reference([window])[0], rows) <= EXACT.tolerance:
            return len(window)
    return 0


def _encode(part: TransformerPart, encoder: Encoder, window: list[int], rules: PrecisionRules) -> HiddenStates:
    try:
        types = part.token_types(len(window))
        (found,) = encoder([np.array(window)], [None if types is None else np.array(types)])
    except EncoderError as exc:
        raise _differs(part, f"fails ({exc.message})", window, rules) from exc
    return found


def _root(part: float, whole: float) -> float:
    return float(np.sqrt(part / max(whole, EPSILON)))


def _refused(part: TransformerPart, what: str, remedy: str) -> CompileError:
    return CompileError(f"the transformer of {part.name!r} ({part.architecture}) {what}", remedy=remedy)


def _differs(part: TransformerPart, what: str, window: list[int], rules: PrecisionRules) -> CompileError:
    return CompileError(
        f"the compiled encoder of {part.name!r} ({part.architecture}) {what} on a window of {len(window)} wordpieces",
        remedy=part.remedy or rules.remedy if rules.exact else rules.remedy,
    )


def _differs_on(part: TransformerPart, what: str, doc: Doc) -> CompileError:
    return CompileError(
        f"the compiled component {part.name!r} ({part.architecture}) {what}"
        f" on a text of {len(doc)} tokens, {doc.text[:60]!r}",
        remedy=part.remedy or EXACT.remedy,
    )
