"""Prove that a compiled pipeline gives its original's predictions, with only the packages that the function will have.

The last step of a compile. Missing modules that are installed here become requirements, and the proof is repeated.
Any other problem is an error that names the component and the missing part.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from spacy.language import Language

from spacy_lambda.compiler.differences import ValueDifference, differences, first_not_finite, trace_differences
from spacy_lambda.compiler.doc_trace import DocTrace, trace_text
from spacy_lambda.compiler.inspection import Original
from spacy_lambda.compiler.libraries.spacy_transformers import SPACY_TRANSFORMERS
from spacy_lambda.compiler.loaded_pipeline import has_model
from spacy_lambda.compiler.precisions import USE_FP32, PrecisionRules
from spacy_lambda.compiler.proof_padding import trace_without_padding
from spacy_lambda.compiler.proof_queries import function_predictions
from spacy_lambda.compiler.proof_results import IsolatedResults, query_isolated
from spacy_lambda.compiler.required_packages import distributions_of, installed_sources, is_base, pinned
from spacy_lambda.compiler.torch_code import torch_uses
from spacy_lambda.errors import CompileError, shorten
from spacy_lambda.packages.isolated_program import Failure
from spacy_lambda.packages.torch_packages import TORCH_MODULES, brings_torch

__all__ = ["TEXTS", "prove"]

ROUNDS = 12
"""Times that missing requirements may be added, one or several at a time."""

SHOWN_USES = 5
REPEATS = 3

MIN_WORKING_SHARE = 0.25
"""Minimum share of texts, without blank ones, on which the original works: where it fails, nothing is proved."""

REGISTRIES = (
    "if the code needs spacy_transformers for its registries only: spacy.registry has span_getters and"
    " annotation_setters without it; use these, and import spacy_transformers inside try/except ImportError"
)

REMEDY = "\nremedy: "
"""Precedes the remedy in a message of one of spacy-lambda's errors."""

_LONG = (
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
    _LONG * 8,
)
"""Short, long and empty texts, in several languages and scripts, with edge cases of tokenizers."""


@dataclass(frozen=True)
class _OriginalResults:
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


def prove(
    inspected: Original,
    folder: Path,
    requirements: Sequence[str],
    *,
    rules: PrecisionRules,
    texts: Sequence[str] = (),
    on_round: Callable[[Sequence[str]], None] = lambda requirements: None,
    on_speed: Callable[[dict[str, Any] | None], None] = lambda speed: None,
) -> tuple[str, ...]:
    """Query the compiled pipeline in a fresh process, and find what it requires.

    :param folder: The compiled pipeline.
    :param requirements: Its known requirements.
    :param rules: An exact precision must give the original's predictions; any other must give finite numbers.
    :param texts: Texts to query in addition to the built-in ones.
    :param on_round: Called with the requirements before each round.
    :param on_speed: Called with the speed of a pipeline that passes.
    :returns: Its requirements.
    :raises CompileError: If it cannot be loaded or run there, differs from the original, or has code that needs
        torch on other texts.
    """
    original = _query_original(inspected.nlp, (*TEXTS, *texts))
    known = tuple(requirements)
    for _ in range(ROUNDS):
        on_round(known)
        compiled = query_isolated(folder, known, original.texts, working=original.working_texts)
        problem = _find_problem(original, compiled, rules, inspected.code.names)
        wanted = [] if problem is None and rules.exact else _wanted(compiled, problem, known, inspected.code.names)
        if not wanted:
            break
        known = (*known, *wanted)
    problem = problem or _torch_code(inspected)
    if problem is not None:
        raise problem.error()
    on_speed(compiled.speed)
    return known


@dataclass(frozen=True)
class _Problem:
    """A reason to refuse a compiled pipeline."""

    message: str
    remedy: str
    failures: tuple[Failure, ...] = ()

    def error(self) -> CompileError:
        return CompileError(f"{self.message}; nothing was written", remedy=self.remedy)


def _query_original(nlp: Language, texts: tuple[str, ...]) -> _OriginalResults:
    with _quiet():
        traces = tuple(trace_text(nlp, text) for text in texts)
        good = [text for text, trace in zip(texts, traces, strict=True) if trace.failure is None]
        predictions = function_predictions(nlp, good)
    failures = [trace.failure for text, trace in zip(texts, traces, strict=True) if text.strip() and trace.failure]
    # The predictions of single texts come first.
    failures += [one for text, one in zip(good, predictions, strict=False) if text.strip() and isinstance(one, Failure)]
    total = sum(bool(text.strip()) for text in texts)
    if total - len(failures) < MIN_WORKING_SHARE * total:
        raise CompileError(
            f"the original itself fails on {len(failures)} of {total} texts: {_described(failures[0])}",
            remedy="make `nlp(text)` work on it first; if it is for particular texts only, give some with --verify",
        )
    return _OriginalResults(nlp, texts, traces, predictions)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the warnings of transformers and spaCy on texts that the user did not choose."""
    logger = logging.getLogger("transformers.tokenization_utils_base")
    disabled, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = disabled


def _find_problem(
    original: _OriginalResults, compiled: IsolatedResults, rules: PrecisionRules, code: Sequence[str]
) -> _Problem | None:
    """Return the most severe problem that the fresh process reported."""
    failures = [compiled.failure] if compiled.failure else []
    traces = zip(original.traces, compiled.traces, strict=False)
    failures += [now.failure for then, now in traces if now.failure and not then.failure]
    predictions = zip(original.predictions, compiled.predictions, strict=False)
    failures += [now for then, now in predictions if isinstance(now, Failure) and not isinstance(then, Failure)]
    if failures:
        return _failed(failures, compiled, code)
    if compiled.components != original.nlp.pipe_names:
        return _Problem(
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


def _torch_code(inspected: Original) -> _Problem | None:
    """Return the problem of code that uses torch on texts other than the queried ones."""
    files = [*inspected.code.sources(), *installed_sources(inspected.nlp, inspected.config)]
    found = list(dict.fromkeys(use for file in files for use in torch_uses(file)))
    if not found:
        return None
    used = [use.module for use in found]
    shown = "; ".join(map(str, found[:SHOWN_USES]))
    more = f"; and {len(found) - SHOWN_USES} more" if found[SHOWN_USES:] else ""
    return _Problem(
        f"the pipeline's code uses torch: {shown}{more}",
        "remove it, or leave out of --code the parts that only training needs; an import that may fail is accepted"
        " inside try/except ImportError" + (f"; {REGISTRIES}" if SPACY_TRANSFORMERS.package in used else ""),
    )


def _failed(failures: Sequence[Failure], compiled: IsolatedResults, code: Sequence[str]) -> _Problem:
    first = failures[0]
    step = "load" if compiled.loading else "run"
    message = f"the compiled pipeline does not {step} with what the function has: {_described(first)}"
    return _Problem(message, _remedy(first, compiled, code), tuple(failures))


def _described(failed: Failure) -> str:
    by = f"component {failed.component!r} raises " if failed.component else ""
    message, _, _ = failed.message.partition(REMEDY)
    return f"{by}{failed.kind}: {message} ({failed.where})"


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


def _not_finite(original: _OriginalResults, compiled: IsolatedResults, rules: PrecisionRules) -> _Problem | None:
    for text, then, now in zip(original.texts, original.traces, compiled.traces, strict=True):
        if not first_not_finite(then) and (where := first_not_finite(now)):
            return _Problem(f"{rules.name} gives NaN: {where} on {text[:60]!r}", USE_FP32)
    return None


def _different(
    original: _OriginalResults, compiled: IsolatedResults, *, without_models: bool = False
) -> _Problem | None:
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
            return _Problem(
                f"component {component!r} differs from the original's on {shorten(text, 60)!r}: {first}",
                f"check what {component!r} uses outside of the pipeline: files, packages, variables, padding in "
                "doc._.trf_data; if it is the encoder, please report it",
            )
    return None


def _padded(original: _OriginalResults, compiled: IsolatedResults) -> _Problem | None:
    """Return the problem of a component that reads the padding of ``doc._.trf_data``."""
    for text, trace in zip(original.texts, original.traces, strict=True):
        if not compiled.readers or trace.failure is not None:
            continue
        with _quiet():
            found = trace_differences(trace, trace_without_padding(original.nlp, text))
        # What depends on padding differs in each batch.
        if found and (left := _deterministic(original, text, found, batches=(None,))):
            component, first = left[0]
            return _Problem(
                f"component {component!r} reads the padding of doc._.trf_data, which is 0 in a compiled pipeline; on"
                f" {shorten(text, 60)!r} {first}",
                "leave out what wordpieces.attention_mask marks as padding",
            )
    return None


def _different_predictions(original: _OriginalResults, compiled: IsolatedResults) -> _Problem | None:
    numbers = [number for number, one in enumerate(original.predictions) if not isinstance(one, Failure)]
    first, second = ([those[number] for number in numbers] for those in (original.predictions, compiled.predictions))
    found = list(differences(first, second))
    if not found:
        return None
    unsteady: set[str] = set()
    # Several times: a random value may come close to the one before.
    for _ in range(REPEATS):
        with _quiet():
            again = function_predictions(original.nlp, original.working_texts)
        unsteady |= {one.path for one in differences(first, [again[number] for number in numbers])}
    found = [one for one in found if one.path not in unsteady]
    if not found:
        return None
    return _Problem(
        f"the function's prediction differs from the original's: {found[0]}",
        "find the component whose `pipe` differs from its call",
    )


def _deterministic(
    original: _OriginalResults,
    text: str,
    found: Sequence[tuple[str, ValueDifference]],
    *,
    batches: Sequence[str | None] = (None, TEXTS[0], _LONG),
) -> list[tuple[str, ValueDifference]]:
    """Keep the differences in values that the original gives each time.

    :param batches: Texts in the same batch, ``None`` for the text alone.
    """
    unsteady: set[tuple[str, str]] = set()
    first = original.traces[original.texts.index(text)]
    for other in batches:
        with _quiet():
            again = trace_text(original.nlp, text, batch_with=other)
        unsteady |= {(component, one.path) for component, one in trace_differences(first, again)}
    return [(component, one) for component, one in found if (component, one.path) not in unsteady]


def _wanted(
    compiled: IsolatedResults, problem: _Problem | None, known: Sequence[str], code: Sequence[str]
) -> list[str]:
    """Return requirements that may remove a problem: distributions of missing modules that are installed here."""
    named = [name for failed in (problem.failures if problem else ()) for name in failed.missing]
    if named:
        return list(_installable(named, known))
    absent = [name for name, importer in compiled.missing if problem is not None or _is_own(importer, code)]
    # One at a time, the last first: most modules that are not found are not needed.
    return list(islice(_installable(reversed(absent), known), 1))


def _installable(names: Sequence[str] | Iterator[str], known: Sequence[str]) -> Iterator[str]:
    seen = {one.partition("==")[0] for one in known}
    for name in names:
        for dist in distributions_of(name):
            if dist.name not in seen and not brings_torch(dist.name) and not is_base(dist):
                seen.add(dist.name)
                yield pinned(dist)


def _is_own(file: str, code: Sequence[str]) -> bool:
    """Return whether a file belongs to the pipeline's custom code."""
    return any(part.removesuffix(".py") in code for part in Path(file).parts)


def _is_torch(module: str) -> bool:
    return module in TORCH_MODULES or any(brings_torch(dist.name) for dist in distributions_of(module))
