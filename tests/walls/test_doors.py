"""What the package shows: its errors, its public names, its commands."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys

import pytest

import spacy_lambda
from spacy_lambda import errors

MODULES = [
    module.name
    for module in pkgutil.walk_packages(spacy_lambda.__path__, "spacy_lambda.")
    # Importing the handler loads the function's pipeline.
    if module.name != "spacy_lambda.runtime.handler"
]
WITHOUT_EXTRAS = """
import importlib.abc, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        return None

sys.meta_path.insert(0, Missing())
sys.argv = ["spacy-lambda", *{arguments!r}]
from spacy_lambda.cli import main
main()
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "spacy_lambda", *arguments], capture_output=True, text=True, check=False
    )


def test_the_docstring_draws_every_error() -> None:
    drawn = set(re.findall(r"\b\w+Error\b", errors.__doc__ or ""))
    defined = {
        name for name, value in inspect.getmembers(errors, inspect.isclass) if value.__module__ == errors.__name__
    }
    assert drawn == defined
    assert all(issubclass(getattr(errors, name), errors.SpacyLambdaError) for name in defined)


@pytest.mark.parametrize("name", MODULES)
def test_public_names_are_there(name: str) -> None:
    module = importlib.import_module(name)
    assert all(hasattr(module, public) for public in getattr(module, "__all__", []))


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is(name: str) -> None:
    assert (importlib.import_module(name).__doc__ or "").strip()


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("compile",),
        ("verify",),
        ("pack",),
        ("unpack",),
        ("push",),
        ("pull",),
        ("ls",),
        ("alias",),
        ("init",),
        ("deploy",),
        ("status",),
        ("logs",),
        ("rollback",),
        ("destroy",),
        ("eject",),
        ("query",),
        ("serve",),
        ("invoke",),
    ],
)
def test_help(command: tuple[str, ...]) -> None:
    done = run(*command, "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def test_version() -> None:
    assert spacy_lambda.__version__ in run("--version").stdout


@pytest.mark.parametrize(
    ("missing", "arguments", "remedy"),
    [
        ("typer", ["--help"], 'pip install "spacy-lambda[cli]"'),
        ("onnx", ["compile", "x", "y"], 'pip install "spacy-lambda[compile]"'),
        (
            "boto3",
            ["invoke", "--endpoint", "http://127.0.0.1:1", "--text", "x"],
            'pip install "spacy-lambda[s3]"',
        ),
        ("boto3", ["ls", "s3://models"], 'pip install "spacy-lambda[s3]"'),
        ("huggingface_hub", ["ls", "hf://acme/metals"], 'pip install "spacy-lambda[hub]"'),
        ("uvicorn", ["serve", "x"], 'pip install "spacy-lambda[local]"'),
    ],
)
def test_a_missing_extra_names_its_command(missing: str, arguments: list[str], remedy: str) -> None:
    script = WITHOUT_EXTRAS.format(missing=missing, arguments=arguments)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert remedy in done.stderr
    assert "Traceback" not in done.stderr
