"""Specs -> templates, by the CDK's library, which needs Node as much as its command line does."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from spacy_lambda.cdk.spec import FunctionSpec, SharedSpec, SpecError
from spacy_lambda.deploy.node import node_environment
from spacy_lambda.errors import DeployError

__all__ = ["write_templates"]


def write_templates(specs: Sequence[FunctionSpec], shared: SharedSpec | None, out: Path) -> Path:
    """Write a cloud assembly, with the Node that is found here.

    The library starts ``node`` from ``PATH`` when it is imported, and takes no other word for it. It believes that an
    asset which it has once written to a folder is there for ever: each assembly gets a folder of its own.

    :param out: The folder in which that is made.
    :return: The assembly's folder.
    :raises DeployError: If there is no Node, or no template can be made of a spec.
    """
    os.environ["PATH"] = node_environment()["PATH"]
    from spacy_lambda.cdk.app import synthesise

    out.mkdir(parents=True, exist_ok=True)
    try:
        return synthesise(specs, shared, Path(tempfile.mkdtemp(dir=out)))
    except SpecError as exc:
        raise DeployError(exc.message, remedy=exc.remedy) from exc
