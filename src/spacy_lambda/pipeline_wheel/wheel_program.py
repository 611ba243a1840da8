"""A program that runs ``spacy package``, after importing the code that the pipeline contains.

``python -m spacy_lambda.pipeline_wheel.wheel_program PIPELINE OUT SECTIONS`` writes the wheel's project below ``OUT``.
Importing the package imports that code, so that ``spacy.load`` finds the functions that it registers.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from spacy_lambda.core.pipeline_meta import read_meta, requirements_of
from spacy_lambda.core.pipelines import is_pipeline
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.pipeline_wheel.card import README, package_card
from spacy_lambda.runtime.code import code_names, import_code

__all__ = ["write_package"]

IMPORT = """
from spacy_lambda.runtime.code import import_code

import_code(Path(__file__).parent / {folder!r})
"""


def write_package(pipeline: Path, out: Path, sections: Mapping[str, str]) -> None:
    """Write the project of a wheel.

    :param pipeline: The pipeline's folder; this imports its code and loads it.
    :param out: An existing folder.
    :param sections: Texts of its model card.
    """
    from spacy.cli.package import package

    import_code(pipeline)
    # spacy-lambda requires spaCy itself.
    require_spacy = not _requires_own(read_meta(pipeline / "meta.json")) and not code_names(pipeline)
    package(pipeline, out, create_sdist=False, create_wheel=False, require_parent=require_spacy)
    (project,) = out.iterdir()
    (start,) = project.glob("*/__init__.py")
    (inner,) = (path for path in start.parent.iterdir() if is_pipeline(path))
    if code_names(pipeline):
        _import_code_in(project, start, inner.name)
    if not (pipeline / README).is_file():
        card = package_card(read_meta(project / "meta.json"), sections)
        for folder in (project, inner):
            (folder / README).write_text(card, encoding="utf-8")


def _import_code_in(project: Path, start: Path, folder: str) -> None:
    """Make the package import its code, and require spacy-lambda for that."""
    text = start.read_text(encoding="utf-8")
    start.write_text(text + IMPORT.format(folder=folder), encoding="utf-8")
    meta = read_meta(project / "meta.json")
    if not _requires_own(meta):
        own = f"spacy-lambda>={version('spacy-lambda')}"
        text = json.dumps({**meta, "requirements": [*requirements_of(meta), own]}, indent=2)
        (project / "meta.json").write_text(text, encoding="utf-8")


def _requires_own(meta: Mapping[str, Any]) -> bool:
    return any(requirement.startswith("spacy-lambda") for requirement in requirements_of(meta))


if __name__ == "__main__":
    write_package(Path(sys.argv[1]), Path(sys.argv[2]), parse_json(sys.argv[3]))
