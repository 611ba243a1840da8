"""Generated files: each gives a project, or one error in which every fault has a key, a problem and a remedy."""

from __future__ import annotations

import math
from datetime import date, time
from pathlib import Path
from typing import Any, get_args

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from spacy_lambda.cdk.bulk_settings import BulkConfig
from spacy_lambda.cdk.source_settings import make_source
from spacy_lambda.config import FunctionConfig, Project
from spacy_lambda.config.keys import function_keys, project_keys, source_keys
from spacy_lambda.config.load import make_project
from spacy_lambda.config.project import Canary, Shape
from spacy_lambda.config.rules import RETENTION_DAYS
from spacy_lambda.config.template import render_project, toml_value
from spacy_lambda.config.toml_file import parse_toml
from spacy_lambda.core.lambda_function import Architecture, Python
from spacy_lambda.errors import ConfigError
from tests.config.files import HOSTILE
from tests.profiles import examples

FILE = Path("/projects/papers/spacy-lambda.toml")
PROJECT: dict[str, Any] = {"name": "papers", "region": "eu-central-1"}
FUNCTION: dict[str, Any] = {"pipeline": "s3://models/en_news"}
KEYS = [("project", key) for key in project_keys()] + [("functions", key) for key in function_keys()]

TEXTS = st.text(max_size=20) | st.sampled_from(
    ["papers", "eu-central-1", "./compiled", "zip", "unlimited", "s3://a", "hf://a@..", "a\0b", "x" * 5000, *HOSTILE]
)
SCALARS = st.booleans() | st.integers() | st.floats() | TEXTS | st.dates() | st.datetimes() | st.times()
NAMES = st.sampled_from(["project", "functions", "ner", *project_keys(), *function_keys()]) | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=20
)


def toml(value: Any) -> str:
    """Return a value in TOML, with inline tables."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml_value(key)} = {toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, date | time):
        return value.isoformat()
    return toml_value(value) if not isinstance(value, float) or math.isfinite(value) else str(value)


def outcome(text: str) -> Project | ConfigError:
    """Return the project of a file, or its error; any other exception fails the test."""
    try:
        return make_project(parse_toml(text, FILE), FILE, environ={})
    except ConfigError as exc:
        error = exc
    assert error.faults
    assert all(key and problem and remedy for key, problem, remedy in error.faults)
    assert len({key for key, _, _ in error.faults}) == len(error.faults)
    assert str(error)
    return error


def file_with(table: str, key: str, value: str | None, **function: Any) -> str:
    """Return a valid file in which one key has another value.

    :param value: In TOML; ``None`` leaves the key out.
    :param function: More keys of the function.
    """
    lines = []
    for header, name, keys in (("project", "project", PROJECT), ("functions.ner", "functions", FUNCTION | function)):
        others = {toml_value(one): toml(other) for one, other in keys.items() if (name, one) != (table, key)}
        changed = {toml_value(key): value} if name == table and value is not None else {}
        lines += [f"[{header}]", *(f"{one} = {other}" for one, other in (others | changed).items())]
    return "\n".join(lines) + "\n"


@settings(max_examples=examples(300))
@given(st.dictionaries(NAMES, VALUES, max_size=4))
@example({"[key]": []})
@example({"functions": {"[key]": 1}, "project": {"[key]": 1}})
def test_any_tables_are_a_project_or_faults(values: dict[str, Any]) -> None:
    outcome("\n".join(f"{toml_value(key)} = {toml(value)}" for key, value in values.items()))


@settings(max_examples=examples(600))
@given(st.sampled_from(KEYS), VALUES)
@example(("functions", "budget"), 10**400)
@example(("functions", "memory"), 2048.0)
@example(("functions", "memory"), True)
@example(("functions", "cors"), "*")
@example(("project", "tags"), {"[key]": "?"})
def test_any_value_of_a_key_is_kept_or_a_fault(key: tuple[str, str], value: Any) -> None:
    """A value is never converted to another type, except for an integer as a budget; its faults name the key."""
    table, name = key
    result = outcome(file_with(table, name, toml(value), alarm_email="a@b.org"))
    path = f"project.{name}" if table == "project" else f"functions.ner.{name}"
    if isinstance(result, ConfigError):
        # A name or region can also make a bucket's or a function's name too long.
        paths = (path, "project.name", "functions.ner") if table == "project" else (path,)
        assert all(fault.startswith(paths) for fault, _, _ in result.faults)
        return
    found = getattr(result if table == "project" else result.functions[0], name)
    if name == "pipeline" or isinstance(found, Path | BulkConfig):
        return
    found = list(found) if isinstance(found, tuple) else found
    assert found == value
    assert type(found) is type(value) or (name == "budget" and isinstance(value, int))


@settings(max_examples=examples(200))
@given(st.sampled_from(KEYS), st.data())
def test_a_misspelt_key_is_one_fault(key: tuple[str, str], data: st.DataObject) -> None:
    table, name = key
    place = data.draw(st.integers(0, len(name) - 1))
    letter = data.draw(st.sampled_from(["", name[place] * 2, "x", "_", "é"]))
    misspelt = name[:place] + letter + name[place + 1 :]
    assume(misspelt and misspelt not in (project_keys() if table == "project" else function_keys()))
    result = outcome(file_with(table, misspelt, "1"))
    assert isinstance(result, ConfigError)
    ((_, problem, remedy),) = result.faults
    assert problem == "is not a known key"
    assert len(name) < 6 or remedy == f'did you mean "{name}"?'


@settings(max_examples=examples(50))
@given(st.sampled_from(KEYS), st.integers(1, 3000), st.booleans())
@example(("functions", "environment"), 100_000, True)
@example(("functions", "environment"), 100_000, False)
def test_a_deep_value_is_a_fault(key: tuple[str, str], depth: int, tables: bool) -> None:
    table, name = key
    value = "{a = " * depth + "1" + "}" * depth if tables else "[" * depth + "]" * depth
    result = outcome(file_with(table, name, value))
    assert isinstance(result, ConfigError) or (value == "[]" and name in ("callers", "cors", "examples", "sources"))


@settings(max_examples=examples(20))
@given(st.sampled_from(KEYS), st.integers(2, 2000))
def test_a_deep_table_is_a_fault(key: tuple[str, str], depth: int) -> None:
    table, name = key
    header = ".".join(["project" if table == "project" else "functions.ner", name, *["a"] * depth])
    assert isinstance(outcome(f"{file_with(table, name, None)}[{header}]\n"), ConfigError)


AWS_NAMES = st.from_regex(r"[a-z][a-z0-9]{0,5}(-[a-z0-9]{1,5})?", fullmatch=True)
REGIONS = st.sampled_from(["eu-central-1", "us-east-1", "us-gov-west-1", "ap-southeast-3"])
LOCATIONS = st.sampled_from(["s3://models/en_news@1.0", "hf://acme/metals@v1", "en_scienceie_minilm", "/models/en"])


@given(AWS_NAMES, AWS_NAMES, LOCATIONS, REGIONS)
def test_the_template_loads_to_the_defaults(name: str, function: str, pipeline: str, region: str) -> None:
    text = render_project(name=name, function=function, pipeline=pipeline, region=region)
    functions = (FunctionConfig(name=function, pipeline=pipeline),)
    assert outcome(text) == Project(name=name, region=region, functions=functions, folder=FILE.parent)


def has_small_batches(source: dict[str, Any]) -> bool:
    return "maximum_batching_window" in source or source.get("batch_size", 10) <= 10


SCHEDULES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "kind": st.just("schedule"),
        "schedule_expression": st.sampled_from(["rate(1 minute)", "cron(0/5 8-18 ? * MON-FRI *)"]),
    },
    optional={"timezone": st.sampled_from(["UTC", "Europe/Berlin", "Etc/GMT+1"])},
)
SOURCES = st.one_of(
    SCHEDULES,
    st.fixed_dictionaries(
        {"kind": st.just("sqs"), "queue": st.from_regex(r"q[A-Za-z0-9_-]{1,9}", fullmatch=True)},
        optional={
            "batch_size": st.integers(1, 10_000),
            "maximum_batching_window": st.integers(1, 300),
            "maximum_concurrency": st.integers(2, 1000),
        },
    ).filter(has_small_batches),
    st.fixed_dictionaries(
        {"kind": st.just("s3"), "bucket": st.from_regex(r"b[a-z0-9-]{1,9}z", fullmatch=True)},
        optional={
            "prefix": st.sampled_from(["in/", "a b/ü\\", ""]),
            "suffixes": st.lists(st.sampled_from([".txt", "_clean.jsonl", ".jsonl.gz"]), min_size=1, max_size=3),
        },
    ),
    st.fixed_dictionaries(
        {"kind": st.just("kinesis"), "stream": st.from_regex(r"s[A-Za-z0-9_.-]{1,9}", fullmatch=True)},
        optional={
            "starting_position": st.sampled_from(["TRIM_HORIZON", "LATEST"]),
            "batch_size": st.integers(1, 10_000),
            "parallelization_factor": st.integers(1, 10),
            "maximum_retry_attempts": st.integers(0, 10_000),
        },
    ),
)


def place_of(source: dict[str, Any]) -> str:
    """Return what no two sources of a function may have in common."""
    if source["kind"] == "schedule":
        return f"{source['schedule_expression']} {source.get('timezone', 'UTC')}"
    return str(source.get("queue") or source.get("bucket") or source.get("stream"))


VALID: dict[str, st.SearchStrategy[Any]] = {
    "shape": st.sampled_from(get_args(Shape)),
    "memory": st.integers(256, 10_240),
    "timeout": st.integers(1, 900),
    "architecture": st.sampled_from(get_args(Architecture)),
    "python": st.sampled_from(get_args(Python)),
    "concurrency": st.integers(1) | st.just("unlimited"),
    "auth": st.sampled_from(["iam", "none"]),
    "examples": st.lists(st.sampled_from(["Iron.", "حديد\n🧪"]), max_size=3),
    "callers": st.lists(st.sampled_from(["111122223333", "arn:aws:iam::111122223333:role/a/b"]), max_size=20),
    "cors": st.lists(st.sampled_from(["*", "https://example.org", "http://[::1]:3000"]), max_size=100),
    "page": st.booleans(),
    "metrics": st.booleans(),
    "tracing": st.booleans(),
    "alarm_email": st.just("oncall@example.org"),
    "log_retention": st.sampled_from(RETENTION_DAYS),
    "canary": st.sampled_from(get_args(Canary)),
    "keep_versions": st.integers(2),
    "snapstart": st.booleans(),
    "alarm_empty_percentage": st.integers(1, 100),
    "budget": st.floats(0.01, 1e6),
    "bulk": st.fixed_dictionaries({}, optional={"max_attempts": st.integers(0, 20)}),
    "sources": st.lists(SCHEDULES, max_size=3, unique_by=place_of),
    "environment": st.dictionaries(st.from_regex(r"[A-Z]{2,5}", fullmatch=True), st.sampled_from(["", "é", "a\nb"])),
}


PATHS = {"pipeline", "signed_by", "golden"}
"""Keys whose values depend on the file's folder: ``test_load.py``."""


def combine(values: dict[str, Any]) -> bool:
    """Return whether valid values are also valid together."""
    snapshot_of_efs = values.get("snapstart") and values.get("shape") == "image-efs"
    unmeasured = "alarm_empty_percentage" in values and values.get("metrics") is False
    called_by_all = values.get("auth") == "none" and values.get("callers")
    return not (snapshot_of_efs or called_by_all or unmeasured) and ("alarm_email" in values or "budget" not in values)


def test_every_key_has_valid_values() -> None:
    assert {*VALID} == {*function_keys()} - PATHS


@settings(max_examples=examples(200))
@given(st.fixed_dictionaries({}, optional=VALID).filter(combine))
def test_valid_values_stay_as_they_are(values: dict[str, Any]) -> None:
    made: dict[str, Any] = {
        name: tuple(value) if name in ("callers", "cors", "examples") else value for name, value in values.items()
    }
    made["sources"] = tuple(map(make_source, values.get("sources", ())))
    made["bulk"] = BulkConfig(**values["bulk"]) if "bulk" in values else None
    function = FunctionConfig(name="ner", **FUNCTION, **made)
    project = Project(**PROJECT, functions=(function,), folder=FILE.parent)
    assert outcome(file_with("functions", "pipeline", toml(FUNCTION["pipeline"]), **values)) == project


@settings(max_examples=examples(200))
@given(st.lists(SOURCES, max_size=4, unique_by=place_of))
def test_valid_sources_stay_as_they_are(sources: list[dict[str, Any]]) -> None:
    environment = {"SPACY_LAMBDA_OUTPUT": "s3://answers"}
    pipeline = toml(FUNCTION["pipeline"])
    result = outcome(file_with("functions", "pipeline", pipeline, environment=environment, sources=sources))
    assert isinstance(result, Project)
    (function,) = result.functions
    assert function.sources == tuple(map(make_source, sources))


@settings(max_examples=examples(600))
@given(SOURCES, st.data())
def test_any_value_of_a_source_is_kept_or_a_fault(source: dict[str, Any], data: st.DataObject) -> None:
    """Its faults name the source, and those of a value the key."""
    name = data.draw(st.sampled_from(sorted({*source, *source_keys(source["kind"]), "nonsense"})))
    value = data.draw(VALUES | st.integers(-1, 10_001))
    changed = {**source, name: value}
    environment = {"SPACY_LAMBDA_OUTPUT": "s3://answers"}
    pipeline = toml(FUNCTION["pipeline"])
    result = outcome(file_with("functions", "pipeline", pipeline, environment=environment, sources=[changed]))
    if isinstance(result, ConfigError):
        assert all(key.startswith("functions.ner.sources[0]") for key, _, _ in result.faults)
    else:
        assert result.functions[0].sources == (make_source(changed),)
