"""A bundle -> the program that runs it, with only the bundle on its path."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from spacy_lambda.bundler.bytecode import find_python
from spacy_lambda.bundler.image.build import RECORD, read_record
from spacy_lambda.bundler.image.context import PIPELINE_LAYER
from spacy_lambda.bundler.image.engines import ENGINES, find_engine
from spacy_lambda.bundler.metadata import PIPELINE_FOLDER, BundleMetadata
from spacy_lambda.bundler.pins import pin_all
from spacy_lambda.bundler.target import MACHINES, Target
from spacy_lambda.bundler.wheels import download_wheels, install_wheels
from spacy_lambda.bundler.zip_files import open_zip
from spacy_lambda.core.artifact.open import extract_zip
from spacy_lambda.core.lambda_function import HANDLER
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.errors import BundleError
from spacy_lambda.local.image import image_program
from spacy_lambda.local.requirements import read_source
from spacy_lambda.local.settings import RUNTIME_FOLDER, TASK_FOLDER, Program
from spacy_lambda.pipeline.kind import require_compiled

__all__ = ["Runnable", "open_bundle", "runs_here"]

IMAGE_PIPELINE = f"{PIPELINE_LAYER}/{PIPELINE_FOLDER}"
PROVIDED = ("awslambdaric", "boto3")
"""Distributions of Lambda's own runtime, which no zip contains."""


@dataclass(frozen=True)
class Runnable:
    """A bundle that is ready to be served.

    :param program: The program that the environments run.
    :param handler: The function's handler.
    """

    program: Program
    handler: str


@contextmanager
def open_bundle(bundle: str, *, engine: str | None = None, on_step: OnStep = no_progress) -> Iterator[Runnable]:
    """Prepare a bundle for the local Lambda; unpacked files are removed at the end.

    :param bundle: A zip, an image's folder, or an image's name in an engine or a registry.
    :param engine: The engine that runs an image; by default the one that built it, or one that is installed.
    :raises BundleError: If it is not a bundle, or cannot run on this machine.
    :raises NotCompiledError: If its pipeline needs torch, as far as its files show.
    """
    path = Path(bundle)
    if path.is_file():
        with _zip_program(path, on_step) as program:
            yield Runnable(program, HANDLER)
        return
    if path.is_dir():
        if not (path / RECORD).is_file():
            raise BundleError(
                f"{bundle} is not a bundle: the folder has no {RECORD}",
                remedy="give a zip or an image's folder that `spacy-lambda bundle` has written",
            )
        built = read_record(path)
        if (path / IMAGE_PIPELINE).is_dir():
            require_compiled(path / IMAGE_PIPELINE, name=bundle)
        chosen, image = ENGINES[engine or str(built.engine)], str(built.id)
    elif bundle.lower().endswith(".zip"):
        raise BundleError(f"the file {bundle} does not exist", remedy="make it with `spacy-lambda bundle`")
    else:
        chosen, image = find_engine(engine), bundle
    with image_program(chosen, image) as (program, handler):
        yield Runnable(program, handler)


def runs_here(path: Path) -> bool:
    """Return whether this machine has the architecture and the Python of a zip.

    :raises BundleError: If it is not a bundle.
    """
    target = _metadata(path).target
    return target.machine == platform.machine() and find_python(target) is not None


@contextmanager
def _zip_program(path: Path, on_step: OnStep) -> Iterator[Program]:
    metadata = _metadata(path)
    python = _python(metadata.target)
    with tempfile.TemporaryDirectory(prefix="spacy-lambda-") as scratch:
        task, runtime = Path(scratch, "task"), Path(scratch, "runtime")
        on_step("unpacking", 0, 1)
        extract_zip(path, task)
        on_step("unpacking", 1, 1)
        fetched = metadata.location != PIPELINE_FOLDER
        if not fetched:
            require_compiled(task / PIPELINE_FOLDER, name=str(path))
        variables = read_source(metadata.location).variables if fetched else {}
        on_step("installing Lambda's runtime client", 0, 1)
        _install_runtime(metadata.target, runtime)
        on_step("installing Lambda's runtime client", 1, 1)
        yield Program(
            command=lambda names: (python, "-S", "-s", "-B", "-m", "awslambdaric"),
            folder=task,
            task_root=task,
            runtime_dir=runtime / "awslambdaric",
            python=metadata.target.python,
            about=f"{path.name}, unpacked in {task}, under {python}",
            variables=variables,
            fixed={"PYTHONPATH": f"{task}{os.pathsep}{runtime}"},
            mounts={task: TASK_FOLDER, runtime: RUNTIME_FOLDER},
        )


def _metadata(path: Path) -> BundleMetadata:
    with open_zip(path) as archive:
        return archive.metadata()


def _python(target: Target) -> str:
    """Return an installed interpreter that can run the bundle."""
    if target.machine != platform.machine():
        arch = next((name for name, machine in MACHINES.items() if machine == platform.machine()), "none")
        raise BundleError(
            f"this bundle is for {target.arch}, and this machine is {platform.machine()}",
            remedy=f"run it on such a machine, or bundle for this one: spacy-lambda bundle --architecture {arch}",
        )
    python = find_python(target)
    if python is None:
        raise BundleError(
            f"this bundle is for Python {target.python}, which is not installed here",
            remedy=f"install it, for example by `pyenv install {target.python}`",
        )
    return python


def _install_runtime(target: Target, folder: Path) -> None:
    """Install AWS's runtime client and SDK for the bundle's Python, in the versions that are installed here."""
    with tempfile.TemporaryDirectory(prefix="spacy-lambda-") as scratch:
        install_wheels(download_wheels(pin_all(PROVIDED, target), target, Path(scratch)), target, folder)
