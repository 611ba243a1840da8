"""A program that runs ``spacy package``, after importing the code that the pipeline contains.

``python -m spacy_lambda.store.hub.wheel_program PIPELINE OUT`` writes the package's project below ``OUT``. Importing
the package imports that code, so that ``spacy.load`` finds the functions that it registers.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path

from spacy_lambda.core.pipeline_meta import path_in, pipeline_name, read_meta, requirements_of
from spacy_lambda.runtime.code import code_names, import_code

__all__ = ["write_package"]

IMPORT = """
from spacy_lambda.runtime.code import import_code

import_code(Path(__file__).parent / {folder!r})
"""


def write_package(pipeline: Path, out: Path) -> None:
    """Write the project of a wheel.

    :param pipeline: The pipeline's folder; this imports its code and loads it.
    :param out: An existing folder.
    """
    from spacy.cli.package import package

    import_code(pipeline)
    package(pipeline, out, create_sdist=False, create_wheel=False)
    if code_names(pipeline):
        _import_code_in(out, str(pipeline_name(read_meta(pipeline / "meta.json"))))


def _import_code_in(out: Path, name: str) -> None:
    """Make the package import its code, and require spacy-lambda for that."""
    (project,) = out.iterdir()
    (start,) = project.glob("*/__init__.py")
    text = start.read_text(encoding="utf-8")
    start.write_text(text + IMPORT.format(folder=path_in(start.parent, name).name), encoding="utf-8")
    meta = read_meta(project / "meta.json")
    if not any(requirement.startswith("spacy-lambda") for requirement in requirements_of(meta)):
        own = f"spacy-lambda>={version('spacy-lambda')}"
        text = json.dumps({**meta, "requirements": [*requirements_of(meta), own]}, indent=2)
        (project / "meta.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_package(Path(sys.argv[1]), Path(sys.argv[2]))
