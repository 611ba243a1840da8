"""Specs -> CloudFormation templates, by the CDK's library."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from spacy_lambda.cdk.spec import FunctionSpec, SharedSpec, SpecError
from spacy_lambda.deploy.node import node_environment
from spacy_lambda.errors import DeployError

__all__ = ["write_templates"]


def write_templates(specs: Sequence[FunctionSpec], shared: SharedSpec | None, out: Path) -> Path:
    """Write a cloud assembly.

    The library starts ``node`` from ``PATH`` when it is imported, with no way to configure another. It assumes that an
    asset once written to a folder stays there, so that each assembly gets a folder of its own.

    :param out: Folder in which that folder is created.
    :returns: The assembly's folder.
    :raises DeployError: If there is no Node, or no template can be made of a spec.
    """
    os.environ["PATH"] = node_environment()["PATH"]
    _separate_node()
    from spacy_lambda.cdk.app import synthesize

    out.mkdir(parents=True, exist_ok=True)
    try:
        return synthesize(specs, shared, Path(tempfile.mkdtemp(dir=out)))
    except SpecError as exc:
        raise DeployError(exc.message, remedy=exc.remedy) from exc


def _separate_node() -> None:
    """Let the library start ``node`` in a session of its own, where Ctrl-C does not reach it.

    Otherwise it would end before this process does, which reports the broken pipe to it. Without its input it ends too.
    """
    from jsii._kernel.providers import process

    kernel: Any = process
    separate = partial(subprocess.Popen, start_new_session=True)
    kernel.subprocess = SimpleNamespace(**{**vars(subprocess), "Popen": separate})
