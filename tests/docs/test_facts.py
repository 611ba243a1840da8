"""Facts that a page repeats are those of the code."""

from __future__ import annotations

import re
import tomllib
from functools import cache

import pytest
import spacy

from spacy_lambda.cdk import prices
from spacy_lambda.cdk.prices import usd
from spacy_lambda.cdk.settings import FunctionConfig
from spacy_lambda.core.lambda_function import DEFAULT_MEMORY_MB
from spacy_lambda.deploy.cost import (
    BASIC_ALARMS,
    BASIC_METRICS,
    EVENT_BYTES,
    INIT_METRICS,
    PLATFORM_BYTES,
    PLATFORM_LINES,
)
from spacy_lambda.deploy.latency import event_line_bytes
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.sizing import EstimateOptions, Figures, estimate_cost
from spacy_lambda.sizing.dollars import MONTH_H
from tests.docs.figures import ROOT, page, shows

DEPLOY = page("deploy")


def cells(row: str) -> str:
    """The price of a row in the table of the idle cost."""
    (found,) = re.findall(rf"^\| {re.escape(row)} \| ([^|]*) \|", DEPLOY.partition("## Idle cost")[2], re.MULTILINE)
    return str(found)


@pytest.mark.parametrize(
    ("row", "price"),
    [
        ("alarms", f"{usd('alarm'):.2f} each"),
        ("dashboard", f"{usd('dashboard'):.2f};"),
        ("custom metrics", f"{usd('metric'):.2f} each"),
        ("code, zip", f"{usd('s3_gb')} a GB"),
        ("code, image", f"{usd('ecr_gb'):.2f} a GB"),
        ("artifacts", f"{usd('s3_gb')} a GB"),
        ("SnapStart", f"{usd('snapshot_gb_second'):.10f} a GB"),
        ("EFS", f"{usd('efs_gb'):.2f} a GB"),
        ("queues as event sources", f"{usd('million_sqs_requests'):.2f} a million requests"),
    ],
)
def test_prices_are_those_of_the_plan(row: str, price: str) -> None:
    assert cells(row).startswith(price)


def test_the_price_of_a_call_is_that_of_the_plan() -> None:
    call, x86_64, arm64 = usd("million_requests") / 1e6, usd("gb_second_x86_64"), usd("gb_second_arm64")
    assert f"A call costs {call:.7f}, and {x86_64:.10f} a GB of memory and second ({arm64:.10f} on arm64)" in DEPLOY


def test_prices_have_a_date_and_their_region() -> None:
    assert (
        f"US dollars a month, {prices.FALLBACK_REGION} list prices, {prices.as_of()}, without the free tier." in DEPLOY
    )
    assert f"{usd('log_gb'):.2f} a GB" in DEPLOY
    assert f"X-Ray takes {usd('million_traces'):.2f} for a million traces" in DEPLOY


MEMORIES = (512, 1024, 1769, 2048, 3008)


@pytest.mark.parametrize("duration", [10, 25, 50, 100, 250, 1000])
def test_prices_of_a_million_calls_are_those_of_the_formula(duration: int) -> None:
    page = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8")
    seconds = duration * 1_000
    costs = [usd("million_requests") + seconds * memory / 1024 * usd("gb_second_x86_64") for memory in MEMORIES]
    assert f"| {duration:,} ms | {' | '.join(f'${cost:.2f}' for cost in costs)} |" in page
    assert f"| billed duration | {' | '.join(f'{memory:,} MB' for memory in MEMORIES)} |" in page
    assert f"requests × {usd('million_requests') / 1e6:.7f} + " in page
    assert f"seconds × {usd('gb_second_x86_64'):.10f}" in page


def fixed_cost() -> tuple[float, float]:
    """Dollars of a month: without calls, and of the custom metrics of a pipeline with three labels, if there are."""
    return (BASIC_ALARMS + INIT_METRICS) * usd("alarm") + usd("dashboard"), (BASIC_METRICS + INIT_METRICS + 3) * usd(
        "metric"
    )


@cache
def logs_of_a_million() -> float:
    """Dollars of the lines that a million calls log, of a pipeline with three labels."""
    labels, predictor = ("MATERIAL", "PROCESS", "TASK"), Predictor(spacy.blank("en"), {})
    line = event_line_bytes(predictor, project="papers", function="papers-ner", sha256="5f" * 32, labels=labels)
    return 1e6 * (PLATFORM_BYTES + line + (PLATFORM_LINES + 1) * EVENT_BYTES) / 1e9 * usd("log_gb")


def test_costs_without_calls_and_of_logs_are_those_of_the_plan() -> None:
    idle, metrics = fixed_cost()
    assert shows("cost", f"about ${idle:.2f}: five alarms (${idle - usd('dashboard'):.2f})")
    assert shows("cost", f"${metrics:.2f} more for the {BASIC_METRICS + INIT_METRICS + 3} [custom metrics]")
    assert shows("cost", f"about ${logs_of_a_million():.2f} more for the lines")
    assert shows("cost", f"add about ${logs_of_a_million():.2f} a million calls")
    assert shows("questions", f"logs and metrics add about ${logs_of_a_million():.2f}.")
    for name in ("index", "questions", "compare"):
        assert shows(name, f"about ${idle:.2f}")


def test_remedies_of_cold_starts_have_their_prices() -> None:
    gb, config = DEFAULT_MEMORY_MB / 1024, FunctionConfig(name="ner", pipeline="compiled")
    month = gb * MONTH_H * 3600
    snapshot, provisioned = month * usd("snapshot_gb_second"), month * usd("provisioned_gb_second_x86_64")
    assert shows("cost", f"${snapshot:.2f} a month for each version that is kept at 2,048 MB")
    assert f"${config.keep_versions * round(snapshot, 2):.2f} with `keep_versions = {config.keep_versions}`" in page(
        "cost"
    )
    assert shows("cost", f"${gb * usd('restored_gb'):.5f} for each restore")
    assert shows("cost", f"${provisioned:.2f} a month for each at 2,048 MB")
    assert shows("cost", f"${usd('provisioned_duration_gb_second_x86_64'):.10f} a GB and second")


def compared(calls: int) -> tuple[float, float, float, float, float]:
    """Dollars of a month: a function, with what belongs to it, SageMaker, an endpoint, Fargate."""
    figures = Figures(init_s=1.0, ms=50.0, peak_mb=210, cpus=1.0, source="the command line")
    found = estimate_cost(figures, EstimateOptions(memory_mb=(1769,), calls_per_hour=calls))
    millions = calls * MONTH_H / 1e6
    function = found.settings[0].usd * millions
    names = ("SageMaker Serverless Inference", "Hugging Face Inference Endpoints", "containers on Fargate, x86_64")
    elsewhere = {one.name: one.usd_month for one in found.alternatives}
    endpoint, instance, fargate = (elsewhere[name] for name in names)
    return function, function + sum(fixed_cost()) + logs_of_a_million() * millions, endpoint, instance, fargate


@pytest.mark.parametrize(("calls", "a_day"), [(100, 2_400), (417, 10_000), (10_000, 240_000), (100_000, 2_400_000)])
def test_costs_of_the_comparison_are_those_of_the_estimate(calls: int, a_day: int) -> None:
    assert round(24 * calls, -2) == a_day
    dollars = " | ".join(f"{value:.2f}" for value in compared(calls))
    assert "SageMaker Serverless Inference, 1,024 MB | Hugging Face, 1 vCPU and 2 GB | Fargate, 1 vCPU" in page(
        "compare"
    )
    assert shows("compare", f"| {calls:,} | {a_day:,} | {dollars} |")


def test_the_answer_on_other_services_is_that_of_the_comparison() -> None:
    function, with_all, endpoint, instance, fargate = (f"${value:.2f}" for value in compared(417))
    assert shows("questions", f"10,000 calls a day of 50 ms cost {function} a month on Lambda, and {with_all} with the")
    assert shows("questions", f"{endpoint} with SageMaker Serverless Inference, {instance} with Hugging Face")
    assert shows("questions", f"endpoint, and {fargate} with Fargate.")


def test_a_machine_is_cheaper_from_the_number_of_calls_that_the_comparison_names() -> None:
    assert shows("compare", "from about 10,000 calls an hour")
    assert shows("compare", "from about 16,000.")
    for calls, other in ((10_000, 3), (16_000, 4)):
        less, more = compared(round(0.9 * calls)), compared(round(1.1 * calls))
        assert less[1] < less[other]
        assert more[1] > more[other]


def test_every_fact_about_another_service_has_a_source() -> None:
    page = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8")
    tables = page.partition("## What does it cost?")[0]
    rows = [re.split(r" \| ", row.strip("| ")) for row in re.findall(r"^\| \*\*.*$", tables, re.MULTILINE)]
    others = [cells for cells in rows if "spacy-lambda" not in cells[0]]
    unsourced = [cell for _, *cells in others for cell in cells if "https://" not in cell]
    assert len(rows) == 12
    assert unsourced == ["in a function of yours", "in a server of yours"]
    assert re.search(r"as of 20\d\d-\d\d-\d\d", page)


def test_answers_on_costs_are_those_of_the_formula() -> None:
    second = 2 * usd("gb_second_x86_64")
    assert shows("questions", f"at 50 ms and 2,048 MB, ${usd('million_requests') + 50_000 * second:.2f} a million")


def test_the_agreement_of_hosts_is_that_of_the_card() -> None:
    card, page = ((ROOT / name).read_text(encoding="utf-8") for name in ("pipelines/README.md", "docs/compile.md"))
    (figure,) = re.findall(r"agrees with itself at ([\d.]+)", " ".join(card.split()))
    assert f"agree with themselves at an F1 of {figure}." in page


def test_the_agreement_of_int8_is_that_of_the_card() -> None:
    card = " ".join((ROOT / "pipelines" / "README.md").read_text(encoding="utf-8").split())
    (agreement, same, paragraphs) = re.findall(
        r"agreement F1 of ([\d.]+), and (\d+) of (\d+) paragraphs are answered identically", card
    )[0]
    assert shows("precision", f"agrees with its original at an F1 of {agreement},")
    assert shows("precision", f"Of its {paragraphs} development paragraphs, {same} are answered identically.")


def test_registered_names_are_those_of_the_package() -> None:
    points = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    registered = {*points["spacy_factories"], *points["spacy_architectures"]}
    curated = {name for name in registered if name.startswith("spacy_lambda.Curated")}
    rules = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert len(curated) == 5  # as CONTRIBUTING.md counts them
    assert [name for name in registered - curated if f"`{name}`" not in rules] == []
