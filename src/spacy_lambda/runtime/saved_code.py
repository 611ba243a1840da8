"""A pipeline's custom code in its pickle, and in the folders to which it is saved.

A pickle names classes and functions by their modules. Another process, such as one that ``nlp.pipe(n_process=2)``
starts, does not find those of ``code/``, which are not on the path; so a pickle has the code, imported before the rest
of it is read.
"""

from __future__ import annotations

import copyreg
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

from spacy.language import Language

from spacy_lambda.core.compiled_meta import META_KEY
from spacy_lambda.errors import PipelineLoadError
from spacy_lambda.runtime.code import CODE_FOLDER, import_modules

__all__ = ["register_code"]

_folders: dict[str, Path] = {}
"""Folders of the modules to save, by name: each the ``code/`` of the pipeline that was loaded last."""


def register_code(folder: Path, names: Sequence[str], language: type[Language]) -> None:
    """Include a pipeline's custom code in its pickles and saved copies.

    Pipelines without code are pickled and saved as before.

    :param folder: The pipeline's ``code/``, which is saved as a whole.
    :param names: The modules in it, in the order in which they are imported.
    :param language: The class of the pipeline, by which pickle finds out how to pickle it.
    """
    _folders.update(dict.fromkeys(names, folder))
    _prepare(language)


def _prepare(language: type[Language]) -> None:
    """Make a class of pipelines pickle and save the code of those that have some."""
    copyreg.pickle(language, _reduce)
    if not hasattr(language.to_disk, "__wrapped__"):
        language.to_disk = _with_code(language.to_disk)  # type: ignore[method-assign]


def _with_code(to_disk: Callable[..., None]) -> Callable[..., None]:
    """Return the method that also saves the pipeline's code, unless ``exclude`` has ``code``."""

    @wraps(to_disk)
    def save(nlp: Language, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        left_out = list(exclude)
        saved = [] if CODE_FOLDER in left_out else [_read(folder) for folder in _folders_of(_listed(nlp))]
        to_disk(nlp, path, exclude=left_out)
        for files in saved:
            _write(Path(path) / CODE_FOLDER, files)

    return save


@dataclass(frozen=True)
class _SavedCode:
    """The code of one pipeline, which is imported when it is unpickled.

    :param folders: The names of its modules by their folder.
    """

    folders: Mapping[Path, tuple[str, ...]]

    def __reduce__(self) -> tuple[Any, ...]:
        return _import_saved, tuple((folder, names, _read(folder)) for folder, names in self.folders.items())

    def __deepcopy__(self, memo: dict[int, Any]) -> _SavedCode:
        return self


def _reduce(nlp: Language) -> tuple[Any, ...]:
    plain: Any = object.__reduce_ex__(nlp, 2)
    made_by, args, state, *_ = plain
    # Components may have been taken from another pipeline.
    modules = [getattr(part, "__module__", None) or type(part).__module__ for _, part in nlp._components]
    folders = _folders_of([*_listed(nlp), *(str(module).partition(".")[0] for module in modules)])
    # The code is the first argument, so that it is imported before pickle looks for the class.
    return (_restore, (_SavedCode(folders), *args), state) if folders else (made_by, args, state)


def _listed(nlp: Language) -> list[str]:
    """Return the modules that a pipeline's ``meta.json`` lists."""
    block = nlp.meta.get(META_KEY)
    return list(block.get("code", [])) if isinstance(block, dict) else []


def _folders_of(modules: Sequence[str]) -> dict[Path, tuple[str, ...]]:
    """Return the folders that modules come from, with all modules of each."""
    folders = dict.fromkeys(folder for name, folder in _folders.items() if name in modules)
    return {folder: tuple(name for name, of in _folders.items() if of == folder) for folder in folders}


def _restore(code: _SavedCode | None, language: type[Language]) -> Language:
    _prepare(language)
    return language.__new__(language)


def _import_saved(*saved: tuple[Path, tuple[str, ...], dict[str, bytes]]) -> None:
    for folder, names, files in saved:
        place = _place(folder, names, files)
        import_modules(place, names)
        _folders.update(dict.fromkeys(names, place))


def _place(folder: Path, names: tuple[str, ...], files: dict[str, bytes]) -> Path:
    """Return a folder with these files: the one they come from, one of an earlier pickle, or a new one."""
    for candidate in (folder, *(_folders[name] for name in names if name in _folders)):
        if _contents(candidate) == files:
            return candidate
    return _temporary_folder(files)


def _temporary_folder(files: dict[str, bytes]) -> Path:
    import atexit
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="spacy-lambda-code-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _write(folder, files)
    return folder


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """Write files into a folder, except those that are there: it may be the one that they were read from."""
    for name, content in files.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _read(folder: Path) -> dict[str, bytes]:
    """Return the files of a pipeline's code.

    :raises PipelineLoadError: If they are gone.
    """
    files = _contents(folder)
    if not files:
        raise PipelineLoadError(
            f"{folder}, from which the pipeline's code was loaded, is gone",
            remedy="keep that folder as long as the pipeline is in use, or load the pipeline again",
        )
    return files


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
