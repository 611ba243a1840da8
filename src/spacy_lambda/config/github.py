"""A GitHub workflow that checks each pull request, and deploys the branch ``main`` to staging, then to production.

It contains no keys: AWS exchanges GitHub's OIDC token for a role
(https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws).
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from textwrap import indent
from typing import Any
from urllib.parse import unquote, urlsplit

from spacy_lambda import __version__
from spacy_lambda.cdk.literal_text import text_problem
from spacy_lambda.compiler.precisions import DEFAULT_THRESHOLDS
from spacy_lambda.config.project import FunctionConfig
from spacy_lambda.extras import installed_from

__all__ = ["STAGING", "WORKFLOW_FILE", "path_problem", "render_workflow"]

PLACEHOLDER = re.compile(r"@([A-Z_]+)@")
WORKFLOW_FILE = ".github/workflows/spacy-lambda.yml"
ADDRESS = "INSTALL_FROM"
"""The repository's variable with an address that pip installs spacy-lambda from."""

STAGING = "staging"
PRODUCTION = "production"

HEAD = """\
# Checks each pull request. Deploys the branch main to staging and, after an approval, to production.
#
# Set up once, in the settings of the repository:
# - Variable AWS_ROLE_ARN: a role for the plan, with read permissions.
# - Environments "staging" and "production", each with its own variable AWS_ROLE_ARN: a role with permission to deploy.
#   "production" has required reviewers. Both environments deploy from main only.
# - Each role trusts token.actions.githubusercontent.com for this repository; the two that deploy, for their
#   environment only. No AWS key is stored.
name: spacy-lambda

on:
  pull_request:
  push:
    branches: [main]
  workflow_dispatch:

permissions:
  contents: read

# A new push to a pull request cancels its run; a deployment is never cancelled.
concurrency:
  group: spacy-lambda-${{ github.event.pull_request.number || github.run_id }}
  cancel-in-progress: ${{ github.event_name == 'pull_request' }}

env:
  CONFIG: @CONFIG@
"""

ADDRESS_ENV = f"""\
  # pip installs spacy-lambda from here. A repository's variable of this name is an address such as
  # git+https://example.com/spacy-lambda@COMMIT, or the URL of a wheel.
  {ADDRESS}: @ADDRESS@
"""

VERIFY_ENV = """\
  # The original and the compiled pipeline, and texts to compare them on. Without texts, they are not compared.
  ORIGINAL: original
  COMPILED: @COMPILED@
  TEXTS: texts
"""

WITH_TEXTS = "hashFiles(format('{0}/**', env.TEXTS)) != ''"
MIN_AGREEMENT = DEFAULT_THRESHOLDS.min_agreement
"""The threshold by which ``compile --precision auto`` chooses: what it has accepted passes."""

VERIFY = f"""\
verify:
  runs-on: ubuntu-latest
  timeout-minutes: 60
  steps:
@CHECKOUT@
@PYTHON@
      if: {WITH_TEXTS}
    - name: Install
      if: {WITH_TEXTS}
      run: pip install "spacy-lambda[compile]@FROM@"
    - name: Compare the compiled pipeline with the original
      if: {WITH_TEXTS}
      run: spacy-lambda verify "$ORIGINAL" "$COMPILED" --texts "$TEXTS" --min-agreement {MIN_AGREEMENT}
"""

PLAN = """\
plan:
  # Pull requests of forks get no role.
  if: github.event_name != 'pull_request' || github.event.pull_request.head.repo.full_name == github.repository
  runs-on: ubuntu-latest
  timeout-minutes: 30
  permissions:
    contents: read
    id-token: write
  steps:
@CHECKOUT@
@PYTHON@
@AWS@
    - name: Bundle, and plan the deployment to production
      run: spacy-lambda deploy --plan --config "$CONFIG"
"""

DEPLOY = """\
@STAGE@:
  needs: [@NEEDS@]
  if: github.ref == 'refs/heads/main'
  runs-on: ubuntu-latest
  timeout-minutes: 60
  environment: @STAGE@
  # One deployment to a stage at a time.
  concurrency:
    group: spacy-lambda-@STAGE@
    cancel-in-progress: false
  permissions:
    contents: read
    id-token: write
  env:
    SPACY_LAMBDA_PROJECT: "@PROJECT@"
  steps:
@CHECKOUT@
@PYTHON@
@AWS@
    - name: Deploy
      run: spacy-lambda deploy --yes --config "$CONFIG"
    - name: Show the live versions
      run: spacy-lambda status --config "$CONFIG"
"""

CHECKOUT = """\
- uses: actions/checkout@v6
  with:
    lfs: true
    persist-credentials: false"""

PYTHON = """\
- uses: actions/setup-python@v6
  with:
    python-version: "@VERSION_OF_PYTHON@"
    cache: pip
    cache-dependency-path: @WORKFLOW@"""

AWS = """\
- name: Install
  # Also install the pipeline here, if it is a package.
  run: pip install "spacy-lambda[deploy]@FROM@"
- uses: aws-actions/configure-aws-credentials@v6
  with:
    role-to-assume: ${{ vars.AWS_ROLE_ARN }}
    aws-region: @REGION@"""


def render_workflow(
    *, project: str, config: str, compiled: str | None, region: str | None, origin: Mapping[str, Any] | None = None
) -> str:
    """Return the text of the workflow.

    :param project: Name of the production project; staging's ends in ``-staging``.
    :param config: Path of the project's file from the repository's root.
    :param compiled: Path of the compiled pipeline's folder from there; ``None`` if it is elsewhere, and verified there.
    :param region: ``None`` for the repository's variable ``AWS_REGION``.
    :param origin: Where spacy-lambda was installed from, see :func:`~spacy_lambda.extras.installed_from`; the workflow
        installs it from there too.
    """
    address = _public_address(installed_from() if origin is None else origin)
    before = "plan" if compiled is None else "verify, plan"
    jobs = [
        *([] if compiled is None else [VERIFY]),
        PLAN,
        _filled(DEPLOY, STAGE=STAGING, NEEDS=before, PROJECT=f"{project}-{STAGING}"),
        _filled(DEPLOY, STAGE=PRODUCTION, NEEDS=STAGING, PROJECT=project),
    ]
    steps = {"CHECKOUT": CHECKOUT, "PYTHON": PYTHON, "AWS": AWS}
    steps = {name: indent(step, 4 * " ") for name, step in steps.items()}
    return _filled(
        HEAD
        + ("" if address == "" else _filled(ADDRESS_ENV, ADDRESS=json.dumps(address or f"${{{{ vars.{ADDRESS} }}}}")))
        + ("" if compiled is None else VERIFY_ENV)
        + "\njobs:\n"
        + "\n".join(indent(_filled(job, **steps), "  ") for job in jobs),
        CONFIG=_quoted(config),
        COMPILED=_quoted(compiled),
        VERSION_OF_PYTHON=FunctionConfig.python,
        REGION=region or "${{ vars.AWS_REGION }}",
        FROM=f"=={__version__}" if address == "" else f" @ ${ADDRESS}",
        WORKFLOW=WORKFLOW_FILE,
    )


def _public_address(origin: Mapping[str, Any]) -> str | None:
    """Return an address from which pip installs spacy-lambda anywhere; empty for PyPI, ``None`` if none is known.

    :param origin: As pip records it (PEP 610).
    """
    url = str(origin.get("url", ""))
    if not origin:
        return ""
    if "vcs_info" in origin:
        return f"{origin['vcs_info']['vcs']}+{url}@{origin['vcs_info']['commit_id']}"
    if url.startswith("https://"):
        return url
    folder = unquote(urlsplit(url).path)
    remote, commit = (_git(folder, *words) for words in (("remote", "get-url", "origin"), ("rev-parse", "HEAD")))
    return f"git+{remote}@{commit}" if remote.startswith("https://") and commit else None


def _git(folder: str, *words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _filled(text: str, **values: str) -> str:
    """Replace placeholders; those in the values stay."""
    return PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)


def _quoted(path: str | None) -> str:
    """Return a path as a quoted YAML string."""
    return json.dumps(path, ensure_ascii=False).replace("\x7f", "\\x7f")


def path_problem(path: str) -> str | None:
    """Return the problem of a path in a workflow, which would evaluate an expression in it."""
    return "contains a GitHub expression (${{)" if "${{" in path else text_problem(path)
