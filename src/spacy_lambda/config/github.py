"""A workflow of GitHub's that checks each pull request, and deploys what is on main: to staging, then to production.

It holds no keys: GitHub vouches for the job, and AWS gives it a role
(https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws).
"""

from __future__ import annotations

import json
import re
from textwrap import indent

from spacy_lambda import __version__
from spacy_lambda.cdk.literal_text import complaint
from spacy_lambda.config.project import FunctionConfig

__all__ = ["STAGING", "WORKFLOW_FILE", "path_complaint", "render_workflow"]

PLACE = re.compile(r"@([A-Z_]+)@")
WORKFLOW_FILE = ".github/workflows/spacy-lambda.yml"
STAGING = "staging"
PRODUCTION = "production"

HEAD = """\
# Checks each pull request. Deploys what is on main to staging, and after somebody's approval to production.
#
# Once, in the settings of the repository:
# - Variable AWS_ROLE_ARN: a role for the plan, which only has to read.
# - Environments "staging" and "production", each with a variable AWS_ROLE_ARN of its own: a role that may deploy.
#   "production" has required reviewers, and both deploy from main only.
# - Each role trusts token.actions.githubusercontent.com for this repository, and the two that deploy for their
#   environment alone. No key of AWS is stored anywhere.
name: spacy-lambda

on:
  pull_request:
  push:
    branches: [main]
  workflow_dispatch:

permissions:
  contents: read

# A newer push to a pull request replaces the run; a deployment is never cut off.
concurrency:
  group: spacy-lambda-${{ github.event.pull_request.number || github.run_id }}
  cancel-in-progress: ${{ github.event_name == 'pull_request' }}

env:
  CONFIG: @CONFIG@
"""

VERIFY_ENV = """\
  # The pipeline before and after it was compiled, and texts to compare them on; without texts nothing is compared.
  ORIGINAL: original
  COMPILED: @COMPILED@
  TEXTS: texts
"""

WITH_TEXTS = "hashFiles(format('{0}/**', env.TEXTS)) != ''"
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
      run: pip install "spacy-lambda[compile]==@VERSION@"
    - name: Compare the compiled pipeline with the original
      if: {WITH_TEXTS}
      run: spacy-lambda verify "$ORIGINAL" "$COMPILED" --texts "$TEXTS" --min-agreement 0.99
"""

PLAN = """\
plan:
  # A fork's pull request gets no role.
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
    - name: Bundle, and show what would change in production
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
    - name: Show what is live
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
  # And the pipeline, if it is a package.
  run: pip install "spacy-lambda[deploy]==@VERSION@"
- uses: aws-actions/configure-aws-credentials@v6
  with:
    role-to-assume: ${{ vars.AWS_ROLE_ARN }}
    aws-region: @REGION@"""


def render_workflow(*, project: str, config: str, compiled: str | None, region: str | None) -> str:
    """The workflow's text.

    :param project: Production's name; staging has ``-staging`` after it.
    :param config: The project's file, as seen from the repository's root.
    :param compiled: The compiled pipeline's folder there; ``None`` where it is elsewhere, and was verified there.
    :param region: ``None`` for a variable ``AWS_REGION`` of the repository.
    """
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
        + ("" if compiled is None else VERIFY_ENV)
        + "\njobs:\n"
        + "\n".join(indent(_filled(job, **steps), "  ") for job in jobs),
        CONFIG=_quoted(config),
        COMPILED=_quoted(compiled),
        VERSION_OF_PYTHON=FunctionConfig.python,
        REGION=region or "${{ vars.AWS_REGION }}",
        VERSION=__version__,
        WORKFLOW=WORKFLOW_FILE,
    )


def _filled(text: str, **values: str) -> str:
    """Fill in values; nothing is looked for in what was filled in."""
    return PLACE.sub(lambda match: values.get(match[1], match[0]), text)


def _quoted(path: str | None) -> str:
    """A path as YAML writes it in quotes."""
    return json.dumps(path, ensure_ascii=False).replace("\x7f", "\\x7f")


def path_complaint(path: str) -> str | None:
    """What is wrong with a path that the workflow is to name; it is text of an expression as soon as it has one."""
    return "has an expression of GitHub's (${{)" if "${{" in path else complaint(path)
