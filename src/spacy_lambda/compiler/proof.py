"""The last step of a compile: the result is asked where it will have to answer, and says what the original says.

Missing modules that are installed here become requirements, and it is asked again. What cannot be mended is an error,
with the component and what it lacks.
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

from spacy_lambda.compiler.differences import Difference, differences, not_finite, told_differently
from spacy_lambda.compiler.inspection import Survey
from spacy_lambda.compiler.isolated import Asked, ask
from spacy_lambda.compiler.isolated_program import answers
from spacy_lambda.compiler.loaded_models import has_model
from spacy_lambda.compiler.requirements import distributions_of, installed_sources, is_base, pinned
from spacy_lambda.compiler.snapshot import Failure, Told, tell
from spacy_lambda.compiler.torch_code import torch_uses
from spacy_lambda.core.compiled_meta import Precision
from spacy_lambda.errors import CompileError
from spacy_lambda.packages.torch_packages import TORCH_MODULES, brings_torch

__all__ = ["TEXTS", "prove"]

ROUNDS = 12
"""Requirements that may be found by asking, one or several at a time."""

SHOWN_USES = 5
ASKED_AGAIN = 3

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
"""Short and long, empty, of several languages and scripts, with what tokenizers stumble over."""


@dataclass(frozen=True)
class _Original:
    """What the original says: the measure of its compiled pipeline."""

    nlp: Language
    texts: tuple[str, ...]
    told: tuple[Told, ...]
    answers: list[Any]

    @property
    def answerable(self) -> list[str]:
        """The texts that it can answer."""
        return [text for text, told in zip(self.texts, self.told, strict=True) if told.failure is None]


def prove(
    survey: Survey,
    folder: Path,
    requirements: Sequence[str],
    *,
    precision: Precision,
    texts: Sequence[str] = (),
    on_round: Callable[[Sequence[str]], None] = lambda requirements: None,
    on_speed: Callable[[dict[str, Any] | None], None] = lambda speed: None,
) -> tuple[str, ...]:
    """Ask the compiled pipeline, and find what it requires.

    :param folder: The compiled pipeline.
    :param requirements: What it is known to require.
    :param precision: fp32 has to say the same; int8 has to answer, with numbers.
    :param texts: To be asked besides the built-in ones.
    :param on_round: Told of the requirements each time, before it is asked.
    :param on_speed: Told of the speed of what answers as it should.
    :returns: What it requires.
    :raises CompileError: When it does not load or does not answer there, says something else than the original, or
        has code that needs torch on other texts.
    """
    original = _ask_original(survey.nlp, (*TEXTS, *texts))
    known = tuple(requirements)
    for _ in range(ROUNDS):
        on_round(known)
        asked = ask(folder, known, original.texts, answerable=original.answerable)
        fault = _fault(original, asked, precision, survey.code.names)
        wanted = [] if fault is None and precision == "fp32" else _wanted(asked, fault, known, survey.code.names)
        if not wanted:
            break
        known = (*known, *wanted)
    fault = fault or _unseen(survey)
    if fault is not None:
        raise fault.error()
    on_speed(asked.speed)
    return known


@dataclass(frozen=True)
class _Fault:
    """Why a compiled pipeline is refused."""

    message: str
    remedy: str
    failures: tuple[Failure, ...] = ()

    def error(self) -> CompileError:
        return CompileError(f"{self.message}; nothing was written", remedy=self.remedy)


def _ask_original(nlp: Language, texts: tuple[str, ...]) -> _Original:
    with _quiet():
        told = tuple(tell(nlp, text) for text in texts)
        good = [text for text, one in zip(texts, told, strict=True) if one.failure is None]
        answered = answers(nlp, good)
    if not good or all(isinstance(one, Failure) for one in answered):
        reason = next(one for one in (*(one.failure for one in told), *answered) if isinstance(one, Failure))
        raise CompileError(
            f"the original itself does not answer: {_words(reason)}",
            remedy="make `nlp(text)` work on it first",
        )
    return _Original(nlp, texts, told, answered)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the warnings of transformers and spaCy on texts of our choice."""
    logger = logging.getLogger("transformers.tokenization_utils_base")
    disabled, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = disabled


def _fault(original: _Original, asked: Asked, precision: Precision, code: Sequence[str]) -> _Fault | None:
    """What is wrong with the answers of the fresh process, the gravest first."""
    failures = [asked.failure] if asked.failure else []
    pairs = list(zip(original.told, asked.texts, strict=False))
    failures += [now.failure for then, now in pairs if now.failure and not then.failure]
    both = zip(original.answers, asked.answers, strict=False)
    failures += [now for then, now in both if isinstance(now, Failure) and not isinstance(then, Failure)]
    if asked.torch_readers:
        readers = " and ".join(asked.torch_readers)
        return _Fault(
            f"{readers} reads doc._.trf_data, which is not there without torch",
            "remove it from the pipeline, or let it use what other components say",
        )
    if failures:
        return _failed(failures, asked, code)
    if asked.components != original.nlp.pipe_names:
        return _Fault(
            f"the compiled pipeline has the components {asked.components}, the original {original.nlp.pipe_names}",
            "please report it, with the pipeline's config.cfg",
        )
    if precision == "int8":
        return _not_numbers(original, asked) or _different(original, asked, without_models=True)
    return _different(original, asked) or _answered_differently(original, asked)


def _unseen(survey: Survey) -> _Fault | None:
    """What the pipeline's own code says that it does on texts that were not asked."""
    files = [*survey.code.sources(), *installed_sources(survey.nlp, survey.config)]
    found = list(dict.fromkeys(use for file in files for use in torch_uses(file)))
    if not found:
        return None
    told = "; ".join(map(str, found[:SHOWN_USES])) + (
        f"; and {len(found) - SHOWN_USES} more" if found[SHOWN_USES:] else ""
    )
    return _Fault(
        f"the pipeline's code uses what no function has: {told}",
        "remove it, or leave out with --code what only training needs; an import that may fail is taken"
        " inside try/except ImportError",
    )


def _failed(failures: Sequence[Failure], asked: Asked, code: Sequence[str]) -> _Fault:
    first = failures[0]
    what = "answer" if asked.texts else "load"
    message = f"the compiled pipeline does not {what} with what the function has: {_words(first)}"
    return _Fault(message, _remedy(first, asked, code), tuple(failures))


def _words(failed: Failure) -> str:
    by = f"component {failed.component!r} raises " if failed.component else ""
    return f"{by}{failed.kind}: {failed.message} ({failed.where})"


def _remedy(failed: Failure, asked: Asked, code: Sequence[str]) -> str:
    absent = [name.partition(".")[0] for name in failed.missing]
    if any(map(_is_torch, absent)):
        return "use a component that needs no torch: the function has none"
    hidden = [path for path in asked.hidden if path in failed.message]
    if hidden:
        return f"bring the file with the pipeline: --code {hidden[0]}, and read it from beside the code's __file__"
    for name in absent:
        spec = importlib.util.find_spec(name) if name not in sys.modules else sys.modules[name].__spec__
        if spec is not None and spec.origin and not distributions_of(name):
            origin = Path(spec.origin)
            return f"bring the module with the pipeline: --code {origin.parent if spec.parent == name else origin}"
    if absent:
        return f"install what brings {', '.join(map(repr, absent))}, or bring it with --code FILE"
    return "change or remove what raises it, or bring what it needs with --code FILE, and compile again"


def _not_numbers(original: _Original, asked: Asked) -> _Fault | None:
    for text, then, now in zip(original.texts, original.told, asked.texts, strict=True):
        if not not_finite(then) and (where := not_finite(now)):
            return _Fault(f"int8 says NaN: {where} on {text[:60]!r}", "compile it with --precision fp32")
    return None


def _different(original: _Original, asked: Asked, *, without_models: bool = False) -> _Fault | None:
    """What the first component says differently that says something else.

    :param without_models: Only where that component has no model: then int8 is not the reason.
    """
    trained = {name for name, component in original.nlp.components if without_models and has_model(component)}
    for number, text in enumerate(original.texts):
        if original.told[number].failure is not None:
            continue
        found = told_differently(original.told[number], asked.texts[number])
        if found and found[0][0] in trained:
            continue
        if found and (left := _beyond_doubt(original, text, found)):
            component, first = left[0]
            return _Fault(
                f"component {component!r} says something else than in the original, on {_shown(text)}: {first}",
                f"look for what {component!r} uses that is not in the pipeline: doc._.trf_data, files, packages, "
                "variables; if it is the encoder, please report it",
            )
    return None


def _answered_differently(original: _Original, asked: Asked) -> _Fault | None:
    numbers = [number for number, one in enumerate(original.answers) if not isinstance(one, Failure)]
    first, second = ([those[number] for number in numbers] for those in (original.answers, asked.answers))
    found = list(differences(first, second))
    if not found:
        return None
    unsteady: set[str] = set()
    # Several times: what is drawn at random may come close to itself.
    for _ in range(ASKED_AGAIN):
        with _quiet():
            again = answers(original.nlp, original.answerable)
        unsteady |= {one.path for one in differences(first, [again[number] for number in numbers])}
    found = [one for one in found if one.path not in unsteady]
    if not found:
        return None
    return _Fault(
        f"the function answers something else than the original: {found[0]}",
        "look for a component whose `pipe` differs from its call",
    )


def _beyond_doubt(
    original: _Original, text: str, found: Sequence[tuple[str, Difference]]
) -> list[tuple[str, Difference]]:
    """The differences in things that the original says steadily: twice, and whatever else is in its batch."""
    unsteady: set[tuple[str, str]] = set()
    first = original.told[original.texts.index(text)]
    for beside in (None, original.texts[0], _LONG):
        with _quiet():
            again = tell(original.nlp, text, beside=beside)
        unsteady |= {(component, one.path) for component, one in told_differently(first, again)}
    return [(component, one) for component, one in found if (component, one.path) not in unsteady]


def _wanted(asked: Asked, fault: _Fault | None, known: Sequence[str], code: Sequence[str]) -> list[str]:
    """Requirements that may mend it: of modules that were missed, those that are installed here."""
    if asked.torch_readers:
        return []
    named = [name for failed in (fault.failures if fault else ()) for name in failed.missing]
    if named:
        return list(_installable(named, known))
    beside = [name for name, asker in asked.missing if fault is not None or _is_own(asker, code)]
    # One at a time, the last first: most of what was looked for in vain is not needed.
    return list(islice(_installable(reversed(beside), known), 1))


def _installable(names: Sequence[str] | Iterator[str], known: Sequence[str]) -> Iterator[str]:
    told = {one.partition("==")[0] for one in known}
    for name in names:
        for dist in distributions_of(name):
            if dist.name not in told and not brings_torch(dist.name) and not is_base(dist):
                told.add(dist.name)
                yield pinned(dist)


def _is_own(asker: str, code: Sequence[str]) -> bool:
    """Whether a file is one of the pipeline's own code."""
    return any(part.removesuffix(".py") in code for part in Path(asker).parts)


def _is_torch(module: str) -> bool:
    return module in TORCH_MODULES or any(brings_torch(dist.name) for dist in distributions_of(module))


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
