"""The pytest plugin: a function for the tests of those who deploy it.

::

    # pytest.ini
    [pytest]
    spacy_lambda = compiled

    # test_model.py
    def test_entities(spacy_lambda_function):
        assert_same_entities(spacy_lambda_function.predict("Thin films of iron oxide."), [("iron oxide", "MATERIAL")])

    @pytest.mark.spacy_lambda_texts("golden.jsonl")
    def test_golden(spacy_lambda_function, golden):
        assert_golden(spacy_lambda_function, golden)

Nothing else of spacy-lambda is imported until a test asks for the fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from spacy_lambda.local import LocalLambda

__all__ = ["pytest_addoption", "pytest_configure", "pytest_generate_tests", "spacy_lambda_function"]

OPTION = "--spacy-lambda"
PIPELINE, MEMORY, TIMEOUT, ENVIRONMENT = (
    "spacy_lambda",
    "spacy_lambda_memory",
    "spacy_lambda_timeout",
    "spacy_lambda_env",
)
MARKER = "spacy_lambda_texts"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option and the settings."""
    parser.getgroup("spacy-lambda").addoption(
        OPTION, metavar="PIPELINE", help=f"Compiled pipeline or bundle of spacy_lambda_function; overrides {PIPELINE}."
    )
    parser.addini(PIPELINE, "Compiled pipeline or bundle of spacy_lambda_function, relative to this file.")
    parser.addini(MEMORY, "Memory of the function in MB; by default 2048.")
    parser.addini(TIMEOUT, "Timeout of the function in seconds; by default 30.")
    parser.addini(ENVIRONMENT, "Environment variables of the function, as KEY=VALUE in each line.", type="linelist")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers", f"{MARKER}(path): run the test with each line of a JSON Lines file as the argument `golden`."
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a marked test once for each line of its file."""
    marker = metafunc.definition.get_closest_marker(MARKER)
    if marker is None:
        return
    if "golden" not in metafunc.fixturenames:
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: a test with {MARKER} takes the argument golden")
    if len(marker.args) != 1 or not isinstance(marker.args[0], str | PathLike):
        raise pytest.UsageError(f'{metafunc.definition.nodeid}: @pytest.mark.{MARKER}("golden.jsonl") names one file')
    path = metafunc.definition.path.parent / marker.args[0]
    lines = _read_lines(path)
    metafunc.parametrize("golden", list(lines.values()), ids=[f"{path.name}:{number}" for number in lines])


@pytest.fixture(scope="session")
def spacy_lambda_function(pytestconfig: pytest.Config) -> Iterator[LocalLambda]:
    """Serve the function for all tests of a session: ``predict``, ``invoke``, ``url``, ``endpoint_url``."""
    from spacy_lambda.errors import SpacyLambdaError

    pipeline, settings = _pipeline(pytestconfig), _settings(pytestconfig)
    with ExitStack() as opened:
        try:
            from spacy_lambda.testing import serve_function

            function = opened.enter_context(serve_function(pipeline, **settings))
        except SpacyLambdaError as exc:
            raise pytest.UsageError(f"{exc.message}; {exc.remedy}") from exc
        yield function


def _pipeline(config: pytest.Config) -> str:
    """Return the pipeline; a path in the settings starts at their file."""
    given: str | None = config.getoption(OPTION)
    if given is not None:
        return given
    value = str(config.getini(PIPELINE) or "")
    if not value:
        raise pytest.UsageError(f"no pipeline: pass {OPTION} PIPELINE, or set {PIPELINE} in pytest's configuration")
    path = (config.inipath.parent if config.inipath else config.rootpath) / value
    return str(path) if path.exists() else value


def _settings(config: pytest.Config) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for name, key, kind in ((MEMORY, "memory", int), (TIMEOUT, "timeout", float)):
        value = config.getini(name)
        if value:
            try:
                settings[key] = kind(str(value))
            except ValueError:
                raise pytest.UsageError(f"{name} is {value!r}, not a number") from None
    variables = [line.partition("=") for line in config.getini(ENVIRONMENT) or []]
    wrong = [name for name, equals, _ in variables if not equals]
    if wrong:
        raise pytest.UsageError(f"{ENVIRONMENT}: {wrong[0]!r} is not KEY=VALUE")
    return {**settings, "environment": {name.strip(): value for name, _, value in variables}}


def _read_lines(path: Path) -> dict[int, dict[str, Any]]:
    """Return the lines of a file of golden tests by their numbers, each as it is written."""
    from spacy_lambda.deploy.golden_lines import GoldenLine, InvalidLine, raise_faults, read_lines
    from spacy_lambda.errors import DeployError
    from spacy_lambda.runtime.request import TEXT_KEYS

    keys = ", ".join(f'"{key}"' for key in TEXT_KEYS)
    try:
        read = [
            InvalidLine(line.number, f"the golden test has none of the keys {keys}", "add one")
            if isinstance(line, GoldenLine) and not {*TEXT_KEYS} & line.values.keys()
            else line
            for line in read_lines(path)
        ]
        raise_faults(path, read)
    except DeployError as exc:
        raise pytest.UsageError(f"{exc.message}; {exc.remedy}") from exc
    return {line.number: line.values for line in read if isinstance(line, GoldenLine)}
