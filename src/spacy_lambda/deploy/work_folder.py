"""The project's folder for bundles and templates, which one deployment at a time writes to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from spacy_lambda.config.toml_file import WORK_FOLDER
from spacy_lambda.core.file_lock import LockHeld, file_lock
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.errors import DeployError

__all__ = ["LOCK_FILE", "locked_work_folder", "make_work_folder", "work_folder_problem"]

LOCK_FILE = "deploy.lock"


def work_folder_problem(project: Path) -> DeployError | None:
    """Return the error of a work folder that is something else.

    :param project: The folder of the project.
    """
    folder = project / WORK_FOLDER
    if folder.is_dir() or not (folder.is_symlink() or folder.exists()):
        return None
    what = "a link to something that does not exist" if folder.is_symlink() and not folder.exists() else "not a folder"
    return DeployError(
        f"{folder} is {what}, and bundles and templates are written there", remedy="remove it, or make it a folder"
    )


def make_work_folder(project: Path) -> Path:
    """Make the folder unless it exists, ignored by git, and return it.

    :param project: The folder of the project.
    :raises DeployError: If it cannot be made.
    """
    problem = work_folder_problem(project)
    if problem is not None:
        raise problem
    folder = project / WORK_FOLDER
    try:
        folder.mkdir(exist_ok=True)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as exc:
        raise DeployError(
            f"bundles and templates cannot be written to {folder}: {system_reason(exc)}",
            remedy=f"make {project} writable, or copy the project to a folder that is",
        ) from exc
    return folder


@contextmanager
def locked_work_folder(project: Path) -> Iterator[Path]:
    """Make the folder, and keep other deployments out of it in the block.

    :param project: The folder of the project.
    :raises DeployError: If it cannot be made, or another deployment of the project is running.
    """
    folder = make_work_folder(project)
    with ExitStack() as held:
        try:
            held.enter_context(file_lock(folder / LOCK_FILE))
        except LockHeld as exc:
            raise DeployError(
                f"the project in {project} is being deployed or planned by {exc}",
                remedy="wait for it to end, or deploy from a copy of the folder",
            ) from None
        yield folder
