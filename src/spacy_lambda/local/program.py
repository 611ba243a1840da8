"""What an execution environment runs: something that ends up in AWS's runtime client, with the function's code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from spacy_lambda.core.env_names import PIPELINE_VARIABLE
from spacy_lambda.local.requirements import read_source
from spacy_lambda.local.settings import FunctionSettings
from spacy_lambda.packages.task_root import build_task_root

__all__ = ["Program", "installed_program"]


@dataclass(frozen=True, kw_only=True)
class Program:
    """How an environment's process is started.

    :param command: Takes the names of the environment variables; returns the words before the handler.
    :param folder: Where the process starts.
    :param task_root: The folder with the function's code, as the process sees it.
    :param runtime_dir: The folder with AWS's runtime client, as the process sees it.
    :param python: Its Python: ``3.13``.
    :param about: One line for people.
    :param variables: Environment variables; the function's own win over them.
    :param fixed: Environment variables that nothing wins over.
    """

    command: Callable[[Collection[str]], Sequence[str]]
    folder: Path
    task_root: Path
    runtime_dir: Path
    python: str
    about: str
    variables: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def installed_program(settings: FunctionSettings) -> Iterator[Program]:
    """What is installed here, as far as the function may see it.

    ``-S`` and ``-s`` keep every installed package away that is not linked into the task root.

    :raises PipelineNotFoundError: If there is no such pipeline.
    :raises RequirementError: If a requirement is not installed.
    """
    pipeline = read_source(settings.pipeline)
    root = build_task_root(pipeline.requirements, code=settings.code)
    try:
        yield Program(
            command=lambda names: (sys.executable, "-S", "-s", "-m", "awslambdaric"),
            folder=root.path,
            task_root=root.path,
            runtime_dir=root.path / "awslambdaric",
            python=f"{sys.version_info.major}.{sys.version_info.minor}",
            about=f"task root: {root.path}, {len(root.distributions)} distributions",
            variables={PIPELINE_VARIABLE: pipeline.location, **pipeline.variables},
            fixed={"PYTHONPATH": str(root.path)},
        )
    finally:
        if not settings.keep_path:
            root.remove()
