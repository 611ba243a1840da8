"""Bundles in less time: of wheels that are unpacked and compiled once in a run of the tests, or without wheels.

The tests of real zips unpack and compile each time.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import distribution
from pathlib import Path

import pytest

from spacy_lambda.bundler.bytecode import compile_tree
from spacy_lambda.bundler.proof import Proof
from spacy_lambda.bundler.target import Target
from spacy_lambda.bundler.wheels import install_wheels
from tests.locks import exclusive, shared_folder


def install_once(patch: pytest.MonkeyPatch, temporary: Path) -> None:
    """Give a bundle copies of what another one unpacked from the same wheels, and compiled from the same sources.

    :param temporary: A folder of pytest's; the originals are kept above it, where all processes of the run find them.
    """
    kept = shared_folder(temporary) / "installed"

    def install(wheels: Sequence[Path], target: Target, folder: Path) -> None:
        key = _key([repr(target), *(wheel.name for wheel in wheels)], wheels)
        _copy(kept / key, folder, lambda made: install_wheels(wheels, target, made))

    def compile_sources(folder: Path, python: str, *, skip: str) -> None:
        sources = [one for one in sorted(folder.rglob("*.py")) if one.relative_to(folder).parts[0] != skip]
        names = [one.relative_to(folder).as_posix() for one in sources]

        def fill(made: Path) -> None:
            compile_tree(folder, python, skip=skip)
            for code in list(folder.rglob("__pycache__")):
                shutil.copytree(code, made / code.relative_to(folder))

        _copy(kept / _key([python, skip, *names], sources), folder, fill)

    patch.setattr("spacy_lambda.bundler.tree.install_wheels", install)
    patch.setattr("spacy_lambda.bundler.assemble.compile_tree", compile_sources)


@contextmanager
def without_wheels() -> Iterator[None]:
    """Leave all wheels out of bundles, which have spacy-lambda and the pipeline then, and are not run.

    Where functions predict in the process of the tests, they need no more, and bundles take a tenth of the time.
    """
    ours = distribution("spacy-lambda")
    with pytest.MonkeyPatch.context() as patch:
        for name, replaced in {
            "assemble.pin_requirements": lambda requirements, target: ((), ours),
            "assemble.download_wheels": lambda pins, target, folder: [],
            "assemble.prove": lambda *arguments, **options: Proof(True, "not run"),
            "target_root.pin_requirements": lambda requirements, target: ((), ours),
            "target_root.download_wheels": lambda pins, target, folder: [],
            "tree.install_wheels": lambda wheels, target, folder: None,
        }.items():
            patch.setattr(f"spacy_lambda.bundler.{name}", replaced)
        yield


def _key(words: Sequence[str], files: Sequence[Path]) -> str:
    digest = hashlib.sha256(repr(words).encode())
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _copy(kept: Path, folder: Path, fill: Callable[[Path], None]) -> None:
    """Copy what is kept into a folder; what is not yet is made first."""
    with exclusive("installed"):
        if not kept.exists():
            kept.parent.mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
                made = Path(scratch, "made")
                made.mkdir()
                fill(made)
                os.rename(made, kept)
    shutil.copytree(kept, folder, dirs_exist_ok=True, copy_function=_place)


def _place(source: str, copy: str) -> None:
    """Link a file, unless it was made there; those that are stripped in place are copied."""
    if source.endswith(".so"):
        shutil.copyfile(source, copy)
    else:
        with suppress(FileExistsError):
            os.link(source, copy)
