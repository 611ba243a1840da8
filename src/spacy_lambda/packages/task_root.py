"""Distributions -> a task root, the folder that stands for Lambda's ``/var/task``.

Each top-level package, module, ``.libs`` folder and ``.dist-info`` folder is a symbolic link to its
installed place, so the folder takes no space and no time, and compiled ``.pyc`` files are shared. An
interpreter that has only this folder on its path (``python -S`` with ``PYTHONPATH``) sees the packages
that the function will have on Lambda and no others that are installed here.
"""

from __future__ import annotations

import contextlib
import csv
import shutil
import tempfile
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path

from spacy_lambda.errors import RequirementError
from spacy_lambda.packages.base_install import SPACY_LAMBDA, left_out
from spacy_lambda.packages.closure import requirement_closure

__all__ = ["TaskRoot", "build_task_root", "function_task_root"]

BASE_REQUIREMENTS = ("spacy-lambda", "awslambdaric")
"""Distributions of every function, with AWS's runtime client, which Lambda's images have."""

_SKIPPED = frozenset({"", ".", "..", "__pycache__"})


@dataclass(frozen=True)
class TaskRoot:
    """A built task root.

    :param path: The folder.
    :param distributions: ``name==version`` of each distribution in it, sorted.
    """

    path: Path
    distributions: tuple[str, ...]

    def remove(self) -> None:
        """Delete the links; their targets stay."""
        shutil.rmtree(self.path, ignore_errors=True)


def build_task_root(
    requirements: Iterable[str] = (),
    *,
    code: Path | None = None,
    base: Iterable[str] = BASE_REQUIREMENTS,
    without: Container[str] = (),
) -> TaskRoot:
    """Link the base install, and a pipeline's other requirements, into a fresh temporary folder.

    :param requirements: Requirements of the pipeline.
    :param code: A folder with the handler's code; its entries win over installed ones.
    :param base: Requirements of every pipeline.
    :param without: Normal names of distributions that are left out, with the requirements of these alone.
    :raises RequirementError: If a requirement is not installed, or its files are unknown.
    """
    distributions = requirement_closure((*base, *requirements), without=without)
    root = Path(tempfile.mkdtemp(prefix="spacy-lambda-"))
    try:
        if code is not None:
            _link_folder(code, root)
        for dist in distributions:
            _link_distribution(dist, root)
    except BaseException:
        shutil.rmtree(root, ignore_errors=True)
        raise
    named = (dist.metadata for dist in distributions)  # parsed each time that it is asked for
    return TaskRoot(root, tuple(f"{one['Name']}=={one['Version']}" for one in named))


@contextlib.contextmanager
def function_task_root(requirements: Iterable[str]) -> Iterator[Path]:
    """Build the task root of a function, without the distributions that a bundle leaves out; remove it afterwards.

    :param requirements: Requirements of its pipeline.
    :raises RequirementError: If a requirement is not installed.
    """
    own = tuple(requirements)
    root = build_task_root(own, base=(SPACY_LAMBDA,), without=left_out(own))
    try:
        yield root.path
    finally:
        root.remove()


def _link_distribution(dist: Distribution, root: Path) -> None:
    files = _files(dist)
    if not files:
        raise RequirementError(
            f"{dist.metadata['Name']} has no list of its files (RECORD), so it cannot be linked",
            remedy=f"install it with pip: pip install --force-reinstall {dist.metadata['Name']}",
        )
    base = Path(str(dist.locate_file("")))
    for file in files:
        if "/" not in file and file.endswith(".pth"):
            _link_editable(base / file, root)
    _link_level(files, base, root)


def _files(dist: Distribution) -> list[str]:
    """Return the paths of a distribution's files, without an object for each, of which there are thousands."""
    record = dist.read_text("RECORD")
    if record is None:
        return [file.as_posix() for file in dist.files or ()]
    return [row[0] for row in csv.reader(record.splitlines()) if row]


def _link_level(files: Iterable[str], base: Path, root: Path) -> None:
    """Link each first part of some paths; go into a folder only where several distributions may share it."""
    inside: dict[str, list[str]] = {}
    for file in files:
        first, _, rest = file.partition("/")
        if first not in _SKIPPED and not first.endswith(".pth"):
            inside.setdefault(first, []).extend([rest] if rest else [])
    for name, below in inside.items():
        source = base / name
        if below and _is_shared(source):
            (root / name).mkdir(exist_ok=True)
            _link_level(below, source, root / name)
        else:
            _link(source, root / name)


def _is_shared(folder: Path) -> bool:
    """Return whether a folder is a namespace package or plain data, which other distributions may add to."""
    return not (folder / "__init__.py").exists() and folder.suffix not in {".dist-info", ".libs"}


def _link_editable(pth: Path, root: Path) -> None:
    """Link the packages of an editable install, which a ``.pth`` file points to."""
    for line in pth.read_text(encoding="utf-8").splitlines():
        if line.startswith("import "):
            if "__editable__" not in pth.name:
                continue
            raise RequirementError(
                f"the editable install {pth.name!r} is found by code, not by a folder",
                remedy="install it without -e, or with a build backend that writes a plain .pth file",
            )
        if line.strip():
            _link_folder(Path(line.strip()), root)


def _link_folder(folder: Path, root: Path) -> None:
    """Link a folder's packages, modules and files."""
    for entry in sorted(folder.iterdir()):
        if not entry.name.startswith(".") and entry.name not in _SKIPPED:
            _link(entry.resolve(), root / entry.name)


def _link(source: Path, target: Path) -> None:
    """Link one entry; the first one wins, and a file that was listed but removed is passed over."""
    if source.exists() and not target.exists():
        target.symlink_to(source, target_is_directory=source.is_dir())
