"""Prove that a compiled pipeline gives its original's predictions, with only the packages that the function will have.

The last step of a compile. Missing modules that are installed here become requirements, and the proof is repeated.
Any other problem is an error that names the component and the missing part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from spacy_lambda.compiler.inspection import Original
from spacy_lambda.compiler.precisions import PrecisionRules
from spacy_lambda.compiler.proof_original import TEXTS, query_original
from spacy_lambda.compiler.proof_problems import Problem, find_problem, torch_code_problem
from spacy_lambda.compiler.proof_results import IsolatedResults, query_isolated
from spacy_lambda.compiler.required_packages import distributions_of, is_base, pinned
from spacy_lambda.packages.torch_packages import brings_torch

__all__ = ["prove"]

ROUNDS = 12
"""Times that missing requirements may be added, one or several at a time."""


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
    original = query_original(inspected.nlp, (*TEXTS, *texts))
    known = tuple(requirements)
    for _ in range(ROUNDS):
        on_round(known)
        compiled = query_isolated(folder, known, original.texts, working=original.working_texts)
        problem = find_problem(original, compiled, rules, inspected.code.names)
        wanted = [] if problem is None and rules.exact else _wanted(compiled, problem, known, inspected.code.names)
        if not wanted:
            break
        known = (*known, *wanted)
    problem = problem or torch_code_problem(inspected)
    if problem is not None:
        raise problem.error()
    on_speed(compiled.speed)
    return known


def _wanted(compiled: IsolatedResults, problem: Problem | None, known: Sequence[str], code: Sequence[str]) -> list[str]:
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
