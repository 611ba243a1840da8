"""Who wins where the same is said twice: flag, then environment, then file, then default.

===========  ============  ========================  ===================  ======================================
value        flag          environment               file                 default
===========  ============  ========================  ===================  ======================================
the name                   ``SPACY_LAMBDA_PROJECT``  ``project.name``
the account                ``SPACY_LAMBDA_ACCOUNT``  ``project.account``  whichever the credentials are of
the region   ``--region``  ``SPACY_LAMBDA_REGION``   ``project.region``   ``AWS_REGION``, ``AWS_DEFAULT_REGION``
the rest                                             its key              the model's
===========  ============  ========================  ===================  ======================================

``AWS_REGION`` is a default: it comes with credentials and says nothing about this project. With the three variables
one file serves several stages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy_lambda.config.parse import Document
from spacy_lambda.core.env_names import ACCOUNT_VARIABLE, AWS_REGION_VARIABLES, PROJECT_VARIABLE, REGION_VARIABLE

__all__ = ["ACCOUNT_VARIABLE", "PROJECT_VARIABLE", "REGION_VARIABLE", "Settings", "ambient_region", "settle"]


Said = tuple[str, str]
"""Where something was said, and what."""


@dataclass(frozen=True)
class Settings:
    """A file's values with all that wins over them.

    :param path: The file.
    :param values: As TOML has them; not yet checked.
    :param origins: Where a value was said, by its key, if not in the file.
    """

    path: Path
    values: dict[str, Any]
    origins: Mapping[str, str]


def settle(document: Document, *, region: str | None, environ: Mapping[str, str]) -> Settings:
    """Put flags and the environment over the file.

    :param region: Of ``--region``.
    """
    project = document.values.get("project", {})
    if not isinstance(project, dict):
        return Settings(document.path, document.values, {})
    flag = ("--region", region) if region is not None else None
    wins = {
        "name": _first(environ, PROJECT_VARIABLE),
        "region": flag or _first(environ, REGION_VARIABLE),
        "account": _first(environ, ACCOUNT_VARIABLE),
    }
    if "region" not in project and wins["region"] is None:
        wins["region"] = _first(environ, *AWS_REGION_VARIABLES)
    said = {key: one for key, one in wins.items() if one is not None}
    return Settings(
        document.path,
        {**document.values, "project": {**project, **{key: value for key, (_, value) in said.items()}}},
        {f"project.{key}": where for key, (where, _) in said.items()},
    )


def ambient_region(environ: Mapping[str, str]) -> str | None:
    """The region of the environment, for a project that has no file yet."""
    said = _first(environ, REGION_VARIABLE, *AWS_REGION_VARIABLES)
    return None if said is None else said[1]


def _first(environ: Mapping[str, str], *names: str) -> Said | None:
    """An empty variable says nothing."""
    return next(((name, environ[name]) for name in names if environ.get(name)), None)
