"""Specs -> CloudFormation templates, by the CDK's library."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
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
    _choose_node(node_environment()["PATH"])
    from spacy_lambda.cdk.app import synthesize

    out.mkdir(parents=True, exist_ok=True)
    try:
        return synthesize(specs, shared, Path(tempfile.mkdtemp(dir=out)))
    except SpecError as exc:
        raise DeployError(exc.message, remedy=exc.remedy) from exc


def _choose_node(path: str) -> None:
    """Let the library start ``node`` from a path, in a session of its own, where Ctrl-C does not reach it.

    Otherwise it would end before this process does, which reports the broken pipe to it. Without its input it ends too.

    :param path: Takes the place of ``PATH`` for this one process.
    """
    from jsii._kernel.providers import process

    def start(command: Sequence[str], *, env: Mapping[str, str], **options: Any) -> Any:
        return subprocess.Popen(command, env={**env, "PATH": path}, start_new_session=True, **options)

    kernel: Any = process
    kernel.subprocess = SimpleNamespace(**{**vars(subprocess), "Popen": start})
