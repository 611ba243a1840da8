"""Facts that one module holds, and all others import."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from spacy_lambda.core import env_names
from spacy_lambda.core import lambda_limits as limits
from tests.architecture.source_files import MODULES, SOURCE, nodes, parsed, relative

VARIABLE = re.compile(r"SPACY_LAMBDA_\w+|AWS_LAMBDA_\w+|LAMBDA_TASK_ROOT|_HANDLER|_X_AMZN_TRACE_ID")
PASSED_BY_LAMBDA = {"AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"}
"""Variables that only the local execution environment sets, and nothing reads."""

LIMITS = {
    limits.RESPONSE_BYTES,
    limits.UNZIPPED_BYTES,
    limits.MAX_MEMORY_MB,
    limits.MB_PER_VCPU,
}

HOMES: dict[object, set[str]] = {
    "/aws/lambda/": {"core/lambda_function.py"},
    "AccessDenied": {"core/aws_error_kinds.py"},
    "ClientErrors": {"core/metric_names.py"},
    "ColdStarts": {"core/metric_names.py"},
    "ExpiredToken": {"core/aws_error_kinds.py"},
    "EmptyAnswers": {"core/metric_names.py"},
    "InitDuration": {"core/metric_names.py"},
    "TruncatedTexts": {"core/metric_names.py"},
    "int8-weight-only": {"core/compiled_meta.py", "compiler/precisions.py", "compiler/encode.py"},
    "int8": {"core/compiled_meta.py", "compiler/precisions.py", "compiler/encode.py"},
    "manifest.json": {"core/artifact/manifest.py"},
    9001: {"local/settings.py"},
}
"""Values, and the modules in which they stand; for a precision those of its name, its rules and its graph."""


@cache
def constants(path: Path) -> list[object]:
    return [node.value for node in nodes(path) if isinstance(node, ast.Constant)]


def test_names_are_written_once() -> None:
    found = {
        (relative(path), value)
        for path in MODULES
        for value in constants(path)
        if path != Path(env_names.__file__) and isinstance(value, str) and VARIABLE.fullmatch(value)
    }
    assert [one for one in sorted(found) if one[1] not in PASSED_BY_LAMBDA] == []


def test_limits_are_written_once() -> None:
    found = {
        (relative(path), value)
        for path in MODULES
        for value in constants(path)
        if path != Path(limits.__file__) and isinstance(value, int) and value in LIMITS
    }
    assert found == set()


@pytest.mark.parametrize(("value", "homes"), HOMES.items(), ids=[str(value) for value in HOMES])
def test_a_value_stands_in_its_homes_alone(value: object, homes: set[str]) -> None:
    assert {relative(path) for path in MODULES if value in constants(path)} == homes


def test_docbins_are_read_in_one_place() -> None:
    """What spaCy raises for a damaged one is an error with a remedy there."""
    readers = {path for path in MODULES for node in nodes(path) if getattr(node, "attr", None) == "get_docs"}
    assert readers == {SOURCE / "pipeline" / "spacy_corpus.py"}


def test_the_cdks_command_line_has_one_pinned_version() -> None:
    named = {path for path in MODULES for value in constants(path) if "aws-cdk@" in str(value)}
    assert named == {SOURCE / "deploy" / "cdk_cli.py"}


def test_commands_that_install_spacy_lambda_are_made_in_one_module() -> None:
    """``extras`` makes them; an error where it cannot be imported has the command of the published package."""
    named = {
        relative(path)
        for path in MODULES
        for value in constants(path)
        if isinstance(value, str) and re.search(r"pip install[^\n]*[ \"]spacy-lambda", value)
    }
    assert named == {"config/github.py", "errors.py", "runtime/curated/sentencepiece.py"}


def test_every_name_is_used() -> None:
    for home, names in ((env_names.__file__, env_names.__all__), (limits.__file__, limits.__all__)):
        others = [path.read_text() for path in MODULES if path != Path(home)]
        assert {*names} - {word for text in others for word in re.findall(r"\w+", text)} == set()


def test_public_classes_have_different_names() -> None:
    homes: dict[str, list[str]] = {}
    for path in MODULES:
        for node in parsed(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(relative(path))
    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}
