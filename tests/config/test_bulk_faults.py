"""Faults of ``[functions.NAME.bulk]``."""

from __future__ import annotations

from pathlib import Path

import pytest

from spacy_lambda.cdk.bulk_settings import BulkConfig
from spacy_lambda.config.load import make_project
from spacy_lambda.config.toml_file import parse_toml
from spacy_lambda.errors import ConfigError

FILE = Path("/projects/spacy-lambda.toml")


def text(bulk: str, function: str = "") -> str:
    return f"""
    [project]
    name = "papers"
    region = "eu-central-1"
    [functions.ner]
    pipeline = "./compiled"
    {function}
    {bulk}
    """


def test_an_empty_table_is_enough() -> None:
    project = make_project(parse_toml(text("[functions.ner.bulk]"), FILE), FILE, environ={})
    assert project.functions[0].bulk == BulkConfig()


def test_there_is_none_by_default() -> None:
    assert make_project(parse_toml(text(""), FILE), FILE, environ={}).functions[0].bulk is None


@pytest.mark.parametrize(
    ("line", "key", "problem", "remedy"),
    [
        ("max_concurency = 3", "max_concurency", "is not a known key", 'did you mean "max_concurrency"?'),
        ("max_concurrency = 0", "max_concurrency", "is 0; expected 1 to 10000 invocations", "write a number from"),
        ('max_concurrency = "3"', "max_concurrency", 'is "3", a string, not an integer', "not in quotes"),
        ("max_attempts = 21", "max_attempts", "is 21; expected 0 to 20 retries", "write a number from 0 to 20"),
        ("tolerated_failure_percentage = 101", "tolerated_failure_percentage", "is 101; expected", "0 to 100"),
        ("tolerated_failure_count = -1", "tolerated_failure_count", "is -1; expected 0 or more", "write 0 or more"),
        ('location = "corpora"', "location", 'is "corpora"; expected a bucket and a prefix', "s3://bucket/prefix"),
        ('location = "s3://a*b/c"', "location", "expected a bucket and a prefix", "s3://bucket/prefix"),
        ('location = "{{resolve:x}}"', "location", "expected a bucket", "s3://bucket/prefix"),
    ],
)
def test_a_fault(line: str, key: str, problem: str, remedy: str) -> None:
    with pytest.raises(ConfigError) as info:
        make_project(parse_toml(text(f"[functions.ner.bulk]\n{line}"), FILE), FILE, environ={})
    ((found, what, how),) = info.value.faults
    assert found == f"functions.ner.bulk.{key}"
    assert problem in what
    assert remedy in how


def test_what_is_not_a_table() -> None:
    with pytest.raises(ConfigError) as info:
        make_project(parse_toml(text("bulk = true"), FILE), FILE, environ={})
    assert info.value.faults == (
        ("functions.ner.bulk", "is true, a boolean, not a table", "write a header for it: [functions.ner.bulk]"),
    )


@pytest.mark.parametrize("function", ["concurrency = 10", 'auth = "none"'])
def test_more_invocations_than_the_function_has(function: str) -> None:
    bulk = "[functions.ner.bulk]\nmax_concurrency = 20"
    with pytest.raises(ConfigError) as info:
        make_project(parse_toml(text(bulk, function), FILE), FILE, environ={})
    assert info.value.faults == (
        (
            "functions.ner.bulk.max_concurrency",
            "is 20; the function's concurrency is 10",
            "write 10 or less, or a larger concurrency",
        ),
    )
