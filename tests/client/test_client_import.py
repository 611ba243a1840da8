"""``from spacy_lambda import Client``, and the cost of importing spacy_lambda without it."""

from __future__ import annotations

import subprocess
import sys

import pytest

import spacy_lambda
from spacy_lambda.client.client import Client
from spacy_lambda.extras import install_command
from spacy_lambda.runtime.loading import load

WITHOUT = """
import sys
sys.modules[{missing!r}] = None
from spacy_lambda import Client
from spacy_lambda.errors import MissingExtraError
try:
    Client({target!r}, region="us-east-1")
except MissingExtraError as exc:
    print(exc)
"""


def run(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_package_exports_the_client_and_load() -> None:
    assert spacy_lambda.Client is Client
    assert spacy_lambda.load is load


@pytest.mark.parametrize("statement", ["import spacy_lambda", "from spacy_lambda import Client"])
def test_importing_imports_nothing_heavy(statement: str) -> None:
    heavy = {"boto3", "botocore", "numpy", "requests", "spacy", "urllib3"}
    assert run(f"{statement}\nimport sys\nprint(sorted({heavy} & set(sys.modules)))").strip() == "[]"
    loaded = run("import spacy_lambda, sys\nprint([name for name in sys.modules if name.startswith('spacy_lambda.')])")
    assert loaded.strip() == "[]"


@pytest.mark.parametrize(
    ("missing", "target"),
    [("requests", "https://example.com"), ("boto3", "function"), ("botocore", "https://example.com")],
)
def test_a_missing_extra_names_its_command(missing: str, target: str) -> None:
    output = run(WITHOUT.format(missing=missing, target=target))
    assert f"this needs {missing!r}" in output
    assert install_command("client") in output
