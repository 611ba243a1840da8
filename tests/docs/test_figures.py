"""Figures that a page repeats are those of the benchmark, or computed from them by the code."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest
from spacy.tokens import Doc, Span, SpanGroup
from spacy.vocab import Vocab

from spacy_lambda.cli.progress import duration
from spacy_lambda.core.lambda_function import DEFAULT_MEMORY_MB
from spacy_lambda.core.request_options import DOC_PARTS
from spacy_lambda.corpus.estimate import LambdaSettings, estimate_lambda
from spacy_lambda.corpus.sample import Measured, Reading
from spacy_lambda.runtime.doc_values import doc_prediction
from spacy_lambda.runtime.request import parse_request
from tests.docs.derived import (
    DOCUMENTS_OF_A_SECOND,
    TIMES_AS_LONG,
    at_fp32,
    base_speed,
    bundled_speed,
    derived,
    limits,
    shard_bytes,
    unzipped,
)
from tests.docs.figures import LARGE, ROOT, SMALL, medians, page, shows, sizes


def test_figures_of_pages_follow_from_the_readme() -> None:
    """After a benchmark, ``python -m tests.docs.derived`` writes them again."""
    found = [(one.text, re.findall(one.pattern, page(one.name), re.MULTILINE)) for one in derived()]
    assert [(text, shown) for text, shown in found if shown != [text]] == []
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"the bundled pipeline's zip is {unzipped()} unzipped" in readme


@pytest.mark.parametrize("name", ["README.md", "docs/index.md", "docs/questions.md", "docs/compare.md"])
def test_cold_starts_are_in_the_range_that_pages_name(name: str) -> None:
    starts = [figure for size in sizes() for figure in medians(size, "cold start to first response")[1:]]
    text = " ".join((ROOT / name).read_text(encoding="utf-8").split())
    (least, most) = map(float, re.findall(r"\b([\d.]+) to ([\d.]+) s\b", text)[0])
    assert least == pytest.approx(min(starts), abs=0.051)
    assert most == pytest.approx(max(starts), abs=0.051)


def test_the_limit_of_one_text_stays_as_long_as_the_pages_say() -> None:
    stays = "2,048 wordpieces up to 7,000 MB or 60 s"
    assert shows("operate", stays)
    assert shows("troubleshoot", stays)
    usual = limits(base_speed(), LARGE).text_characters
    assert [
        limits(base_speed(), LARGE, memory=7_000).text_characters,
        limits(base_speed(), LARGE, timeout=60).text_characters,
    ] == [usual] * 2
    assert limits(base_speed(), LARGE, memory=10_240).text_characters > usual


@pytest.mark.parametrize("timeout", [30, 120])
def test_shards_of_a_corpus_have_the_size_that_the_page_names(timeout: int) -> None:
    size = shard_bytes(limits(bundled_speed(), SMALL, timeout=timeout), timeout=timeout)
    assert shows("corpus", f"{size // 1000} kB with a timeout of {timeout} s")
    if timeout == 120:
        assert_costs_of_the_sample(math.ceil(1e9 / size))


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


def test_forty_pages_need_a_longer_timeout_for_twelve_layers() -> None:
    assert shows("api", "Forty pages are about 100,000")
    assert shows("api", "the larger one with `timeout = 60` at int8, and `timeout = 90` at fp32")
    assert shows("questions", "set `timeout = 60` at int8, or `timeout = 90` at fp32")
    assert (
        limits(base_speed(), LARGE).total_characters
        < 100_000
        < limits(base_speed(), LARGE, timeout=60).total_characters
    )
    slower = at_fp32(base_speed(), LARGE)
    assert (
        limits(slower, LARGE, timeout=60).total_characters
        < 100_000
        < limits(slower, LARGE, timeout=90).total_characters
    )
    assert limits(at_fp32(bundled_speed(), SMALL), SMALL).total_characters > 100_000


def test_encoders_of_both_sizes_differ_in_speed_as_the_page_on_corpora_computes() -> None:
    documents = re.findall(r"^\| documents/s .*?\| ([\d.]+); the two encoders", page("corpus"), re.MULTILINE)
    words = [medians(size, "100 paragraphs, `nlp.pipe`")[2] for size in (SMALL, LARGE)]
    found = [float(documents[0]) / float(documents[1]), words[0] / words[1]]
    assert found == pytest.approx([TIMES_AS_LONG] * 2, rel=0.15)
    assert shows("corpus", f"about {TIMES_AS_LONG} times as long as the bundled one")
    assert shows("corpus", f"{DOCUMENTS_OF_A_SECOND} for each CPU (measured)")


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
    section = page("api").partition("### Sentences, tokens, categories (textcat) and spans: include")[2]
    shown: dict[str, Any] = json.loads(section.partition("```json\n")[2].partition("```")[0])
    (event,) = re.findall(r"^`(\{\"text\".*?\})`", section, re.MULTILINE)
    request = parse_request(json.loads(event), max_length=100)
    doc = doc_with_everything()
    assert (doc.text, request.include) == (request.texts[0], DOC_PARTS)
    assert doc_prediction(doc, request, "ents") == shown
