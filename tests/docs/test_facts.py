"""Facts that a page repeats are those of the code."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from spacy_lambda.cdk import prices
from spacy_lambda.cdk.prices import usd
from spacy_lambda.sizing import EstimateOptions, Figures, estimate_cost

ROOT = Path(__file__).parents[2]
DEPLOY = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


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
    assert f"US dollars a month, {prices.REGION} list prices, {prices.as_of()}, without the free tier." in DEPLOY
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


@pytest.mark.parametrize("calls", [100, 10_000, 100_000])
def test_costs_of_the_comparison_are_those_of_the_estimate(calls: int) -> None:
    figures = Figures(init_s=1.0, ms=50.0, peak_mb=210, cpus=1.0, source="the command line")
    found = estimate_cost(figures, EstimateOptions(memory_mb=(1769,), calls_per_hour=calls))
    elsewhere = {one.name: one for one in found.alternatives}
    endpoint, fargate = elsewhere["SageMaker Serverless Inference"], elsewhere["containers on Fargate, x86_64"]
    costs = f"{found.settings[0].usd:.2f} | {endpoint.usd:.2f} | {fargate.usd:.2f}"
    page = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8")
    assert f"| {calls:,} | {costs} |" in page
    assert f"Lambda, 1,769 MB | SageMaker Serverless Inference, {endpoint.about} | Fargate, 1 vCPU and 2 GB |" in page
    assert "1 vCPU and 2 GB" in fargate.about


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
    pages = {name: (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in ("questions", "cost")}
    second = 2 * usd("gb_second_x86_64")
    assert f"at 50 ms and 2,048 MB, ${usd('million_requests') + 50_000 * second:.2f} a million" in pages["questions"]
    corpus, requests = 5_000 * second, usd("million_requests") / 10
    assert (
        f"5,000 seconds, which cost ${corpus:.2f} and, as single calls, ${requests:.2f} for the requests"
        in pages["cost"]
    )


def test_the_agreement_of_hosts_is_that_of_the_card() -> None:
    card, page = ((ROOT / name).read_text(encoding="utf-8") for name in ("pipelines/README.md", "docs/compile.md"))
    (figure,) = re.findall(r"agrees with itself at ([\d.]+)", " ".join(card.split()))
    assert f"agree with themselves at an F1 of {figure}." in page


def test_figures_of_the_start_page_are_those_of_the_readme() -> None:
    readme, index = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/index.md"))
    figures = re.findall(r"[\d,.]+ (?:s|MB)\b", index.partition("Measured on")[2].partition("## ")[0])
    assert len(figures) == 10
    assert [figure for figure in figures if figure not in readme] == []


def test_registered_names_are_those_of_the_package() -> None:
    points = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    registered = {*points["spacy_factories"], *points["spacy_architectures"]}
    curated = {name for name in registered if name.startswith("spacy_lambda.Curated")}
    rules = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert len(curated) == 5  # as CONTRIBUTING.md counts them
    assert [name for name in registered - curated if f"`{name}`" not in rules] == []
