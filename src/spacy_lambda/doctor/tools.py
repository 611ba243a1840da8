"""Programs: Node and the CDK, container engines, a Python for bundles, and what strips them."""

from __future__ import annotations

import platform
import shutil
import sys

from spacy_lambda.bundler.bytecode import find_python
from spacy_lambda.bundler.image.engines import ENGINES, find_engine
from spacy_lambda.bundler.slim import find_stripper
from spacy_lambda.bundler.target import MACHINES, Target
from spacy_lambda.core.lambda_function import PYTHONS
from spacy_lambda.deploy.cdk_cli import NPM_PACKAGE, VERSION, installed_cdk
from spacy_lambda.deploy.node import node_environment, node_version
from spacy_lambda.doctor.finding import Finding, Stage, problem_of
from spacy_lambda.doctor.machine import DEPLOYING
from spacy_lambda.errors import BundleError, DeployError

__all__ = ["WITH_BUNDLES", "check_cdk", "check_engines", "check_lambda_python", "check_strip"]

WITH_BUNDLES: frozenset[Stage] = DEPLOYING | {"bundle"}


def check_cdk() -> list[Finding]:
    """Check Node, and the CDK's command line, which the first deployment installs."""
    try:
        path = node_environment()["PATH"]
        installed = installed_cdk()
    except DeployError as exc:
        return [problem_of("Node and CDK", exc, blocks=DEPLOYING)]
    node = shutil.which("node", path=path) or "node"
    where = f"in {installed}" if installed else f"will be installed by npm ({NPM_PACKAGE}) at the first deployment"
    return [Finding("Node and CDK", f"Node {node_version(node)} in {node}; CDK {VERSION} {where}")]


def check_engines() -> list[Finding]:
    """Check for an engine that builds images; zips need none."""
    try:
        return [Finding("containers", f"{find_engine().name} is running")]
    except BundleError as exc:
        found = [name for name in ENGINES if shutil.which(name)]
        what = f"{', '.join(found)} installed but not running" if found else f"none of {', '.join(ENGINES)} installed"
        remedy = exc.remedy.partition(", or")[0]
        return [Finding("containers", f"{what}; only images need one, zips do not", remedy)]


def check_lambda_python() -> list[Finding]:
    """Check for the Python that bundles are made for by default, which compiles and runs them here."""
    target = Target(arch=next((arch for arch, name in MACHINES.items() if name == platform.machine()), "x86_64"))
    found = find_python(target)
    if found is not None:
        return [Finding("bundles' Python", f"{target.python} in {found}")]
    own = "{}.{}".format(*sys.version_info)
    other = f', or write python = "{own}" into spacy-lambda.toml' if own in PYTHONS else ""
    return [
        Finding(
            "bundles' Python",
            f"{target.python} is not installed here: cold starts on AWS compile the sources, and run-bundle cannot run",
            f"pyenv install {target.python}{other}",
        )
    ]


def check_strip() -> list[Finding]:
    """Check for a program that strips extension modules, without which no bundle is made."""
    try:
        return [Finding("strip", find_stripper(Target()))]
    except BundleError as exc:
        return [problem_of("strip", exc, blocks=WITH_BUNDLES)]
