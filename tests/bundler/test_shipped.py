"""The list of spacy-lambda's files in a function, against the runtime's imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import spacy_lambda
from spacy_lambda.bundler.tree import SHIPPED_FOLDERS, SHIPPED_MODULES, shipped_files

SOURCE = Path(spacy_lambda.__file__).parent
STARTS = (
    "runtime/handler.py",
    "runtime/component.py",
    "runtime/listener.py",
    "runtime/tok2vec_transformer.py",
    "runtime/curated/factory.py",
    "runtime/curated/listeners.py",
    "runtime/curated/wrapped_transformer.py",
)
"""The modules that Lambda and spaCy name: all others are there because one of these imports them."""

DATA = {"runtime/page/index.html"}
"""Read by its path, and so in no import."""


def imported(path: Path) -> Iterator[Path]:
    """Return spacy-lambda's files that a file may import, anywhere in it, with their packages."""
    package = path.relative_to(SOURCE.parent).parts[:-1]
    yield from (
        parent / "__init__.py"
        for parent in path.parents
        if parent != SOURCE.parent and SOURCE in {parent, *parent.parents}
    )
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*above, *([node.module] if node.module else [])))
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            place = SOURCE.parent.joinpath(*name.split("."))
            if SOURCE in {place, *place.parents}:
                yield from (file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file())


def closure() -> set[str]:
    found: set[Path] = set()
    waiting = [SOURCE / name for name in STARTS]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            # The package itself imports the client when that is used, which no function does.
            waiting += [] if path == SOURCE / "__init__.py" else imported(path)
    return {path.relative_to(SOURCE).as_posix() for path in found}


def test_all_that_the_runtime_imports_is_listed_and_nothing_else() -> None:
    listed = {*shipped_files(SOURCE)}
    modules = {name for name in listed if name.endswith(".py")}
    assert closure() <= modules
    # The core is whole; of the runtime and the rest, nothing goes in that is not imported.
    assert {name for name in modules - closure() if not name.startswith("core/")} == set()
    assert {name for name in listed if not name.endswith(".py")} >= DATA


def test_the_list_is_of_files_that_are_there() -> None:
    assert all((SOURCE / name).is_file() for name in shipped_files(SOURCE))
    assert all((SOURCE / name / "__init__.py").is_file() for name in SHIPPED_FOLDERS)
    assert not [name for name in SHIPPED_MODULES if name.partition("/")[0] in SHIPPED_FOLDERS]
