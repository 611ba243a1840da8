"""Figures that a page repeats are those of the benchmark, or computed from them by the code."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest
from spacy.tokens import Doc, Span, SpanGroup
from spacy.vocab import Vocab

from spacy_lambda.cdk.bulk_settings import BULK_CONCURRENCY
from spacy_lambda.cdk.prices import usd
from spacy_lambda.cli.progress import duration
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.lambda_function import DEFAULT_MEMORY_MB, DEFAULT_TIMEOUT_S
from spacy_lambda.core.lambda_limits import MB_PER_VCPU
from spacy_lambda.core.output_location import S3Prefix
from spacy_lambda.core.request_options import DOC_PARTS
from spacy_lambda.core.vcpus import slowdown, vcpus
from spacy_lambda.corpus.engines.deployed import DeployedFunction
from spacy_lambda.corpus.estimate import LambdaSettings, estimate_lambda
from spacy_lambda.corpus.sample import Measured, Reading
from spacy_lambda.runtime.capacity import BASE_BYTES, COPIES
from spacy_lambda.runtime.doc_values import doc_prediction
from spacy_lambda.runtime.limits import Limits, derive_limits
from spacy_lambda.runtime.loading import load
from spacy_lambda.runtime.request import parse_request
from spacy_lambda.runtime.speed import (
    BASE_SECONDS,
    CHARACTERS_PER_UNIT,
    SECONDS_PER_BYTE,
    UNKNOWN_BYTES,
    Speed,
    read_speed,
)
from tests.cli.in_process import run_main
from tests.docs.figures import LARGE, ROOT, SMALL, bench, medians, page, shows


def unzipped() -> str:
    """The size of the bundled pipeline's zip, as the page on bundles shows it."""
    (found,) = re.findall(r"^bundle.zip: .* MB, ([\d.]+) MB unzipped", page("bundles"), re.MULTILINE)
    return f"{float(found):.0f} MB"


def rows_of_the_start_page() -> list[str]:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"the bundled pipeline's zip has {unzipped()} unzipped" in readme
    installed = re.findall(r"Installed packages: ([\d,]+ MB) with torch, ([\d,]+ MB) with spacy-lambda", readme)
    cold, peak = "cold start to first response", "peak memory"
    return [
        f"| cold start to the first response, the bundled pipeline's size | {' | '.join(bench()[SMALL, cold])} |",
        f"| the same at SciBERT's size | {' | '.join(bench()[LARGE, cold])} |",
        f"| peak memory, the bundled pipeline's size | {' | '.join(bench()[SMALL, peak])} |",
        f"| the same at SciBERT's size | {' | '.join(bench()[LARGE, peak])} |",
        f"| installed packages | {installed[0][0]} | {installed[0][1]} | {installed[0][1]} |",
        f"| the bundled pipeline as [a bundle](bundles.md), unzipped | | | {unzipped()} |",
    ]


def test_figures_of_the_start_page_are_those_of_the_readme() -> None:
    assert [row for row in rows_of_the_start_page() if row not in page("index")] == []


def test_figures_that_pages_repeat_are_those_of_the_readme() -> None:
    cold, peak, warm = "cold start to first response", "peak memory", "one abstract, warm"
    small, large = bench()[SMALL, cold], bench()[LARGE, cold]
    assert shows("cost", f"| the bundled pipeline's size | {small[1]} | {small[2]} |")
    assert shows("cost", f"| SciBERT's size | {large[1]} | {large[2]} |")
    peaks = [medians(size, peak) for size in (SMALL, LARGE)]
    of_small = f"size is {peaks[0][2]:.0f} MB at int8 and {peaks[0][1]:.0f} MB at fp32"
    of_large = f"SciBERT's size {peaks[1][2]:.0f} and {peaks[1][1]:.0f} MB"
    assert shows("cost", of_small)
    assert shows("cost", of_large)
    durations = [medians(size, warm)[2] for size in (SMALL, LARGE)]
    assert shows("gpu", f"about {durations[0]:.0f} ms at int8 with six layers, and {durations[1]:.0f} ms with twelve")
    ratios = sorted(figures[0] / figures[2] for figures in (medians(size, warm) for size in (SMALL, LARGE)))
    assert shows("precision", f"{ratios[0]:.1f} to {ratios[1]:.1f} times as fast as torch, warm")


@pytest.mark.parametrize("name", ["README.md", "docs/index.md", "docs/questions.md", "docs/compare.md"])
def test_cold_starts_are_in_the_range_that_pages_name(name: str) -> None:
    starts = [figure for size in (SMALL, LARGE) for figure in medians(size, "cold start to first response")[1:]]
    text = " ".join((ROOT / name).read_text(encoding="utf-8").split())
    (least, most) = map(float, re.findall(r"\b([\d.]+) to ([\d.]+) s\b", text)[0])
    assert least == pytest.approx(min(starts), abs=0.05)
    assert max(starts) <= most <= max(starts) + 0.7


@pytest.mark.parametrize(
    ("name", "size", "variant"),
    [
        ("6 layers, int8", SMALL, 2),
        ("6 layers, fp32", SMALL, 1),
        ("12 layers (RoBERTa base, SciBERT), int8", LARGE, 2),
        ("12 layers (RoBERTa base, SciBERT), fp32", LARGE, 1),
    ],
)
def test_costs_of_a_million_abstracts_are_those_of_the_benchmark(name: str, size: str, variant: int) -> None:
    words = len(json.loads((ROOT / "examples" / "event.json").read_text("utf-8"))["text"].split())
    here = medians(size, "one abstract, warm")[variant]
    ms = round(here / slowdown(2))
    costs = [
        usd("million_requests") + duration * 1_000 * MB_PER_VCPU / 1024 * usd(f"gb_second_{architecture}")
        for duration, architecture in ((ms, "x86_64"), (ms, "arm64"), (round(ms * 200 / words), "x86_64"))
    ]
    assert shows("estimate", f"| {name} | {here} ms | {ms} ms | {' | '.join(f'{cost:.2f}' for cost in costs)} |")
    assert shows("estimate", f"({words} words)")
    if size == LARGE and variant == 2:
        assert shows("estimate", f"--duration {ms}ms")


def test_the_sample_of_an_estimate_is_what_the_command_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    text = page("estimate")
    (command,) = re.findall(r"^\$ spacy-lambda (estimate --duration .* --latency .*)$", text, re.MULTILINE)
    sample = text.partition(command)[2].partition("```\n\n```\n")[2].partition("```")[0]
    printed = [line.split() for line in run_main(*command.split()).stdout.splitlines()]
    assert f"--duration {round(medians(SMALL, 'one abstract, warm')[2] / slowdown(2))}ms" in command
    assert f"--peak {medians(SMALL, 'peak memory')[2]:.0f}" in command
    assert [line for line in sample.splitlines() if line != "..." and line.split() not in printed] == []


def limits(speed: Speed, memory: int, *, width: int, peak_mb: float, timeout: float = DEFAULT_TIMEOUT_S) -> Limits:
    """The limits of a request of a function, whose pipeline takes so much memory."""
    return derive_limits(
        speed,
        {},
        cpus=vcpus(memory),
        timeout_s=timeout,
        free_bytes=(memory - peak_mb) * 2**20,
        bytes_per_unit=BASE_BYTES + 4 * COPIES * width,
        max_length=1_000_000,
    )


@pytest.mark.parametrize("timeout", [30, 120])
def test_shards_of_a_corpus_have_the_size_that_the_page_names(timeout: int) -> None:
    speed, peak = read_speed(load("en_scienceie_minilm")), medians(SMALL, "peak memory")[2]
    found = limits(speed, DEFAULT_MEMORY_MB, width=384, peak_mb=peak, timeout=timeout)
    function = DeployedFunction(
        name="papers-ner",
        sha256=Digest("5f" * 32),
        memory_mb=DEFAULT_MEMORY_MB,
        timeout_s=timeout,
        architecture="x86_64",
        concurrency=BULK_CONCURRENCY,
        request_characters=found.total,
        place=S3Prefix("bucket", "annotate/ner"),
        state_machine="",
        session=None,
    )
    assert shows("corpus", f"{function.shard_bytes // 1000} kB with a timeout of {timeout} s")
    if timeout == 120:
        assert_costs_of_the_sample(math.ceil(1e9 / function.shard_bytes))


def assert_costs_of_the_sample(shards: int) -> None:
    """The sample is of a million documents of 1,000 characters."""
    reading = Reading(documents=1_000_000, unreadable=0, characters=10**9, shards=shards, sample=())
    measured = Measured(place="", documents=50, words=9_000, characters=50_000, seconds=50 / 40, overhead_s=0.1)
    settings = LambdaSettings(memory_mb=DEFAULT_MEMORY_MB, architecture="x86_64", region="eu-central-1")
    found = estimate_lambda(reading, measured, settings)
    assert shows("corpus", f"in {shards:,} shards one invocation of papers-ner annotates 40.0 documents/s")
    assert shows(
        "corpus",
        f"{shards:,} invocations, {found.units} at a time: about {duration(found.seconds)}, about ${found.cost:.2f} by"
        f" {found.prices}",
    )


def test_limits_of_the_table_are_those_of_the_function() -> None:
    unit = CHARACTERS_PER_UNIT["wordpieces"]
    base = Speed("wordpieces", BASE_SECONDS + SECONDS_PER_BYTE * UNKNOWN_BYTES, unit)
    peaks = [medians(size, "peak memory")[2] for size in (SMALL, LARGE)]
    rows = [("6 layers, width 384 (the bundled one)", read_speed(load("en_scienceie_minilm")), 384, peaks[0])]
    rows += [("12 layers, width 768 (RoBERTa base, SciBERT)", base, 768, peaks[1])]
    for name, speed, width, peak in rows:
        for title, label, memory in (
            (f"| {name}", "1,769 MB", 1769),
            ("|", "2,048 MB, the default", DEFAULT_MEMORY_MB),
        ):
            found = limits(speed, memory, width=width, peak_mb=peak)
            row = f"{title} | {label} | {found.text:,} | {found.total:,} | {found.texts:,} |"
            assert shows("api", row), row
        found = limits(speed, DEFAULT_MEMORY_MB, width=width, peak_mb=peak)
        assert shows("questions", f"{found.text:,} ")
    doubled = limits(base, DEFAULT_MEMORY_MB, width=768, peak_mb=peaks[1], timeout=60)
    assert found.total < 100_000 < doubled.total


def doc_with_everything() -> Doc:
    doc = Doc(
        Vocab(),
        words=["Zinc", "melts", "."],
        spaces=[True, False, False],
        lemmas=["zinc", "melt", "."],
        pos=["NOUN", "VERB", "PUNCT"],
        tags=["NN", "VBZ", "."],
        morphs=["Number=Sing", "Tense=Pres", "PunctType=Peri"],
        deps=["nsubj", "ROOT", "punct"],
        heads=[1, 1, 1],
        ents=["B-MATERIAL", "O", "O"],
    )
    doc.cats = {"science": 0.75, "cooking": 0.25}
    group = SpanGroup(doc, name="sc", spans=[Span(doc, 0, 2, label="EVENT")], attrs={"scores": [0.5]})
    doc.spans["sc"] = group
    return doc


def test_the_example_of_every_part_is_what_the_function_returns() -> None:
    section = page("api").partition("### Everything that a pipeline finds")[2]
    shown: dict[str, Any] = json.loads(section.partition("```json\n")[2].partition("```")[0])
    (event,) = re.findall(r"^`(\{\"text\".*?\})`", section, re.MULTILINE)
    request = parse_request(json.loads(event), max_length=100)
    doc = doc_with_everything()
    assert (doc.text, request.include) == (request.texts[0], DOC_PARTS)
    assert doc_prediction(doc, request, "ents") == shown
