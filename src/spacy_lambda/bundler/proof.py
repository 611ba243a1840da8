"""A bundle's folder -> proof that its pipeline loads and answers with what is in it.

Where this machine has the target's Python and architecture, the folder itself is asked, by a fresh process that has
nothing else on its path. Where it has not, the same distributions are asked here, as they are installed, and every
module that this took has to be in the folder.
"""

from __future__ import annotations

import json
import platform
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy_lambda.bundler.metadata import PIPELINE_FOLDER
from spacy_lambda.bundler.target import Target
from spacy_lambda.core.env_names import TASK_ROOT_VARIABLE
from spacy_lambda.core.strict_json import read_json
from spacy_lambda.errors import BundleError, JsonError
from spacy_lambda.packages.base_install import OURS, left_out
from spacy_lambda.packages.closure import requirement_closure
from spacy_lambda.packages.fresh_process import run_fresh
from spacy_lambda.packages.task_root import build_task_root
from spacy_lambda.packages.torch_packages import TORCH_MODULES

__all__ = ["Proof", "prove"]

PROGRAM = Path(__file__).with_name("proof_program.py")
TIMEOUT_S = 600
MAX_SAID = 1 << 20
TEXTS = (
    "",
    "On 3 March 2024 Ada Lovelace of Acme Corp. flew from Berlin to New York for $1,234.50.",
    "Die Straße nach Zürich. 東京大学で研究しています。我在北京大学学习。서울에서 만나요. Москва 🧪",
)


@dataclass(frozen=True)
class Proof:
    """How the bundle was proved.

    :param bundle_itself: Whether its own files answered; else those of the same distributions, as installed here.
    :param about: The same, for people.
    """

    bundle_itself: bool
    about: str


def prove(tree: Path, requirements: Iterable[str], target: Target, *, python: str | None, name: str) -> Proof:
    """Ask the bundle's pipeline, in a fresh process.

    The pipeline is loaded for it, and code that it brings is run.

    :param tree: The bundle's folder, with the pipeline in it.
    :param requirements: Of the pipeline.
    :param python: An interpreter of the target's version, if one is here.
    :param name: How the user named the pipeline.
    :raises BundleError: If it does not load or answer, or a module is missing.
    """
    if python is not None and target.machine == platform.machine():
        _ask(tree, tree / PIPELINE_FOLDER, python, name)
        return Proof(True, f"loaded and asked from its own files, under Python {target.python}")
    own = tuple(requirements)
    root = build_task_root(own, base=(OURS,), without=left_out(own))
    try:
        said = _ask(root.path, tree / PIPELINE_FOLDER, sys.executable, name)
    finally:
        root.remove()
    only_here = _modules_only_here(own, target)
    used = (module for module in said["modules"] if module.partition(".")[0] not in only_here)
    missing = [module for module in used if not _has_module(tree, module)]
    if missing:
        raise BundleError(
            f"{name} uses modules that are not in the bundle: {', '.join(missing[:5])}",
            remedy="report it, with the pipeline's config.cfg and meta.json",
        )
    here = f"Python {platform.python_version()} on {platform.machine()}"
    return Proof(False, f"the same distributions, as installed here, were loaded and asked, under {here}")


def _modules_only_here(requirements: Sequence[str], target: Target) -> set[str]:
    """Top-level modules of what is required under this Python and not under the target's."""
    wanted = (OURS, *requirements)
    there = {dist.metadata["Name"] for dist in requirement_closure(wanted, markers=target.markers)}
    here = requirement_closure(wanted)
    files = (file for dist in here if dist.metadata["Name"] not in there for file in dist.files or ())
    return {file.parts[0].partition(".")[0] for file in files}


def _ask(root: Path, pipeline: Path, python: str, name: str) -> dict[str, Any]:
    """The answers of a process that has only one folder on its path."""
    question = json.dumps({"root": str(root), "pipeline": str(pipeline), "texts": TEXTS})
    with tempfile.TemporaryDirectory(prefix="spacy-lambda-") as home:
        done = run_fresh(
            [python, "-I", "-S", "-B", "-X", "utf8", str(PROGRAM)],
            home=Path(home),
            variables={TASK_ROOT_VARIABLE: str(root)},
            question=question.encode(),
            timeout_s=TIMEOUT_S,
            who=f"the bundle of {name}",
            error=BundleError,
        )
    said = _last_line(done.stdout)
    if said is None:
        raise BundleError(
            f"the process that asked the bundle of {name} ended with {done.returncode}: {_end(done.stderr)}",
            remedy="look for a component that ends the process, or needs more memory than there is",
        )
    if "failure" in said:
        raise _refusal(name, said["failure"])
    return said


def _end(stderr: bytes) -> str:
    return stderr.decode("utf-8", "replace").strip()[-1000:]


def _last_line(text: bytes) -> dict[str, Any] | None:
    try:
        said = read_json(text.splitlines()[-1], name="what the process said", max_bytes=MAX_SAID)
    except (IndexError, JsonError):
        return None
    return said if isinstance(said, dict) else None


def _refusal(name: str, failure: Mapping[str, Any]) -> BundleError:
    by = f"component {failure['component']!r}: " if failure["component"] else ""
    step = "load" if failure["loading"] else "answer"
    message = f"{name} does not {step} with what is in the bundle: {by}{failure['message']}"
    missing = failure["missing"].partition(".")[0]
    if not missing:
        return BundleError(
            message,
            remedy='if a package registers it, install that and add it to "requirements" in the pipeline\'s meta.json; '
            "code of your own goes into the pipeline by `spacy-lambda compile PIPELINE OUT --code FILE`",
        )
    if missing in TORCH_MODULES:
        return BundleError(message, remedy=f"use a component that does without {missing!r}: no function has it")
    return BundleError(
        f"{message}; the module {missing!r} is missing",
        remedy=f'install what brings {missing!r}, and add it to "requirements" in the pipeline\'s meta.json; '
        "`spacy-lambda compile` finds what a pipeline requires by itself",
    )


def _has_module(tree: Path, module: str) -> bool:
    """Whether a folder has a module, in any form."""
    path = tree.joinpath(*module.split("."))
    if path.is_dir() or path.with_name(f"{path.name}.py").is_file():
        return True
    return any(path.parent.glob(f"{path.name}.*.so")) or path.with_name(f"{path.name}.so").is_file()
