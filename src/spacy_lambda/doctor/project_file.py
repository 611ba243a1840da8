"""The project's file, of which every fault is reported before a deployment meets it."""

from __future__ import annotations

import os
from pathlib import Path

from spacy_lambda.config.load import load_project
from spacy_lambda.config.precedence import ambient_region
from spacy_lambda.config.toml_file import FILE
from spacy_lambda.core.counts import count
from spacy_lambda.core.loopback import LOCAL_REGION
from spacy_lambda.doctor.finding import Finding
from spacy_lambda.doctor.machine import DEPLOYING
from spacy_lambda.errors import ConfigError

__all__ = ["check_project_file"]


def check_project_file(folder: Path, *, region: str | None = None) -> list[Finding]:
    """Check the file, if there is one; a region that is missing is another check's.

    :param folder: The folder of the project.
    :param region: The value of ``--region``.
    """
    path = folder / FILE
    if not (path.exists() or path.is_symlink()):
        return [Finding(FILE, f"none in {folder}; `spacy-lambda init` writes one")]
    environ = dict(os.environ) if ambient_region(os.environ) else {**os.environ, "AWS_REGION": LOCAL_REGION}
    try:
        project = load_project(path, region=region, environ=environ)
    except ConfigError as exc:
        key, problem, remedy = exc.faults[0]
        more = f"; {count(len(exc.faults) - 1, 'more fault')}" if len(exc.faults) > 1 else ""
        return [Finding(FILE, f"{key} {problem}{more}", remedy, DEPLOYING)]
    return [Finding(FILE, f"{project.name}, with {count(len(project.functions), 'function')}")]
