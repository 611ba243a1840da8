"""Prove that a bundle's pipeline loads and runs with only the bundle's folder.

Where this machine has the target's Python and architecture, the folder itself is tested: a fresh process has nothing
else on its path. Where it does not, the same distributions are tested as they are installed here, and every module
that this imports has to be in the folder.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from spacy_lambda.bundler.metadata import PIPELINE_FOLDER
from spacy_lambda.bundler.target import Target
from spacy_lambda.errors import BundleError
from spacy_lambda.packages.base_install import SPACY_LAMBDA
from spacy_lambda.packages.closure import requirement_closure
from spacy_lambda.packages.isolated_program import Failure
from spacy_lambda.packages.isolation import IsolatedRun, run_isolated
from spacy_lambda.packages.task_root import function_task_root
from spacy_lambda.packages.torch_packages import TORCH_MODULES

__all__ = ["Proof", "prove"]

QUERIES = Path(__file__).with_name("proof_queries.py")
MAX_MESSAGE = 600
"""Characters of an exception's message that are repeated."""

TEXTS = (
    "",
    "On 3 March 2024 Ada Lovelace of Acme Corp. flew from Berlin to New York for $1,234.50.",
    "Die Straße nach Zürich. 東京大学で研究しています。我在北京大学学习。서울에서 만나요. Москва 🧪",
)


@dataclass(frozen=True)
class Proof:
    """The result of a bundle's test.

    :param bundle_itself: ``True`` if its own files were tested; otherwise the same distributions, as installed here.
    :param about: The same, in words.
    :param load_s: Seconds that importing the handler took, which loads the pipeline: the init.
    :param peak_mb: Peak memory without pages of mapped files, where the system reports it.
    """

    bundle_itself: bool
    about: str
    load_s: float | None = None
    peak_mb: int | None = None


def prove(tree: Path, requirements: Iterable[str], target: Target, *, python: str | None, name: str) -> Proof:
    """Load and query the bundle's pipeline in a fresh process, which runs the pipeline's code.

    :param tree: The bundle's folder, with the pipeline in it.
    :param requirements: Requirements of the pipeline.
    :param python: An interpreter of the target's version, if one is here.
    :param name: The pipeline's name, as the user gave it.
    :raises BundleError: If it cannot be loaded or run, or a module is missing.
    """
    if python is not None and target.machine == platform.machine():
        done = _query(tree, tree / PIPELINE_FOLDER, python, name)
        about = f"loaded and queried from its own files, under Python {target.python}"
        return Proof(True, about, load_s=done.load_s, peak_mb=done.peak_mb)
    own = tuple(requirements)
    with function_task_root(own) as root:
        done = _query(root, tree / PIPELINE_FOLDER, sys.executable, name)
    only_here = _modules_only_here(own, target)
    used = (module for module in done.modules if module.partition(".")[0] not in only_here)
    missing = [module for module in used if not _has_module(tree, module)]
    if missing:
        raise BundleError(
            f"{name} uses modules that are not in the bundle: {', '.join(missing[:5])}",
            remedy="report it, with the pipeline's config.cfg and meta.json",
        )
    here = f"Python {platform.python_version()} on {platform.machine()}"
    about = f"the same distributions, as installed here, were loaded and queried, under {here}"
    return Proof(False, about, load_s=done.load_s, peak_mb=done.peak_mb)


def _modules_only_here(requirements: Sequence[str], target: Target) -> set[str]:
    """Return the top-level modules that are required under this Python and not under the target's."""
    wanted = (SPACY_LAMBDA, *requirements)
    there = {dist.metadata["Name"] for dist in requirement_closure(wanted, markers=target.markers)}
    here = requirement_closure(wanted)
    files = (file for dist in here if dist.metadata["Name"] not in there for file in dist.files or ())
    return {file.parts[0].partition(".")[0] for file in files}


def _query(root: Path, pipeline: Path, python: str, name: str) -> IsolatedRun:
    done = run_isolated(
        QUERIES,
        {"texts": TEXTS},
        root=root,
        pipeline=pipeline,
        subject=f"the bundle of {name}",
        error=BundleError,
        python=python,
    )
    if done.failure is not None:
        raise _proof_error(name, done.failure, loading=done.loading)
    return done


def _proof_error(name: str, failure: Failure, *, loading: bool) -> BundleError:
    by = f"component {failure.component!r}: " if failure.component else ""
    raised = f"{failure.kind}: {' '.join(failure.message.split())}"[:MAX_MESSAGE]
    step = "load" if loading else "run"
    message = f"{name} does not {step} with the bundle's packages: {by}{raised}"
    # The module of "cannot import name" is there.
    absent = not failure.message.startswith("cannot import name")
    missing = failure.missing[0].partition(".")[0] if failure.missing and absent else ""
    if not missing:
        return BundleError(
            message,
            remedy='if a package registers it, install that and add it to "requirements" in the pipeline\'s meta.json; '
            "add custom code with `spacy-lambda compile PIPELINE OUT --code FILE`",
        )
    if missing in TORCH_MODULES:
        return BundleError(message, remedy=f"use a component that does without {missing!r}: no function has it")
    return BundleError(
        f"{message}; the module {missing!r} is missing",
        remedy=f'install the package of {missing!r}, and add it to "requirements" in the pipeline\'s meta.json; '
        "`spacy-lambda compile` finds a pipeline's requirements by itself",
    )


def _has_module(tree: Path, module: str) -> bool:
    """Return whether a folder contains a module, in any form."""
    path = tree.joinpath(*module.split("."))
    if path.is_dir() or any(path.with_name(f"{path.name}{suffix}").is_file() for suffix in (".py", ".pyc", ".so")):
        return True
    return any(path.parent.glob(f"{path.name}.*.so"))
