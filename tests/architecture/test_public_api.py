"""The public API and the commands: what they export, import, document and require."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distribution, packages_distributions
from typing import Any, get_args, get_type_hints

import pytest

import spacy_lambda
from spacy_lambda import errors
from spacy_lambda.extras import EXTRA_OF, explain_missing, install_command
from tests.architecture.source_files import MODULES as PATHS
from tests.architecture.source_files import imports

MODULES = [
    module.name
    for module in pkgutil.walk_packages(spacy_lambda.__path__, "spacy_lambda.")
    # Importing the handler loads the function's pipeline.
    if module.name != "spacy_lambda.runtime.handler"
]
PUBLIC = [name for name in spacy_lambda.__all__ if name != "__version__"]
HEAVY = [
    "boto3",
    "numpy",
    "onnxruntime",
    "pydantic",
    "requests",
    "rich",
    "spacy",
    "starlette",
    "thinc",
    "tokenizers",
    "torch",
    "typer",
]
BLOCK = """
import importlib.abc, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        return None

sys.meta_path.insert(0, Missing())
"""
COMMAND_WITHOUT = (
    BLOCK
    + """
sys.argv = ["spacy-lambda", *{arguments!r}]
from spacy_lambda.cli import main
main()
"""
)
CALL_WITHOUT = (
    BLOCK
    + """
from pathlib import Path
import spacy_lambda
try:
    {call}
except spacy_lambda.MissingExtraError as exc:
    print(exc.remedy)
"""
)


def python(script: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *options, "-c", script], capture_output=True, text=True, check=False)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "spacy_lambda", *arguments], capture_output=True, text=True, check=False
    )


def order(name: str) -> tuple[int, str]:
    """Sort constants first, then classes, then the rest."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def test_the_docstring_draws_every_error() -> None:
    drawn = set(re.findall(r"\b\w+Error\b", errors.__doc__ or ""))
    defined = {
        name for name, value in inspect.getmembers(errors, inspect.isclass) if value.__module__ == errors.__name__
    }
    assert drawn == defined
    assert all(issubclass(getattr(errors, name), errors.SpacyLambdaError) for name in defined)
    assert defined <= set(PUBLIC)


def test_all_is_sorted_and_true() -> None:
    unsorted, missing = [], []
    for name in ["spacy_lambda", *MODULES]:
        module = importlib.import_module(name)
        public = list(getattr(module, "__all__", []))
        unsorted += [name] if public != sorted(set(public), key=order) else []
        missing += [f"{name}.{one}" for one in public if not hasattr(module, one)]
    assert (unsorted, missing) == ([], [])


def classes_in(annotation: Any) -> Iterator[type]:
    """Yield the package's own classes in an annotation."""
    parts = annotation if isinstance(annotation, list) else get_args(annotation)
    if isinstance(annotation, type) and not parts and annotation.__module__.startswith("spacy_lambda"):
        yield annotation
    for part in parts:
        yield from classes_in(part)


def test_what_public_functions_take_can_be_imported_from_a_package() -> None:
    modules = [importlib.import_module(name) for name in ("spacy_lambda", *MODULES) if name != "spacy_lambda.cli"]
    packages = [one for one in modules if hasattr(one, "__path__") and one.__name__.count(".") < 2]
    public = {name: getattr(one, name) for one in packages for name in getattr(one, "__all__", ())}
    missing = {
        f"{function.__module__}.{function.__name__}({parameter}: {one.__name__})"
        for function in filter(inspect.isfunction, public.values())
        for parameter, hint in get_type_hints(inspect.unwrap(function), localns=public).items()
        for one in classes_in(hint)
        if one not in public.values()
    }
    assert missing == set()


def test_every_module_has_a_docstring() -> None:
    assert [name for name in MODULES if not (importlib.import_module(name).__doc__ or "").strip()] == []


def test_public_names_are_documented() -> None:
    """First lines are one sentence: an imperative or a noun phrase."""
    first = {name: (inspect.getdoc(getattr(spacy_lambda, name)) or "").partition("\n")[0] for name in PUBLIC}
    sentence = re.compile(r"(?!(What|Where|Whether|Who|How|That|Returns|Serves)\b)[A-Z].*[^.]\.")
    assert {name: line for name, line in first.items() if not sentence.fullmatch(line)} == {}


def test_public_functions_take_paths_of_any_kind() -> None:
    """``Path`` in a signature stands for strings that are refused."""
    found = {
        f"{name}({parameter.name}: {parameter.annotation})"
        for name in PUBLIC
        if callable(value := getattr(spacy_lambda, name)) and not name.endswith("Error")
        for parameter in inspect.signature(value).parameters.values()
        if re.search(r"\bPath\b", str(parameter.annotation))
    }
    assert found == set()


def test_public_names_are_listed() -> None:
    assert set(spacy_lambda.__all__) <= set(dir(spacy_lambda))
    with pytest.raises(AttributeError, match="nobody"):
        spacy_lambda.nobody  # noqa: B018


@pytest.mark.parametrize(
    ("use", "heavy"),
    [
        ("dir(spacy_lambda), spacy_lambda.StoreError, spacy_lambda.Client", []),
        ("spacy_lambda.cli.make_app()", ["typer"]),
    ],
)
def test_neither_the_package_nor_the_command_line_imports_anything_heavy(use: str, heavy: list[str]) -> None:
    done = python(
        "import json, sys, spacy_lambda, spacy_lambda.cli\n"
        f"{use}\n"
        f"print(json.dumps([name for name in {HEAVY} if name in sys.modules]))",
        "-E",  # with torch, which could be imported
    )
    assert json.loads(done.stdout) == heavy, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("missing", "call", "extra"),
    [
        pytest.param("onnx", "spacy_lambda.compile_pipeline", "compile", marks=pytest.mark.slow),
        ("packaging", "spacy_lambda.bundle", "bundle"),
        ("cyclonedx", "spacy_lambda.bundle", "bundle"),
        ("boto3", "spacy_lambda.Client('function')", "client"),
        ("requests", "spacy_lambda.Client('https://x')", "client"),
        ("boto3", "spacy_lambda.push('en_scienceie_minilm', 's3://bucket/x')", "s3"),
        ("boto3", "spacy_lambda.pull('s3://bucket/en_x@1.0', Path('x'))", "s3"),
        ("huggingface_hub", "spacy_lambda.pull('hf://acme/metals', Path('x'))", "hub"),
        ("uvicorn", "spacy_lambda.serve", "local"),
        ("starlette", "spacy_lambda.LocalLambda", "local"),
    ],
)
def test_a_missing_extra_names_its_command_in_python(missing: str, call: str, extra: str) -> None:
    done = python(CALL_WITHOUT.format(missing=missing, call=call))
    assert done.stdout == f"{install_command(extra)}\n", done.stderr


def test_help() -> None:
    done = run("--help")
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def test_version() -> None:
    assert spacy_lambda.__version__ in run("--version").stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("missing", "arguments", "extra"),
    [
        ("typer", ["--help"], "cli"),
        pytest.param("onnx", ["compile", "en_scienceie_minilm", "y"], "compile", marks=pytest.mark.slow),
        (
            "boto3",
            ["invoke", "--endpoint", "http://127.0.0.1:1", "--text", "x"],
            "s3",
        ),
        ("boto3", ["ls", "s3://models"], "s3"),
        ("huggingface_hub", ["ls", "hf://acme/metals"], "hub"),
        ("uvicorn", ["serve", "x"], "local"),
    ],
)
def test_a_missing_extra_names_its_command(missing: str, arguments: list[str], extra: str) -> None:
    done = python(COMMAND_WITHOUT.format(missing=missing, arguments=arguments))
    assert done.returncode == 1
    assert f"remedy: {install_command(extra)}\n" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_dependency_is_explained_while_a_function_runs() -> None:
    def import_it(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    with pytest.raises(errors.MissingExtraError, match="boto3") as caught:
        explain_missing(import_it)("boto3.session")
    assert caught.value.remedy == install_command("s3")
    with pytest.raises(ModuleNotFoundError, match="nobodys"):
        explain_missing(import_it)("nobodys")


def test_every_optional_dependency_has_an_extra() -> None:
    imported = {name.partition(".")[0] for path in PATHS for name in imports(path)}
    # spaCy brings blis, confection and pydantic.
    base = {"blis", "confection", "numpy", "onnxruntime", "pydantic", "pydantic_core", "spacy", "srsly", "thinc"}
    base |= {"spacy_lambda", "tokenizers"}
    base |= {"pytest"}  # in the plugin that it loads itself
    assert (imported & packages_distributions().keys()) - base == EXTRA_OF.keys() & imported
    declared = {
        requirement.partition("extra == ")[2].strip("'\"")
        for requirement in distribution("spacy-lambda").requires or []
    }
    assert set(EXTRA_OF.values()) <= declared
