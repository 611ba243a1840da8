"""From ``spacy-lambda.toml`` to a :class:`~spacy_lambda.config.project.Project`.

::

    file ──parse──▶ Document ──precedence──▶ Settings ──check──▶ no fault ──complete──▶ Project
          TOML                 flags and               every                 defaults,
                               environment             fault at once         paths

No stage looks at AWS, at a store, or into a pipeline: ``deploy`` does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from spacy_lambda.config.check import find_faults
from spacy_lambda.config.complete import complete
from spacy_lambda.config.parse import Document, read_document
from spacy_lambda.config.precedence import settle
from spacy_lambda.config.project import Project
from spacy_lambda.errors import ConfigError

__all__ = ["load_project", "make_project"]


def load_project(
    path: Path | None = None, *, region: str | None = None, environ: Mapping[str, str] | None = None
) -> Project:
    """Read the project's file.

    :param path: ``None`` for ``spacy-lambda.toml`` in the current folder.
    :param region: Of ``--region``; it wins over everything.
    :param environ: ``None`` for this process's own.
    :raises ConfigError: If it cannot be read, or has faults; it names all of them.
    """
    return make_project(read_document(path), region=region, environ=os.environ if environ is None else environ)


def make_project(document: Document, *, region: str | None, environ: Mapping[str, str]) -> Project:
    """A project of what a file says, as :func:`load_project` does it.

    :raises ConfigError: If it has faults.
    """
    settings = settle(document, region=region, environ=environ)
    faults = find_faults(settings)
    if faults:
        raise ConfigError(str(document.path), faults)
    return complete(settings)
