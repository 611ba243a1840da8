"""A pipeline's custom code: the modules in its folder ``code/``, imported before it is loaded.

They register what the pipeline's config names: components, architectures, tokenizers. ``meta.json`` lists them. They
are found by a custom finder rather than by ``sys.path``, so that nothing else in that folder can take the place
of an installed package, and no bytecode is written next to them, because the folder's digest was computed before.
"""

from __future__ import annotations

import keyword
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from spacy_lambda.core.compiled_meta import META_KEY
from spacy_lambda.core.pipeline_meta import read_meta
from spacy_lambda.errors import PipelineLoadError

__all__ = ["CODE_FOLDER", "code_names", "create_registries", "import_code", "import_modules", "module_name_problem"]

CODE_FOLDER = "code"


def import_code(folder: Path) -> None:
    """Import the modules that a pipeline brings, in the order in which its ``meta.json`` lists them.

    A module imported before from files of the same contents is kept: registered functions belong to one module.

    :param folder: The pipeline's folder, verified: this runs its code.
    :raises PipelineLoadError: If a module is missing or raises, or another one is already imported under its name.
    """
    names = code_names(folder)
    if names:
        create_registries()
        import_modules(folder / CODE_FOLDER, names)
        _register_code(folder, names)


def create_registries() -> None:
    """Create the registries that spacy-transformers adds to spaCy's, in the same way, where they are missing."""
    from spacy.util import registry  # spaCy is imported by :mod:`.spacy_import`

    for name in ("annotation_setters", "span_getters"):
        if not hasattr(registry, name):
            setattr(registry, name, type(registry.architectures)(("spacy", name), entry_points=True))


def code_names(folder: Path) -> list[str]:
    """Return the names of the modules and packages below ``code/`` that a pipeline brings.

    :raises PipelineLoadError: If ``meta.json`` does not list names of modules there.
    """
    block = read_meta(folder / "meta.json").get(META_KEY)
    names = block.get("code", []) if isinstance(block, dict) else []
    if not isinstance(names, list):
        names = [names]
    for name in names:
        problem = module_name_problem(name)
        if problem is not None:
            raise PipelineLoadError(
                f"{folder / 'meta.json'} lists {name!r} as code, but {problem}", remedy="compile the pipeline again"
            )
    return names


def module_name_problem(name: object) -> str | None:
    """Return why a pipeline cannot bring a module of this name, or ``None`` if it can."""
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name) or name.startswith("__"):
        return "that is not a valid module name"
    if name in sys.stdlib_module_names or name == "spacy_lambda":
        return f"Python or spacy-lambda already has a module {name!r}"
    return None


def import_modules(folder: Path, names: Sequence[str]) -> None:
    """Import modules and packages from a folder that is not on the path.

    :param names: All names that may be imported from the folder, without dots.
    :raises PipelineLoadError: See :func:`import_code`.
    """
    for name in names:
        if not ((folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file()):
            raise PipelineLoadError(
                f"{folder} has no module {name!r}",
                remedy="compile the pipeline again, or save it again: nlp.to_disk saves the code of a pipeline that"
                " spacy_lambda.load has loaded",
            )
        imported = sys.modules.get(name)
        if imported is not None and not _is_same(imported, folder, name):
            raise PipelineLoadError(
                f"another module {name!r} is already imported, from {getattr(imported, '__file__', None)}, "
                f"not from {folder}",
                remedy="load the two pipelines in different processes, or give their modules different names",
            )
    finder = _finder()
    # All of them before the first is imported: one may import the other.
    finder.folders |= {name: folder for name in names if name not in sys.modules}
    for name in names:
        try:
            import_module(name)
        except (Exception, SystemExit) as exc:  # any exception of user code
            raise PipelineLoadError(
                f"the pipeline's own module {name!r} ({folder}) cannot be imported: {type(exc).__name__}: {exc}",
                remedy=_import_remedy(exc),
            ) from exc


def _import_remedy(error: BaseException) -> str:
    if isinstance(error, ImportError):
        return "add what it imports to the pipeline's requirements or with --code, and compile it again"
    if isinstance(error, SystemExit):
        return 'move what ends the program, or reads its arguments, below `if __name__ == "__main__":`'
    return "correct the module, and compile the pipeline again"


def _register_code(folder: Path, names: Sequence[str]) -> None:
    """Make pipelines of this one's language keep their code in their pickles and copies."""
    from spacy.util import get_lang_class

    from spacy_lambda.runtime.saved_code import register_code

    try:
        language = get_lang_class(str(read_meta(folder / "meta.json").get("lang")))
    except ImportError:  # an unknown language, which spaCy reports when it loads the pipeline
        return
    register_code((folder / CODE_FOLDER).absolute(), names, language)


class _CodeFinder(MetaPathFinder):
    """A finder of pipelines' modules and their submodules."""

    def __init__(self) -> None:
        self.folders: dict[str, Path] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the module's spec if the pipeline's folder has it."""
        folder = self.folders.get(fullname.partition(".")[0])
        if folder is None:
            return None
        for place in (str(folder),) if path is None else path:
            spec = FileFinder(place, (_Loader, SOURCE_SUFFIXES)).find_spec(fullname)
            if spec is not None:
                return spec
        return None


class _Loader(SourceFileLoader):
    """A loader that writes no bytecode."""

    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:
        """Leave the folder as it is."""


def _finder() -> _CodeFinder:
    """Return the finder of this process, which comes first: a pipeline's module wins over an installed one."""
    for finder in sys.meta_path:
        if isinstance(finder, _CodeFinder):
            return finder
    sys.meta_path.insert(0, finder := _CodeFinder())
    return finder


def _is_same(module: ModuleType, folder: Path, name: str) -> bool:
    """Return whether an imported module's files equal the pipeline's."""
    origin = Path(getattr(module, "__file__", None) or "/dev/null")
    ours = folder / f"{name}.py"
    if ours.is_file():
        pairs: Iterator[tuple[Path, Path]] = iter([(ours, origin)])
    else:
        package = folder / name
        pairs = ((file, origin.parent / file.relative_to(package)) for file in package.rglob("*.py"))
    return all(second.is_file() and first.read_bytes() == second.read_bytes() for first, second in pairs)
