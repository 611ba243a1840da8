"""Faults of event sources, each with its whole message and its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.files import FUNCTION, PROJECT, faults, load

OUTPUT = 'environment.SPACY_LAMBDA_OUTPUT = "s3://answers/ner"\n'
HEADER = "[[functions.ner.sources]]\n"
SOURCES = "functions.ner.sources"
NUMBER = "write a number without a point, not in quotes"
FORMS = "write it: s3://bucket/prefix, or the URL of a queue: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"
NO_OUTPUT = "requires environment.SPACY_LAMBDA_OUTPUT, the destination of predictions"
ONE = "write one of them only"
SCHEDULE = (
    'write "rate(4 minutes)", "cron(0 8 * * ? *)", in which the day of the month or the day of the week is "?", or'
    ' "at(2030-01-31T08:00:00)"'
)

OF_A_SOURCE = [
    ("", "[0].kind", "is missing", 'write kind = "sqs" or "s3" or "kinesis" or "schedule"'),
    ('kind = "sns"', "[0].kind", 'is "sns"; expected one of its choices', "choose sqs, s3, kinesis, schedule"),
    ("kind = 1", "[0].kind", "is 1, not a string; expected one of its choices", "choose sqs, s3, kinesis, schedule"),
    ('kind = "sqs"', "[0].queue", "is missing", 'write queue = "texts"'),
    ('kind = "s3"', "[0].bucket", "is missing", 'write bucket = "papers"'),
    ('kind = "kinesis"', "[0].stream", "is missing", 'write stream = "texts"'),
    (
        'kind = "schedule"',
        "[0].schedule_expression",
        "is missing",
        'write schedule_expression = "rate(4 minutes)"',
    ),
    ('kind = "sqs"\nqueue = "a"\nbatchsize = 1', "[0].batchsize", "is not a known key", 'did you mean "batch_size"?'),
    (
        'kind = "sqs"\nqueue = "a"\nprefix = "b"',
        "[0].prefix",
        "is not a known key",
        "known keys: queue, batch_size, maximum_batching_window, maximum_concurrency, kms_key",
    ),
    (
        'kind = "sqs"\nqueue = "https://sqs.eu-central-1.amazonaws.com/123456789012/texts"',
        "[0].queue",
        'is "https://sqs.eu-central-1.amazonaws.com/123456789012/texts"; expected the name or the ARN of a queue',
        'write "texts", or "arn:aws:sqs:REGION:ACCOUNT:texts" for one of another account',
    ),
    (
        'kind = "sqs"\nqueue = "arn:aws:sqs:eu-west-1:123456789012:texts"',
        "[0].queue",
        'is in "eu-west-1"; Lambda reads from its own region only, "eu-central-1"',
        "name one of that region, or deploy the function to the other one",
    ),
    ('kind = "sqs"\nqueue = "a"\nbatch_size = "1"', "[0].batch_size", 'is "1", a string, not an integer', NUMBER),
    (
        'kind = "sqs"\nqueue = "a"\nbatch_size = 11',
        "[0].batch_size",
        "is 11; more than 10 require a maximum_batching_window of 1 second or more",
        "write maximum_batching_window = 1 too",
    ),
    (
        'kind = "sqs"\nqueue = "a"\nbatch_size = 10_001\nmaximum_batching_window = 1',
        "[0].batch_size",
        "is 10001; expected 1 to 10000 messages or records",
        "write a number from 1 to 10000",
    ),
    (
        'kind = "sqs"\nqueue = "a.fifo"\nbatch_size = 11',
        "[0].batch_size",
        "is 11; the maximum for FIFO queues is 10",
        "write 10 or less",
    ),
    (
        'kind = "sqs"\nqueue = "a.fifo"\nmaximum_batching_window = 1',
        "[0].maximum_batching_window",
        "is 1, but Lambda has no batching window for FIFO queues",
        "leave it out",
    ),
    (
        'kind = "sqs"\nqueue = "a"\nmaximum_batching_window = 301',
        "[0].maximum_batching_window",
        "is 301; expected 0 to 300 seconds",
        "write a number from 0 to 300",
    ),
    (
        'kind = "sqs"\nqueue = "a"\nmaximum_concurrency = 1',
        "[0].maximum_concurrency",
        "is 1; expected 2 to 1000 invocations",
        "write a number from 2 to 1000",
    ),
    (
        'kind = "sqs"\nqueue = "a"\nkms_key = "alias/mine"',
        "[0].kms_key",
        'is "alias/mine"; expected the ARN of a KMS key',
        'write "arn:aws:kms:REGION:ACCOUNT:key/ID"',
    ),
    (
        'kind = "s3"\nbucket = "s3://papers"',
        "[0].bucket",
        'is "s3://papers"; expected the name of a bucket',
        'write it without "s3://" and without a key',
    ),
    (
        'kind = "s3"\nbucket = "papers"\nprefix = "in/*"',
        "[0].prefix",
        "has '*', which a policy would read as a pattern",
        "write the beginning of the keys with letters, digits and ._/-",
    ),
    (
        'kind = "s3"\nbucket = "papers"\nsuffixes = [".txt", ".pdf"]',
        "[0].suffixes[1]",
        'is ".pdf"; expected the ending of keys that can be processed',
        "write an ending with one of .txt, .jsonl, .jsonl.gz",
    ),
    (
        'kind = "s3"\nbucket = "papers"\nsuffixes = []',
        "[0].suffixes",
        "is empty: no key would match",
        "leave it out for all that can be processed",
    ),
    (
        f'kind = "s3"\nbucket = "papers"\nprefix = "{"x" * 700}"',
        "[0]",
        "makes a pattern of 2,298 characters; the maximum is 2,048",
        "write a shorter prefix, or fewer suffixes",
    ),
    (
        'kind = "s3"\nbucket = "answers"',
        "[0]",
        'overlaps the output, "s3://answers/ner": each prediction would be an event again',
        "write another bucket or prefix for the output",
    ),
    (
        'kind = "s3"\nbucket = "answers"\nprefix = "ner/in/"',
        "[0]",
        'overlaps the output, "s3://answers/ner": each prediction would be an event again',
        "write another bucket or prefix for the output",
    ),
    (
        'kind = "kinesis"\nstream = "a"\nstarting_position = "AT_TIMESTAMP"',
        "[0].starting_position",
        'is "AT_TIMESTAMP"; expected one of its choices',
        "choose TRIM_HORIZON, LATEST",
    ),
    (
        'kind = "kinesis"\nstream = "a"\nparallelization_factor = 11',
        "[0].parallelization_factor",
        "is 11; expected 1 to 10 batches",
        "write a number from 1 to 10",
    ),
    (
        'kind = "schedule"\nschedule_expression = "5 minutes"',
        "[0].schedule_expression",
        'is "5 minutes"; expected a schedule',
        SCHEDULE,
    ),
    (
        'kind = "schedule"\nschedule_expression = "cron(0 8 * * *)"',
        "[0].schedule_expression",
        'is "cron(0 8 * * *)"; expected a schedule',
        SCHEDULE,
    ),
    (
        'kind = "schedule"\nschedule_expression = "rate(1 day)"\ninput = "iron"',
        "[0].input",
        'is "iron"; expected JSON',
        """write a request: '{"text": "..."}'""",
    ),
    (
        'kind = "schedule"\nschedule_expression = "rate(1 day)"\ninput = \'{"txt": "iron"}\'',
        "[0].input",
        "is not a request: unknown key 'txt'",
        'did you mean "text"? known keys: text, texts, inputs, include, long_text',
    ),
]


@pytest.mark.parametrize(
    "expression", ["cron(0 8 * * * *)", "cron(0 8 ? * ? *)", "at(2030-13-31T08:00:00)", "at(2030-01-31T24:00:00)"]
)
def test_a_schedule_that_aws_would_refuse_is_a_fault(tmp_path: Path, expression: str) -> None:
    text = f'{PROJECT}{FUNCTION}{HEADER}kind = "schedule"\nschedule_expression = "{expression}"\n'
    problem = f'is "{expression}"; expected a schedule'
    assert faults(tmp_path, text) == [(f"{SOURCES}[0].schedule_expression", problem, SCHEDULE)]


def test_more_buckets_than_a_queues_policy_has_room_for_are_a_fault(tmp_path: Path) -> None:
    sources = [f'{HEADER}kind = "s3"\nbucket = "papers-{number}"\n' for number in range(16)]
    load(tmp_path, f"{PROJECT}{FUNCTION}{OUTPUT}{''.join(sources[:15])}")
    problem = 'has 16 sources of the kind "s3"; the maximum is 15'
    expected = [(SOURCES, problem, "write fewer, with a prefix that several have in common")]
    assert faults(tmp_path, f"{PROJECT}{FUNCTION}{OUTPUT}{''.join(sources)}") == expected


@pytest.mark.parametrize(("lines", "key", "problem", "remedy"), OF_A_SOURCE)
def test_a_fault(tmp_path: Path, lines: str, key: str, problem: str, remedy: str) -> None:
    text = f"{PROJECT}{FUNCTION}{OUTPUT}{HEADER}{lines}\n"
    assert faults(tmp_path, text) == [(SOURCES + key, problem, remedy)]


@pytest.mark.parametrize(
    ("value", "key", "problem", "remedy"),
    [
        (
            "1",
            "",
            "is 1, an integer, not an array of tables",
            f"write a header in double brackets for each: [[{SOURCES}]]",
        ),
        (
            '{kind = "sqs"}',
            "",
            "is a table, not an array of tables",
            f"write a header in double brackets for each: [[{SOURCES}]]",
        ),
        ("[1]", "[0]", "is an integer, not a table", f"write [[{SOURCES}]], and its keys below it"),
    ],
)
def test_a_wrong_type(tmp_path: Path, value: str, key: str, problem: str, remedy: str) -> None:
    text = f"{PROJECT}{FUNCTION}sources = {value}\n"
    assert faults(tmp_path, text) == [(SOURCES + key, problem, remedy)]


@pytest.mark.parametrize(
    "lines",
    [
        'kind = "sqs"\nqueue = "texts"',
        'kind = "s3"\nbucket = "papers"',
        'kind = "kinesis"\nstream = "texts"',
        'kind = "schedule"\nschedule_expression = "rate(1 day)"\ninput = \'{"text": "iron"}\'',
    ],
)
def test_predictions_need_an_output(tmp_path: Path, lines: str) -> None:
    text = f"{PROJECT}{FUNCTION}{HEADER}{lines}\n"
    assert faults(tmp_path, text) == [(f"{SOURCES}[0]", NO_OUTPUT, FORMS)]


def test_a_ping_needs_no_output(tmp_path: Path) -> None:
    load(tmp_path, f'{PROJECT}{FUNCTION}{HEADER}kind = "schedule"\nschedule_expression = "rate(4 minutes)"\n')


def test_predictions_of_objects_are_written_to_s3(tmp_path: Path) -> None:
    queue = 'environment.SPACY_LAMBDA_OUTPUT = "https://sqs.eu-central-1.amazonaws.com/123456789012/answers"\n'
    assert faults(tmp_path, f'{PROJECT}{FUNCTION}{queue}{HEADER}kind = "s3"\nbucket = "papers"\n') == [
        (
            f"{SOURCES}[0]",
            "requires an output in S3; environment.SPACY_LAMBDA_OUTPUT is a queue",
            "write SPACY_LAMBDA_OUTPUT = s3://bucket/prefix",
        )
    ]


@pytest.mark.parametrize("queue", ["texts", "arn:aws:sqs:eu-central-1:123456789012:texts"])
def test_a_queue_is_not_its_own_output(tmp_path: Path, queue: str) -> None:
    output = 'environment.SPACY_LAMBDA_OUTPUT = "https://sqs.eu-central-1.amazonaws.com/123456789012/texts"\n'
    text = f'{PROJECT}{FUNCTION}{output}{HEADER}kind = "sqs"\nqueue = "{queue}"\n'
    assert faults(tmp_path, text) == [
        (f"{SOURCES}[0].queue", "is the output too: each prediction would be an event again", "write another queue")
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('kind = "sqs"\nqueue = "a"', 'kind = "sqs"\nqueue = "a"\nbatch_size = 5'),
        ('kind = "s3"\nbucket = "papers"\nprefix = "in/"', 'kind = "s3"\nbucket = "papers"\nprefix = "in/new/"'),
        ('kind = "kinesis"\nstream = "a"', 'kind = "kinesis"\nstream = "a"'),
        *[('kind = "schedule"\nschedule_expression = "rate(1 day)"',) * 2],
    ],
)
def test_two_sources_that_are_the_same(tmp_path: Path, first: str, second: str) -> None:
    text = f"{PROJECT}{FUNCTION}{OUTPUT}{HEADER}{first}\n{HEADER}{second}\n"
    assert faults(tmp_path, text) == [(f"{SOURCES}[1]", "reads what sources[0] reads", ONE)]


def test_sources_that_only_resemble_each_other(tmp_path: Path) -> None:
    sources = [
        'kind = "sqs"\nqueue = "a"',
        'kind = "sqs"\nqueue = "b"',
        'kind = "kinesis"\nstream = "a"',
        'kind = "s3"\nbucket = "papers"\nprefix = "in/"',
        'kind = "s3"\nbucket = "papers"\nprefix = "new/"',
        'kind = "s3"\nbucket = "answers"\nprefix = "ner-in/"',
        'kind = "schedule"\nschedule_expression = "rate(1 day)"',
        'kind = "schedule"\nschedule_expression = "rate(1 day)"\ntimezone = "Europe/Berlin"',
    ]
    load(tmp_path, f"{PROJECT}{FUNCTION}{OUTPUT}" + "".join(f"{HEADER}{one}\n" for one in sources))


@pytest.mark.parametrize(("settings", "limit"), [("concurrency = 5", 5), ('auth = "none"', 10)])
def test_queues_have_no_more_concurrency_than_their_function(tmp_path: Path, settings: str, limit: int) -> None:
    queues = "".join(f'{HEADER}kind = "sqs"\nqueue = "{name}"\nmaximum_concurrency = {limit - 2}\n' for name in "ab")
    total = 2 * (limit - 2)
    assert faults(tmp_path, f"{PROJECT}{FUNCTION}{settings}\n{OUTPUT}{queues}") == [
        (
            f"{SOURCES}[1].maximum_concurrency",
            f"makes {total} invocations of all queues together; the function's concurrency is {limit}",
            f"write a larger concurrency, or {limit} in all",
        )
    ]
    load(tmp_path, f'{PROJECT}{FUNCTION}concurrency = "unlimited"\n{OUTPUT}{queues}')
