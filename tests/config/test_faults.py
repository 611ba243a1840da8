"""Each fault with its whole message and its remedy, and all of them at once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import spacy_lambda
from spacy_lambda.cdk.source_settings import SOURCE_KINDS
from spacy_lambda.config import Project, load_project
from spacy_lambda.config.keys import function_keys, project_keys, source_keys
from spacy_lambda.config.load import make_project
from spacy_lambda.config.pydantic_faults import MISSING_REMEDIES
from spacy_lambda.config.rules import FUNCTION_VARIABLES, SET_BY_KEYS, TEXT_REMEDY
from spacy_lambda.core import env_names
from spacy_lambda.errors import ConfigError
from tests.config.files import FUNCTION, PROJECT, faults, load

NO_NAME = "expected a valid name in AWS"
TAG = "shorten it, or replace other characters"
TAG_VALUE = "expected up to 256 letters, digits, spaces and _.:/=+-@"
TAG_KEY = "expected 1 to 128 letters, digits, spaces and _.:/=+-@, without the prefixes aws: and spacy-lambda:"
NAMING = "begin with a lower-case letter; then lower-case letters and digits, with single hyphens between them"
DAYS = "choose 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653"
FORMS = "write ./path, s3://bucket/key or hf://owner/name, each with or without @REF and #sha256=DIGEST"
CALLER = (
    "a role, a user or an account",
    'write "arn:aws:iam::ACCOUNT:role/NAME", "arn:aws:iam::ACCOUNT:user/NAME" or "ACCOUNT", the 12 digits; for an'
    " assumed role, write its role's ARN, which `aws iam get-role --role-name NAME` shows",
)
ORIGIN = (
    "an origin as browsers send it",
    'write "https://example.org", without a path or a slash at the end, or "*"',
)

OF_THE_FUNCTION = [
    ("memry = 2048", "memry", "is not a known key", 'did you mean "memory"?'),
    ('name = "ner"', "name", "is not a known key", "known keys: " + ", ".join(function_keys())),
    ('shape = "zap"', "shape", 'is "zap"; expected one of its choices', "choose auto, zip, image, image-efs"),
    (
        'memory = "2 GB"',
        "memory",
        'is "2 GB", a string, not an integer',
        "write a number without a point, not in quotes",
    ),
    (
        "memory = 2048.0",
        "memory",
        "is 2048.0, a float, not an integer",
        "write a number without a point, not in quotes",
    ),
    (
        "memory = true",
        "memory",
        "is true, a boolean, not an integer",
        "write a number without a point, not in quotes",
    ),
    ("memory = 255", "memory", "is 255; expected 256 to 10240 MB", "write a number from 256 to 10240"),
    ("memory = 10_241", "memory", "is 10241; expected 256 to 10240 MB", "write a number from 256 to 10240"),
    (
        "memory = 0xfffffffffffffffffffff",
        "memory",
        "is an integer of more than 64 bits; expected 256 to 10240 MB",
        "write a number from 256 to 10240",
    ),
    ("timeout = 0", "timeout", "is 0; expected 1 to 900 seconds", "write a number from 1 to 900"),
    ("timeout = 901", "timeout", "is 901; expected 1 to 900 seconds", "write a number from 1 to 900"),
    ('architecture = "x86-64"', "architecture", 'is "x86-64"; expected one of its choices', "choose x86_64, arm64"),
    ('python = "3.11"', "python", 'is "3.11"; expected one of its choices', "choose 3.12, 3.13, 3.14"),
    ("python = 3.13", "python", "is 3.13, a float, not a string", 'write it in quotes: "3.13"'),
    ("concurrency = 0", "concurrency", "is 0; expected 1 or more: with 0 it could not be called", "write 1 or more"),
    ('snapstart = "on"', "snapstart", 'is "on", a string, not a boolean', "write true or false, not in quotes"),
    (
        'shape = "image-efs"\nsnapstart = true',
        "snapstart",
        'is true with shape "image-efs", and Lambda has no SnapStart for functions with EFS',
        'leave out snapstart, or write shape = "image"',
    ),
    ('auth = "IAM"', "auth", 'is "IAM"; expected one of its choices', "choose iam, none"),
    (
        'callers = "111122223333"',
        "callers",
        'is "111122223333", a string, not an array of strings',
        'write an array: ["111122223333"]',
    ),
    (
        "callers = [111122223333]",
        "callers[0]",
        "is 111122223333, an integer, not a string",
        'write it in quotes: "111122223333"',
    ),
    *(
        (f'callers = ["{caller}"]', "callers[0]", f'is "{caller}"; expected {CALLER[0]}', CALLER[1])
        for caller in (
            "*",
            "backend",
            "11112222333",
            "arn:aws:iam::111122223333:root",
            "arn:aws:iam::111122223333:role/*",
            "arn:aws:sts::111122223333:assumed-role/backend/i-0",
        )
    ),
    (
        'auth = "none"\ncallers = ["111122223333"]',
        "callers",
        'is set with auth = "none", which lets everybody call the URL',
        'leave it out: the URL needs no permission; or write auth = "iam", also for calls by name',
    ),
    (
        f"callers = {['111122223333'] * 21}",
        "callers",
        "has 21 callers; the maximum is 20",
        "write the account in place of its roles and users",
    ),
    ('cors = "*"', "cors", 'is "*", a string, not an array of strings', 'write an array: ["*"]'),
    ('cors = ["*", 1]', "cors[1]", "is 1, an integer, not a string", 'write it in quotes: "1"'),
    ('cors = ["https://a.org/"]', "cors[0]", f'is "https://a.org/"; expected {ORIGIN[0]}', ORIGIN[1]),
    ('cors = ["a.org"]', "cors[0]", f'is "a.org"; expected {ORIGIN[0]}', ORIGIN[1]),
    ('examples = "Iron."', "examples", 'is "Iron.", a string, not an array of strings', 'write an array: ["Iron."]'),
    ('examples = ["a\\u0007"]', "examples[0]", "has a control character (U+0007)", TEXT_REMEDY),
    (
        f'environment.AB = "{"x" * 999}"\nexamples = ["{"ä" * 500}"]',
        "examples",
        "has 3,004 bytes as JSON in ASCII; the function's environment has room for 2,562",
        "write fewer or shorter texts",
    ),
    (f"cors = {['*'] * 101}", "cors", "has 101 origins; the maximum is 100", 'write fewer, or ["*"]'),
    ('alarm_email = "me"', "alarm_email", 'is "me"; expected an email address', "write name@example.org"),
    (
        "alarm_empty_percentage = 0",
        "alarm_empty_percentage",
        "is 0; expected 1 to 100 percent",
        "write a number from 1 to 100",
    ),
    (
        "alarm_empty_percentage = 60\nmetrics = false",
        "alarm_empty_percentage",
        "requires metrics, and metrics is false",
        "leave one of them out",
    ),
    ("budget = 5", "budget", "requires alarm_email", "write alarm_email too"),
    (
        'budget = 0\nalarm_email = "a@b.org"',
        "budget",
        "is 0.0; expected above 0",
        "write US dollars a month, or leave it out",
    ),
    (
        'budget = nan\nalarm_email = "a@b.org"',
        "budget",
        "is nan; expected above 0",
        "write US dollars a month, or leave it out",
    ),
    ("log_retention = 31", "log_retention", "is 31; expected a retention that CloudWatch supports", DAYS),
    ('golden = ""', "golden", 'is ""; expected a file', "write a path"),
    (
        'canary = "5percent"',
        "canary",
        'is "5percent"; expected one of its choices',
        "choose all-at-once, 10percent-5minutes, 10percent-15minutes, linear-10percent-1minute",
    ),
    (
        "keep_versions = 1",
        "keep_versions",
        "is 1; expected 2 or more: the live version, and one to roll back to",
        "write 2 or more",
    ),
    (
        "environment = 1",
        "environment",
        "is 1, an integer, not a table of strings",
        'write a table: { team = "nlp" }',
    ),
    ("environment.A1 = 1979-05-27", "environment.A1", "is a date or time, not a string", "write it in quotes"),
    ('environment.AWS_REGION = "x"', "environment.AWS_REGION", "is set by Lambda itself", "choose another name"),
    ('environment._HANDLER = "x"', "environment._HANDLER", "is set by Lambda itself", "choose another name"),
    ('environment.SPACY_LAMBDA_PAGE = "on"', "environment.SPACY_LAMBDA_PAGE", "is set by the deployment", "write page"),
    (
        'environment.SPACY_LAMBDA_OUTPT = "x"',
        "environment.SPACY_LAMBDA_OUTPT",
        "is not a variable of the function",
        'did you mean "SPACY_LAMBDA_OUTPUT"?',
    ),
    (
        'environment.SPACY_LAMBDA_OUTPUT = "s3://answers/*"',
        "environment.SPACY_LAMBDA_OUTPUT",
        'is "s3://answers/*"; expected a destination of predictions',
        "write s3://bucket/prefix, or the URL of a queue: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME",
    ),
    (
        'shape = "image-efs"\nenvironment.SPACY_LAMBDA_OUTPUT = "https://sqs.eu-west-1.amazonaws.com/123456789012/answers"',
        "environment.SPACY_LAMBDA_OUTPUT",
        'is a queue, which cannot be reached with shape "image-efs": its network leads to S3 only',
        'write s3://bucket/prefix, or shape = "image"',
    ),
    (
        'environment."a b" = "x"',
        'environment."a b"',
        "is not a valid name",
        "begin with a letter; then one or more letters, digits and underscores",
    ),
    (
        f'environment.LONG = "{"ä" * 1791}"',
        "environment",
        "has 3,586 bytes of names and values; the maximum is 3,584",
        "keep large values in S3 or in the pipeline",
    ),
]

OF_THE_FILE = [
    ("", ("functions", "has no function", "write a table [functions.ner] with its pipeline")),
    ("functions = 1", ("functions", "is an integer, not a table", "write [functions.ner], and its keys below it")),
    (
        "[functions]\nner = 1",
        ("functions.ner", "is an integer, not a table", "write [functions.ner], and its keys below it"),
    ),
    (
        "[functions.ner]",
        (
            "functions.ner.pipeline",
            "is missing",
            'write pipeline = "./compiled", the folder that spacy-lambda compile made',
        ),
    ),
    (FUNCTION.replace("ner", "Ner"), ("functions.Ner", 'is "Ner"; expected a valid name in AWS', NAMING)),
    (FUNCTION.replace("ner", "a--b"), ("functions.a--b", 'is "a--b"; expected a valid name in AWS', NAMING)),
    (FUNCTION.replace("ner", '"a.b"'), ('functions."a.b"', 'is "a.b"; expected a valid name in AWS', NAMING)),
    (
        FUNCTION.replace("ner", "n" * 58),
        (
            f"functions.{'n' * 58}",
            f'makes a function with a name of 65 characters, "papers-{"n" * 50}..."; the maximum is 64',
            "shorten the function's name or the project's",
        ),
    ),
    (FUNCTION.replace("./compiled", ""), ("functions.ner.pipeline", "is not a location: the location is empty", FORMS)),
    (
        FUNCTION.replace("./compiled", "gs://a"),
        ("functions.ner.pipeline", "is not a location: 'gs://a' has the unknown scheme 'gs'", FORMS),
    ),
    (
        FUNCTION.replace("./compiled", "n" * 5000),
        (
            "functions.ner.pipeline",
            f"is not a location: '{'n' * 76}... is not a location: it has 5,000 characters, or a NUL byte",
            FORMS,
        ),
    ),
    (FUNCTION + "[function.b]\n", ("function", "is not a known key", 'did you mean "functions"?')),
]

OF_THE_PROJECT = [
    (
        'name = "papers"\nregion = "eu-central-1"\nregon = "x"',
        ("project.regon", "is not a known key", 'did you mean "region"?'),
    ),
    ('region = "eu-central-1"', ("project.name", "is missing", 'write name = "papers" under [project]')),
    (
        'name = "papers"',
        (
            "project.region",
            "is missing",
            'write region = "eu-central-1" under [project], pass --region, or set AWS_REGION',
        ),
    ),
    (
        'name = "papers"\nregion = "Frankfurt"',
        ("project.region", 'is "Frankfurt"; expected a region', 'write it like "eu-central-1"'),
    ),
    (
        'name = "2papers"\nregion = "eu-central-1"',
        ("project.name", f'is "2papers"; {NO_NAME}', NAMING),
    ),
    (
        'name = "sthree-a"\nregion = "eu-central-1"',
        ("project.name", 'is "sthree-a"; it starts with a reserved prefix', "choose another name"),
    ),
    (
        f'name = "{"p" * 29}"\nregion = "ap-southeast-1"',
        (
            "project.name",
            f'is "{"p" * 29}", 29 characters; its bucket in "ap-southeast-1" leaves room for 28',
            "shorten it",
        ),
    ),
    (
        'name = "papers"\nregion = "eu-central-1"\naccount = 123456789012',
        ("project.account", "is 123456789012, an integer, not a string", 'write it in quotes: "123456789012"'),
    ),
    (
        'name = "papers"\nregion = "eu-central-1"\naccount = "1"',
        ("project.account", 'is "1"; expected an account ID of 12 digits', "see: aws sts get-caller-identity"),
    ),
    (
        'name = "papers"\nregion = "eu-central-1"\ntags."aws:x" = "1"',
        ('project.tags."aws:x"', 'is "aws:x"; ' + TAG_KEY, TAG),
    ),
    (
        'name = "papers"\nregion = "eu-central-1"\ntags.Team = "a"\ntags.team = "b"',
        (
            "project.tags.team",
            'differs from "Team" in its case only; IAM takes them for the same tag',
            "write one of them only",
        ),
    ),
    (
        'name = "papers"\nregion = "eu-central-1"\ntags.a = "?"',
        ("project.tags.a", 'is "?"; ' + TAG_VALUE, TAG),
    ),
    (
        f'name = "papers"\nregion = "eu-central-1"\ntags.a = "{"x" * 257}"',
        (
            "project.tags.a",
            f'is "{"x" * 57}..."; {TAG_VALUE}',
            TAG,
        ),
    ),
]


@pytest.mark.parametrize(
    ("line", "key", "problem", "remedy"), OF_THE_FUNCTION, ids=[one[0][:40] for one in OF_THE_FUNCTION]
)
def test_a_fault_of_a_function(tmp_path: Path, line: str, key: str, problem: str, remedy: str) -> None:
    assert faults(tmp_path, PROJECT + FUNCTION + line) == [(f"functions.ner.{key}", problem, remedy)]


@pytest.mark.parametrize(("functions", "fault"), OF_THE_FILE, ids=[one[0][:40] for one in OF_THE_FILE])
def test_a_fault_of_the_file(tmp_path: Path, functions: str, fault: tuple[str, str, str]) -> None:
    assert faults(tmp_path, functions + PROJECT if functions == "functions = 1" else PROJECT + functions) == [fault]


@pytest.mark.parametrize(("project", "fault"), OF_THE_PROJECT, ids=[one[0][:60] for one in OF_THE_PROJECT])
def test_a_fault_of_the_project(tmp_path: Path, project: str, fault: tuple[str, str, str]) -> None:
    assert faults(tmp_path, f"[project]\n{project}\n{FUNCTION}") == [fault]


def test_a_project_that_is_not_a_table(tmp_path: Path) -> None:
    remedy = "write [project], and its keys below it"
    assert faults(tmp_path, "project = []" + FUNCTION) == [("project", "is an array, not a table", remedy)]


@pytest.mark.parametrize(
    "line",
    [
        'cors = ["*"]',
        'callers = ["111122223333", "arn:aws:iam::111122223333:user/ada", "arn:aws-cn:iam::111122223333:role/a/b+c@d"]',
        'examples = ["Two\\nlines.", "حديد"]',
        'auth = "none"\npage = true\ncors = ["http://localhost:3000"]',
        'shape = "image"\nsnapstart = true',
        'alarm_email = "a@b.org"\nbudget = 0.5',
        'environment.AWS_LAMBDA_EXEC_WRAPPER = "/opt/run"\nenvironment.SPACY_LAMBDA_CACHE_LIMIT = "1GB"',
        f'environment.LONG = "{"x" * 3580}"',
        "memory = 256\ntimeout = 900\nconcurrency = 1\nkeep_versions = 2\nlog_retention = 3653",
    ],
)
def test_valid_values(tmp_path: Path, line: str) -> None:
    assert isinstance(load(tmp_path, PROJECT + FUNCTION + line), Project)


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    text = """
    [project]
    name = "Papers"
    [functions.ner]
    memory = 64
    [functions.other]
    pipeline = "./b"
    timeout = "long"
    """
    path = tmp_path / "spacy-lambda.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_project(path, environ={})
    assert caught.value.message == (
        f"{path} has 5 faults:\n"
        '  1. project.name is "Papers"; expected a valid name in AWS\n'
        "  2. project.region is missing\n"
        "  3. functions.ner.pipeline is missing\n"
        "  4. functions.ner.memory is 64; expected 256 to 10240 MB\n"
        '  5. functions.other.timeout is "long", a string, not an integer'
    )
    assert caught.value.remedy == (
        "change each:\n"
        f"  1. project.name: {NAMING}\n"
        '  2. project.region: write region = "eu-central-1" under [project], pass --region, or set AWS_REGION\n'
        '  3. functions.ner.pipeline: write pipeline = "./compiled", the folder that spacy-lambda compile made\n'
        "  4. functions.ner.memory: write a number from 256 to 10240\n"
        "  5. functions.other.timeout: write a number without a point, not in quotes"
    )


def test_a_single_fault_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "spacy-lambda.toml"
    path.write_text(PROJECT + FUNCTION + "memory = 64", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_project(path, environ={})
    assert str(caught.value) == (
        f"{path}: functions.ner.memory is 64; expected 256 to 10240 MB\nremedy: write a number from 256 to 10240"
    )


def test_the_values_are_not_changed() -> None:
    values: dict[str, Any] = {"project": {"name": "papers"}, "functions": {"ner": {"cors": []}}}
    before = repr(values)
    with pytest.raises(ConfigError):
        make_project(values, Path("x"), region="eu-central-1", environ={"SPACY_LAMBDA_PROJECT": "other"})
    assert repr(values) == before


def test_every_variable_of_the_function_is_known() -> None:
    runtime = Path(spacy_lambda.__file__).parent / "runtime"
    sources = [path.read_text(encoding="utf-8") for path in runtime.rglob("*.py")]
    used = {name for source in sources for name in re.findall(r"\b[A-Z_]+_VARIABLE\b", source)}
    found = {getattr(env_names, name) for name in used if hasattr(env_names, name)}
    ours = {name for name in found if name.startswith(env_names.PREFIX)}
    # That of CPUs is for the processes of `annotate`: a function uses all that it has.
    assert ours - {env_names.CPUS_VARIABLE} == {*SET_BY_KEYS, *FUNCTION_VARIABLES}


def test_every_required_key_has_a_remedy() -> None:
    sources = [key for kind in SOURCE_KINDS for key in source_keys(kind).values()]
    keys = (*project_keys().values(), *function_keys().values(), *sources)
    assert {"kind", *(key.name for key in keys if key.required)} == MISSING_REMEDIES.keys()
