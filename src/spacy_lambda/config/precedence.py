"""Precedence of the sources of a setting: flag, then environment, then file, then default.

===========  ============  ========================  ===================  ======================================
setting      flag          environment               file                 default
===========  ============  ========================  ===================  ======================================
the name                   ``SPACY_LAMBDA_PROJECT``  ``project.name``
the account                ``SPACY_LAMBDA_ACCOUNT``  ``project.account``  the account of the credentials
the region   ``--region``  ``SPACY_LAMBDA_REGION``   ``project.region``   ``AWS_REGION``, ``AWS_DEFAULT_REGION``
the rest                                             its key              the dataclass's
===========  ============  ========================  ===================  ======================================

``AWS_REGION`` is a default, because it belongs to the credentials rather than to the project. With the three variables,
one file serves several stages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spacy_lambda.core.env_names import ACCOUNT_VARIABLE, AWS_REGION_VARIABLES, PROJECT_VARIABLE, REGION_VARIABLE

__all__ = ["ambient_region", "override"]


def override(
    values: Mapping[str, Any], *, region: str | None, environ: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a file's values with flags and the environment applied, and the sources of those that they set, by key.

    :param values: Of the file; not yet validated, and not changed.
    :param region: Value of ``--region``.
    """
    project = values.get("project", {})
    if not isinstance(project, dict):
        return {"functions": {}, **values}, {}
    variables = (REGION_VARIABLE,) if "region" in project else (REGION_VARIABLE, *AWS_REGION_VARIABLES)
    settings = {
        "name": _first(environ, PROJECT_VARIABLE),
        "region": ("--region", region) if region is not None else _first(environ, *variables),
        "account": _first(environ, ACCOUNT_VARIABLE),
    }
    found = {key: setting for key, setting in settings.items() if setting is not None}
    sources = {f"project.{key}": source for key, (source, _) in found.items()}
    project = {**project, **{key: value for key, (_, value) in found.items()}}
    return {"functions": {}, **values, "project": project}, sources


def ambient_region(environ: Mapping[str, str]) -> str | None:
    """Return the environment's region, for a project that has no file yet."""
    found = _first(environ, REGION_VARIABLE, *AWS_REGION_VARIABLES)
    return None if found is None else found[1]


def _first(environ: Mapping[str, str], *names: str) -> tuple[str, str] | None:
    """Return the first variable that is set and not empty, and its value."""
    return next(((name, environ[name]) for name in names if environ.get(name)), None)
