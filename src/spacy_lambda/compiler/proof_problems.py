"""Reasons to refuse a compiled pipeline: what the fresh process reported, against the original's results."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spacy_lambda.compiler.differences import ValueDifference, differences, first_not_finite, trace_differences
from spacy_lambda.compiler.doc_trace import trace_text
from spacy_lambda.compiler.inspection import Original
from spacy_lambda.compiler.libraries.spacy_transformers import SPACY_TRANSFORMERS
from spacy_lambda.compiler.loaded_pipeline import has_model
from spacy_lambda.compiler.precisions import USE_FP32, PrecisionRules
from spacy_lambda.compiler.proof_original import LONG_TEXT, REMEDY, TEXTS, OriginalResults, failure_text, quiet
from spacy_lambda.compiler.proof_padding import trace_without_padding
from spacy_lambda.compiler.proof_queries import function_predictions
from spacy_lambda.compiler.proof_results import IsolatedResults
from spacy_lambda.compiler.required_packages import distributions_of, installed_sources
from spacy_lambda.compiler.torch_code import torch_uses
from spacy_lambda.errors import CompileError, shorten
from spacy_lambda.packages.isolated_program import Failure
from spacy_lambda.packages.torch_packages import TORCH_MODULES, brings_torch

__all__ = ["Problem", "find_problem", "torch_code_problem"]

SHOWN_USES = 5

REPEATS = 3

REGISTRIES = (
    "if the code needs spacy_transformers for its registries only: spacy.registry has span_getters and"
    " annotation_setters without it; use these, and import spacy_transformers inside try/except ImportError"
)


@dataclass(frozen=True)
class Problem:
    """A reason to refuse a compiled pipeline."""

    message: str
    remedy: str
    failures: tuple[Failure, ...] = ()

    def error(self) -> CompileError:
        return CompileError(f"{self.message}; nothing was written", remedy=self.remedy)


def find_problem(
    original: OriginalResults, compiled: IsolatedResults, rules: PrecisionRules, code: Sequence[str]
) -> Problem | None:
    """Return the most severe problem that the fresh process reported."""
    failures = [compiled.failure] if compiled.failure else []
    traces = zip(original.traces, compiled.traces, strict=False)
    failures += [now.failure for then, now in traces if now.failure and not then.failure]
    predictions = zip(original.predictions, compiled.predictions, strict=False)
    failures += [now for then, now in predictions if isinstance(now, Failure) and not isinstance(then, Failure)]
    if failures:
        return _failed(failures, compiled, code)
    if compiled.components != original.nlp.pipe_names:
        return Problem(
            f"the compiled pipeline has the components {compiled.components}, the original {original.nlp.pipe_names}",
            "please report it, with the pipeline's config.cfg",
        )
    if rules.exact:
        padded = _padded(original, compiled)
        return padded or _different(original, compiled) or _different_predictions(original, compiled)
    return (
        _not_finite(original, compiled, rules)
        or _different(original, compiled, without_models=True)
        or _padded(original, compiled)
    )


def torch_code_problem(inspected: Original) -> Problem | None:
    """Return the problem of code that uses torch on texts other than the queried ones."""
    files = [*inspected.code.sources(), *installed_sources(inspected.nlp, inspected.config)]
    found = list(dict.fromkeys(use for file in files for use in torch_uses(file)))
    if not found:
        return None
    used = [use.module for use in found]
    shown = "; ".join(map(str, found[:SHOWN_USES]))
    more = f"; and {len(found) - SHOWN_USES} more" if found[SHOWN_USES:] else ""
    return Problem(
        f"the pipeline's code uses torch: {shown}{more}",
        "remove it, or leave out of --code the parts that only training needs; an import that may fail is accepted"
        " inside try/except ImportError" + (f"; {REGISTRIES}" if SPACY_TRANSFORMERS.package in used else ""),
    )


def _failed(failures: Sequence[Failure], compiled: IsolatedResults, code: Sequence[str]) -> Problem:
    first = failures[0]
    step = "load" if compiled.loading else "run"
    message = f"the compiled pipeline does not {step} with what the function has: {failure_text(first)}"
    return Problem(message, _remedy(first, compiled, code), tuple(failures))


def _remedy(failed: Failure, compiled: IsolatedResults, code: Sequence[str]) -> str:
    _, _, own_remedy = failed.message.partition(REMEDY)
    if own_remedy:
        return own_remedy
    absent = [name.partition(".")[0] for name in failed.missing]
    if any(map(_is_torch, absent)):
        without = "use a component that needs no torch: the function has none"
        return f"{without}; {REGISTRIES}" if SPACY_TRANSFORMERS.package in absent else without
    blocked = [path for path in compiled.blocked if path in failed.message]
    if blocked:
        return (
            f"bring the file with the pipeline: --code {blocked[0]}, and read it from the folder of the code's __file__"
        )
    for name in absent:
        spec = importlib.util.find_spec(name) if name not in sys.modules else sys.modules[name].__spec__
        if spec is not None and spec.origin and not distributions_of(name):
            origin = Path(spec.origin)
            return f"bring the module with the pipeline: --code {origin.parent if spec.parent == name else origin}"
    if absent:
        return f"install the package that brings {', '.join(map(repr, absent))}, or bring it with --code FILE"
    return "change or remove the code that raises it, or bring its files with --code FILE, and compile again"


def _not_finite(original: OriginalResults, compiled: IsolatedResults, rules: PrecisionRules) -> Problem | None:
    for text, then, now in zip(original.texts, original.traces, compiled.traces, strict=True):
        if not first_not_finite(then) and (where := first_not_finite(now)):
            return Problem(f"{rules.name} gives NaN: {where} on {text[:60]!r}", USE_FP32)
    return None


def _different(original: OriginalResults, compiled: IsolatedResults, *, without_models: bool = False) -> Problem | None:
    """Return the problem of the first component that differs from the original's.

    :param without_models: Only where that component neither has a model nor reads the hidden states: then the
        precision is not the reason.
    """
    trained = {name for name, component in original.nlp.components if without_models and has_model(component)}
    trained |= set(compiled.readers) if without_models else set()
    for number, text in enumerate(original.texts):
        if original.traces[number].failure is not None:
            continue
        found = trace_differences(original.traces[number], compiled.traces[number])
        if found and found[0][0] in trained:
            continue
        if found and (left := _deterministic(original, text, found)):
            component, first = left[0]
            return Problem(
                f"component {component!r} differs from the original's on {shorten(text, 60)!r}: {first}",
                f"check what {component!r} uses outside of the pipeline: files, packages, variables, padding in "
                "doc._.trf_data; if it is the encoder, please report it",
            )
    return None


def _padded(original: OriginalResults, compiled: IsolatedResults) -> Problem | None:
    """Return the problem of a component that reads the padding of ``doc._.trf_data``."""
    for text, trace in zip(original.texts, original.traces, strict=True):
        if not compiled.readers or trace.failure is not None:
            continue
        with quiet():
            found = trace_differences(trace, trace_without_padding(original.nlp, text))
        # What depends on padding differs in each batch.
        if found and (left := _deterministic(original, text, found, batches=(None,))):
            component, first = left[0]
            return Problem(
                f"component {component!r} reads the padding of doc._.trf_data, which is 0 in a compiled pipeline; on"
                f" {shorten(text, 60)!r} {first}",
                "leave out what wordpieces.attention_mask marks as padding",
            )
    return None


def _different_predictions(original: OriginalResults, compiled: IsolatedResults) -> Problem | None:
    numbers = [number for number, one in enumerate(original.predictions) if not isinstance(one, Failure)]
    first, second = ([those[number] for number in numbers] for those in (original.predictions, compiled.predictions))
    found = list(differences(first, second))
    if not found:
        return None
    unsteady: set[str] = set()
    # Several times: a random value may come close to the one before.
    for _ in range(REPEATS):
        with quiet():
            again = function_predictions(original.nlp, original.working_texts)
        unsteady |= {one.path for one in differences(first, [again[number] for number in numbers])}
    found = [one for one in found if one.path not in unsteady]
    if not found:
        return None
    return Problem(
        f"the function's prediction differs from the original's: {found[0]}",
        "find the component whose `pipe` differs from its call",
    )


def _deterministic(
    original: OriginalResults,
    text: str,
    found: Sequence[tuple[str, ValueDifference]],
    *,
    batches: Sequence[str | None] = (None, TEXTS[0], LONG_TEXT),
) -> list[tuple[str, ValueDifference]]:
    """Keep the differences in values that the original gives each time.

    :param batches: Texts in the same batch, ``None`` for the text alone.
    """
    unsteady: set[tuple[str, str]] = set()
    first = original.traces[original.texts.index(text)]
    for other in batches:
        with quiet():
            again = trace_text(original.nlp, text, batch_with=other)
        unsteady |= {(component, one.path) for component, one in trace_differences(first, again)}
    return [(component, one) for component, one in found if (component, one.path) not in unsteady]


def _is_torch(module: str) -> bool:
    return module in TORCH_MODULES or any(brings_torch(dist.name) for dist in distributions_of(module))
