"""A pipeline's own code in its pickle, imported before the rest of the pickle is read.

A pickle names classes and functions by their modules. Another process, such as one that ``nlp.pipe(n_process=2)``
starts, does not find those of ``code/``, which are not on the path.
"""

from __future__ import annotations

import copyreg
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.language import Language

from spacy_lambda.core.compiled_meta import META_KEY
from spacy_lambda.runtime.code import import_modules

__all__ = ["carry_code"]

_folders: dict[str, Path] = {}
"""Folders of the modules to carry, by name: each the ``code/`` of the pipeline that was loaded last."""


def carry_code(folder: Path, names: Sequence[str], language: type[Language]) -> None:
    """Make pipelines carry their own code when they are pickled.

    Pipelines without code are pickled as before.

    :param folder: The pipeline's ``code/``, which is carried as a whole.
    :param names: The modules in it, in the order in which they are imported.
    :param language: The class of the pipeline, by which pickle finds out how to pickle it.
    """
    _folders.update(dict.fromkeys(names, folder))
    copyreg.pickle(language, _reduce)


@dataclass(frozen=True)
class _CarriedCode:
    """The code of one pipeline, which is imported when it is unpickled.

    :param folders: The names of its modules by their folder.
    """

    folders: Mapping[Path, tuple[str, ...]]

    def __reduce__(self) -> tuple[Any, ...]:
        return _import_carried, tuple((folder, names, _contents(folder)) for folder, names in self.folders.items())

    def __deepcopy__(self, memo: dict[int, Any]) -> _CarriedCode:
        return self


def _reduce(nlp: Language) -> tuple[Any, ...]:
    plain: Any = object.__reduce_ex__(nlp, 2)
    made_by, args, state, *_ = plain
    folders = _folders_of(nlp)
    # The code is the first argument, so that it is imported before pickle looks for the class.
    return (_restore, (_CarriedCode(folders), *args), state) if folders else (made_by, args, state)


def _folders_of(nlp: Language) -> dict[Path, tuple[str, ...]]:
    """Return the folders of the code that a pipeline lists, and of the code that its components come from."""
    block = nlp.meta.get(META_KEY)
    listed = block.get("code", []) if isinstance(block, dict) else []
    modules = [getattr(part, "__module__", None) or type(part).__module__ for _, part in nlp._components]
    used = {*listed, *(str(module).partition(".")[0] for module in modules)}
    folders = dict.fromkeys(folder for name, folder in _folders.items() if name in used)
    return {folder: tuple(name for name, of in _folders.items() if of == folder) for folder in folders}


def _restore(code: _CarriedCode | None, language: type[Language]) -> Language:
    copyreg.pickle(language, _reduce)
    return language.__new__(language)


def _import_carried(*carried: tuple[Path, tuple[str, ...], dict[str, bytes]]) -> None:
    for folder, names, files in carried:
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
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
