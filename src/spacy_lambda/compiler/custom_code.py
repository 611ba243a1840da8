"""An original's custom code: the files that the user names, and the package that contains the pipeline."""

from __future__ import annotations

import ast
import importlib.util
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from spacy_lambda.compiler.input_paths import code_problem
from spacy_lambda.compiler.required_packages import installed_modules
from spacy_lambda.errors import CompileError, PipelineLoadError
from spacy_lambda.runtime.code import CODE_FOLDER, import_modules, module_name_problem

__all__ = ["NO_CUSTOM_CODE", "CustomCode", "copy_code", "find_code", "import_custom_code"]

MAX_BYTES = 64 << 20
MAX_FILES = 2_000
LEFT_OUT = ("__pycache__",)
BINARY = (".so", ".pyd", ".dylib", ".dll")
TEMPLATE = """
from pathlib import Path
from spacy.util import load_model_from_init_py, get_model_meta
__version__ = get_model_meta(Path(__file__).parent)['version']
def load(**overrides):
    return load_model_from_init_py(__file__, **overrides)
"""
"""Written by ``spacy package`` for a pipeline without custom code."""


@dataclass(frozen=True)
class CustomCode:
    """The contents of a compiled pipeline's ``code/``.

    :param entries: Modules, packages, and other files next to them.
    :param data: A folder inside a package that is not copied: the pipeline itself.
    """

    entries: tuple[Path, ...] = ()
    data: Path | None = None

    @property
    def modules(self) -> tuple[Path, ...]:
        """The entries that are imported."""
        return tuple(entry for entry in self.entries if entry.is_dir() or entry.suffix == ".py")

    @property
    def names(self) -> list[str]:
        """Names of the modules, in the order in which they are imported."""
        return [entry.stem if entry.is_file() else entry.name for entry in self.modules]

    def sources(self) -> Iterator[Path]:
        """Yield the files of Python code."""
        for entry in self.modules:
            files = [entry] if entry.is_file() else _files(entry, self.data)
            yield from (file for file in files if file.suffix == ".py")


NO_CUSTOM_CODE = CustomCode()


def find_code(path: Path, given: Sequence[Path] = ()) -> CustomCode:
    """Find the code of a pipeline: the package it is in, if that has some, and the given files.

    :param path: The pipeline's folder.
    :param given: Modules, packages, and files next to them.
    :raises CompileError: If one of them cannot be copied into the pipeline.
    """
    package = path.resolve().parent
    own = (package,) if _has_custom_code(package, path) else ()
    entries = (*own, *(Path(one).resolve() for one in given))
    seen: dict[str, Path] = {}
    for entry in entries:
        problem = _entry_problem(entry, is_own=entry in own)
        if problem is not None:
            raise CompileError(f"{entry} cannot be included: {problem[0]}", remedy=problem[1])
        name = entry.stem if entry.suffix == ".py" else entry.name
        if name in seen:
            raise CompileError(f"{seen[name]} and {entry} have the same name", remedy="rename one of them")
        seen[name] = entry
    if entries and (path / CODE_FOLDER).exists():
        raise CompileError(
            f"the pipeline has a component named {CODE_FOLDER!r}, whose folder is where the code is stored",
            remedy="rename the component, for example with nlp.rename_pipe",
        )
    return CustomCode(entries, path.resolve() if own else None)


def import_custom_code(code: CustomCode) -> None:
    """Import the code from its files, as the compiled pipeline will from its ``code/``.

    :raises CompileError: If a module cannot be imported.
    """
    for entry, name in zip(code.modules, code.names, strict=True):
        siblings = [other for at, other in zip(code.modules, code.names, strict=True) if at.parent == entry.parent]
        try:
            import_modules(entry.parent, [name, *(other for other in siblings if other != name)])
        except PipelineLoadError as exc:
            absent = isinstance(exc.__cause__, ImportError)
            remedy = "install what it imports, or give that with --code too" if absent else exc.remedy
            raise CompileError(exc.message, remedy=remedy) from exc


def copy_code(code: CustomCode, folder: Path) -> None:
    """Copy the code into a pipeline's folder."""
    for entry in code.entries:
        target = folder / CODE_FOLDER / entry.name
        target.parent.mkdir(exist_ok=True)
        if entry.is_file():
            shutil.copyfile(entry, target)
        else:
            for file in _files(entry, code.data):
                copy = target / file.relative_to(entry)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)


def _has_custom_code(package: Path, path: Path) -> bool:
    """Return whether a pipeline's package contains more than ``spacy package`` puts into each."""
    init = package / "__init__.py"
    if not init.is_file() or not (package / "meta.json").is_file():
        return False
    others = [file for file in _files(package, path.resolve()) if file.suffix == ".py" and file != init]
    try:
        return bool(others) or ast.dump(ast.parse(init.read_bytes())) != ast.dump(ast.parse(TEMPLATE))
    except SyntaxError:
        return True


def _entry_problem(entry: Path, *, is_own: bool) -> tuple[str, str] | None:
    """Return why an entry cannot be copied into the pipeline, and the remedy."""
    problem = code_problem(entry)
    if problem is not None:
        return problem
    if entry.is_file() and entry.suffix != ".py":
        return None if entry.suffix not in BINARY else _BINARY
    name = entry.stem if entry.is_file() else entry.name
    name_problem = module_name_problem(name)
    if name_problem is None and not is_own and _is_installed(name, entry):
        name_problem = f"it would hide the installed package {name!r}"
    if name_problem is not None:
        return name_problem, "rename it"
    return _package_problem(entry) if entry.is_dir() else None


_BINARY = ("it is compiled for one system", "require a package that has wheels for Lambda instead")


def _package_problem(package: Path) -> tuple[str, str] | None:
    files = [file for file in package.rglob("*") if file.suffix in BINARY and file.is_file()]
    if files:
        return f"{files[0].name} in it is compiled for one system", _BINARY[1]
    return None


def _files(package: Path, data: Path | None) -> Iterator[Path]:
    """Yield a package's files, its data files too.

    :raises CompileError: If there are too many, or they are too large.
    """
    total = count = 0
    for file in sorted(package.rglob("*")):
        hidden = any(part in LEFT_OUT or part.startswith(".") for part in file.relative_to(package).parts)
        if hidden or not file.is_file() or (data is not None and data in file.parents):
            continue
        total, count = total + file.stat().st_size, count + 1
        if total > MAX_BYTES or count > MAX_FILES:
            raise CompileError(
                f"{package} has more than {MAX_FILES:,} files or {MAX_BYTES:,} bytes in addition to the pipeline",
                remedy="give only the modules that the pipeline needs, with --code FILE",
            )
        yield file


def _is_installed(name: str, entry: Path) -> bool:
    """Return whether an installed distribution has another module of this name."""
    if name not in installed_modules():
        return False
    spec = importlib.util.find_spec(name)
    given = entry if entry.is_file() else entry / "__init__.py"
    return spec is None or spec.origin is None or Path(spec.origin).resolve() != given
