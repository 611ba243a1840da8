"""A compiled pipeline queried in a fresh process that has only the function's packages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy_lambda.compiler.doc_trace import DocTrace
from spacy_lambda.errors import CompileError
from spacy_lambda.packages.isolated_program import Failure
from spacy_lambda.packages.isolation import IsolatedRun, run_isolated
from spacy_lambda.packages.task_root import function_task_root

__all__ = ["IsolatedResults", "query_isolated"]

QUERIES = Path(__file__).with_name("proof_queries.py")


@dataclass(frozen=True)
class IsolatedResults:
    """The report of the fresh process.

    :param failure: The exception that kept the pipeline from loading or from running at all.
    :param loading: ``True`` if the failure came before the pipeline was loaded.
    :param missing: Modules that were not found, each with the file that imports it.
    :param blocked: Files that were opened and that will be missing in the function.
    :param components: The pipeline's components.
    :param traces: The changes of each component, text by text.
    :param predictions: The function's predictions, with a :class:`Failure` in the place of one that raised.
    :param speed: The measured speed.
    :param readers: Components that read ``doc._.trf_data``.
    """

    failure: Failure | None
    loading: bool
    missing: list[tuple[str, str]]
    blocked: list[str]
    readers: list[str] = field(default_factory=list)
    components: list[str] = field(default_factory=list)
    traces: list[DocTrace] = field(default_factory=list)
    predictions: list[Any] = field(default_factory=list)
    speed: dict[str, Any] | None = None


def query_isolated(
    folder: Path, requirements: Iterable[str], texts: Sequence[str], *, working: Sequence[str]
) -> IsolatedResults:
    """Load a pipeline in a fresh process and query it.

    :param requirements: Requirements of the function in addition to the base install.
    :param texts: Texts to run component by component.
    :param working: Texts on which the original works, to send to the function too.
    :raises CompileError: If the process ends without a response.
    :raises RequirementError: If a requirement is not installed here.
    """
    with function_task_root(requirements) as root:
        done = run_isolated(
            QUERIES,
            {"texts": list(texts), "working": list(working)},
            root=root,
            pipeline=folder,
            subject="the compiled pipeline",
            error=CompileError,
            block_files=True,
        )
    return _read(done)


def _read(done: IsolatedRun) -> IsolatedResults:
    found = done.results
    return IsolatedResults(
        failure=done.failure,
        loading=done.loading,
        missing=done.missing,
        blocked=done.blocked,
        readers=found.get("readers", []),
        components=found.get("components", []),
        traces=[_trace(one) for one in found.get("traces", [])],
        predictions=[_prediction(one) for one in found.get("predictions", [])],
        speed=found.get("speed"),
    )


def _trace(found: dict[str, Any]) -> DocTrace:
    return DocTrace([(name, changed) for name, changed in found["steps"]], _failure(found["failure"]))


def _prediction(found: dict[str, Any]) -> Any:
    return _failure(found["failure"]) if "failure" in found else found["prediction"]


def _failure(found: dict[str, Any] | None) -> Failure | None:
    return None if found is None else Failure(**found)
