"""Figures of pages that follow from the README's table; ``python -m tests.docs.derived`` writes them again."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from spacy_lambda.cdk.bulk_settings import BULK_CONCURRENCY
from spacy_lambda.cdk.prices import usd
from spacy_lambda.cli.progress import duration
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.lambda_function import DEFAULT_MEMORY_MB, DEFAULT_TIMEOUT_S
from spacy_lambda.core.lambda_limits import MB_PER_VCPU
from spacy_lambda.core.output_location import S3Prefix
from spacy_lambda.core.vcpus import slowdown, vcpus
from spacy_lambda.corpus.engines.deployed import DeployedFunction
from spacy_lambda.corpus.estimate import LambdaSettings, estimate_lambda
from spacy_lambda.corpus.sample import Measured, Reading
from spacy_lambda.corpus.shards import SHARD_BYTES
from spacy_lambda.runtime.capacity import BASE_BYTES, COPIES
from spacy_lambda.runtime.limits import Limits, derive_limits
from spacy_lambda.runtime.loading import load
from spacy_lambda.runtime.speed import (
    BASE_SECONDS,
    CHARACTERS_PER_UNIT,
    SECONDS_PER_BYTE,
    UNKNOWN_BYTES,
    Speed,
    read_speed,
)
from tests.cli.in_process import run_main
from tests.docs.figures import ENGLISH, LARGE, ROOT, SMALL, bench, medians, page, sizes

STARTS = r"[\d.]+ to [\d.]+ s(?=\]\(cost\.md| \(on the machine| on two CPUs)"
DOCUMENTS_OF_A_SECOND = 41
"""Abstracts of 1,000 characters that the bundled pipeline annotates on one CPU."""

TIMES_AS_LONG = 6
"""Time of SciBERT's size, in that of the bundled pipeline's."""

COLD, PEAK, WARM = "cold start to first response", "peak memory", "one abstract, warm"


@dataclass(frozen=True)
class Derived:
    """Some text of a page.

    :param name: The page's name.
    :param pattern: What finds it, once.
    :param text: What it has to be.
    """

    name: str
    pattern: str
    text: str


def derived() -> Iterator[Derived]:
    """Yield all of them."""
    yield from _start_page()
    yield from _other_pages()
    yield from _costs()
    yield from _limits()
    yield from _corpora()


def row(name: str, first: str, *cells: str) -> Derived:
    """A row of a table, which its first cell names."""
    return Derived(name, rf"^\| {re.escape(first)} \|.*$", f"| {' | '.join((first, *cells))} |")


def unzipped() -> str:
    """The size of the bundled pipeline's zip, as the page on bundles shows it."""
    (found,) = re.findall(r"^bundle.zip: .* MB, ([\d.]+) MB unzipped", page("bundles"), re.MULTILINE)
    return f"{float(found):.0f} MB"


def _start_page() -> Iterator[Derived]:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    ((original, ours),) = re.findall(
        r"Installed packages: ([\d,]+ MB) with torch, ([\d,]+ MB) with spacy-lambda", readme
    )
    for title, measurement in (("cold start to the first response", COLD), ("peak memory", PEAK)):
        small, large = (
            f"| {first} | {' | '.join(bench()[size, measurement])} |"
            for first, size in ((f"{title}, the bundled pipeline's size", SMALL), ("the same at SciBERT's size", LARGE))
        )
        yield Derived("index", rf"^\| {title}, .*\n.*$", f"{small}\n{large}")
    yield row("index", "installed packages", original, ours, ours)
    zipped = "| the bundled pipeline as [a bundle](bundles.md), unzipped | | |"
    yield Derived("index", rf"^{re.escape(zipped)}.*$", f"{zipped} {unzipped()} |")


def _other_pages() -> Iterator[Derived]:
    for first, size in (
        ("the bundled pipeline's size", SMALL),
        ("SciBERT's size", LARGE),
        ("the config of `en_core_web_trf`", ENGLISH),
    ):
        yield row("cost", first, *bench()[size, COLD][1:])
    times = medians(ENGLISH, WARM)[2] / medians(LARGE, WARM)[2]
    for name in ("estimate", "api"):
        yield Derived(
            name, r"takes [\d.]+ times as long: RoBERTa base", f"takes {times:.1f} times as long: RoBERTa base"
        )
    small, large = medians(SMALL, PEAK), medians(LARGE, PEAK)
    peaks = rf"size is {small[2]:.0f} MB at int8 and {small[1]:.0f} MB at fp32"
    yield Derived("cost", r"size is \d+ MB at int8 and \d+ MB at fp32", peaks)
    yield Derived("cost", r"SciBERT's size \d+ and \d+ MB", f"SciBERT's size {large[2]:.0f} and {large[1]:.0f} MB")
    one = tuple(on_one_cpu(size, 2) for size in (SMALL, LARGE))
    durations = f"about {one[0]} ms at int8 with six layers, and {one[1]} ms with twelve"
    yield Derived("gpu", r"about \d+ ms at int8 with six layers, and \d+ ms with twelve", durations)
    small, large = medians(SMALL, WARM), medians(LARGE, WARM)
    least, most = sorted((small[0] / small[2], large[0] / large[2]))
    factors = f"{least:.1f} to {most:.1f} times as fast as torch, warm"
    starts = [figure for size in sizes() for figure in medians(size, COLD)[1:]]
    for name in ("index", "questions", "compare"):
        yield Derived(name, STARTS, f"{min(starts):.1f} to {max(starts):.1f} s")
    yield Derived("precision", r"[\d.]+ to [\d.]+ times as fast as torch, warm", factors)


def on_one_cpu(size: str, variant: int) -> int:
    """Milliseconds of an abstract on one CPU; the table's are on two."""
    return round(medians(size, WARM)[variant] / slowdown(2))


def logs_of_a_million() -> float:
    """Dollars of the lines that a million calls log, which another test compares with the plan."""
    (found,) = re.findall(r"add about \$([\d.]+) a million calls", page("cost"))
    return float(found)


def _costs() -> Iterator[Derived]:
    words = len(json.loads((ROOT / "examples" / "event.json").read_text("utf-8"))["text"].split())
    larger, at_fp32_too = "12 layers (SciBERT's size)", list[str]()
    for name, size, precision, variant in (
        ("6 layers", SMALL, "int8", 2),
        ("6 layers", SMALL, "fp32", 1),
        (larger, LARGE, "int8", 2),
        (larger, LARGE, "fp32", 1),
    ):
        ms = on_one_cpu(size, variant)
        costs = [
            usd("million_requests") + duration * 1_000 * MB_PER_VCPU / 1024 * usd(f"gb_second_{architecture}")
            for duration, architecture in ((ms, "x86_64"), (ms, "arm64"), (math.ceil(ms * 200 / words), "x86_64"))
        ]
        if precision == "int8":
            of_logs = round(costs[2], 2) + logs_of_a_million()
            layers, like = name.partition(" (")[0], "the bundled one" if size == SMALL else "SciBERT"
            yield row("questions", f"{layers}, such as {like}", f"${costs[2]:.2f}", f"${of_logs:.2f}")
        else:
            at_fp32_too.append(f"${costs[2]:.2f}")
        here = f"{medians(size, WARM)[variant]} ms"
        yield row("estimate", f"{name}, {precision}", here, f"{ms} ms", *(f"{cost:.2f}" for cost in costs))
    calls = "the same calls are "
    yield Derived("questions", rf"{calls}\$\d+\.\d\d and \$\d+\.\d\d", calls + " and ".join(at_fp32_too))
    large = f"--duration {on_one_cpu(LARGE, 2)}ms --init 1s --peak {medians(LARGE, PEAK)[2]:.0f}"
    yield Derived("estimate", r"--duration \d+ms --init 1s --peak \d+", large)
    small = f"--duration {on_one_cpu(SMALL, 2)}ms --init 0.8s --peak {medians(SMALL, PEAK)[2]:.0f}"
    yield Derived("estimate", r"--duration \d+ms --init 0.8s --peak \d+", small)
    printed = run_main("estimate", *small.split(), "--latency", "300ms", "--region", "us-east-1").stdout
    sample = "\n".join(_sample(printed.splitlines())) + "\n"
    yield Derived("estimate", r"(?<=^```\n)[\d.]+ ms a text, init(?:.*\n)+?(?=```)", sample)


def _sample(printed: list[str]) -> Iterator[str]:
    """Yield what the page shows of an estimate: the beginning of its first table, and one architecture of the last."""
    settings, cold, elsewhere, cheapest = (
        next(number for number, line in enumerate(printed) if line.startswith(start))
        for start in ("memory\t", "cold starts of", "US dollars at", "cheapest within")
    )
    sizes = [line for line in printed[settings + 1 : cold] if line.split("\t")[0] in ("512", "1,769")]
    others = [line for line in printed[elsewhere + 2 : cheapest] if "arm64" not in line]
    yield from printed[:settings]
    yield from _table([printed[settings], *sizes], left=(1,))
    yield "..."
    yield printed[cold]
    yield from _table(printed[cold + 1 : elsewhere])
    yield printed[elsewhere]
    yield from _table([printed[elsewhere + 1], *others], left=(0, 4))
    yield "..."
    yield from printed[cheapest : cheapest + 3]


def _table(lines: list[str], *, left: tuple[int, ...] = ()) -> Iterator[str]:
    """Align columns, which the command separates by tabs where it does not print on a terminal."""
    columns = zip(*(line.split("\t") for line in lines), strict=True)
    padded = [
        [cell.ljust(width) if number in left else cell.rjust(width) for cell in column]
        for number, column in enumerate(columns)
        for width in [max(map(len, column))]
    ]
    yield from ("  ".join(cells).rstrip() for cells in zip(*padded, strict=True))


def bundled_speed() -> Speed:
    """The speed of the bundled pipeline."""
    return read_speed(load("en_scienceie_minilm"))


def base_speed() -> Speed:
    """The speed that is estimated of an encoder of BERT's base size, at int8."""
    seconds = BASE_SECONDS + SECONDS_PER_BYTE * UNKNOWN_BYTES
    return Speed("wordpieces", seconds, CHARACTERS_PER_UNIT["wordpieces"])


def at_fp32(speed: Speed, size: str) -> Speed:
    """Return the speed of an encoder at fp32 from that at int8, by the benchmark."""
    warm = medians(size, WARM)
    return replace(speed, seconds_per_unit=speed.seconds_per_unit * warm[1] / warm[2])


def limits(speed: Speed, size: str, *, memory: int = DEFAULT_MEMORY_MB, timeout: float = DEFAULT_TIMEOUT_S) -> Limits:
    """The limits of a request of a function. At fp32 the pipeline takes more memory, which limits none of these."""
    return derive_limits(
        speed,
        {},
        cpus=vcpus(memory),
        timeout_s=timeout,
        free_bytes=(memory - medians(size, PEAK)[2]) * 2**20,
        bytes_per_unit=BASE_BYTES + 4 * COPIES * (384 if size == SMALL else 768),
        max_length=1_000_000,
    )


def _limits() -> Iterator[Derived]:
    for first, speed, size in (
        ("6 layers, width 384 (the bundled one)", bundled_speed(), SMALL),
        ("12 layers, width 768 (SciBERT's size)", base_speed(), LARGE),
    ):
        for precision, own in (("fp32", at_fp32(speed, size)), ("int8", speed)):
            for memory in (MB_PER_VCPU, DEFAULT_MEMORY_MB):
                found = limits(own, size, memory=memory)
                cells = f"{first} | {precision} | {memory:,} MB"
                yield row("api", cells, f"{found.text_characters:,}", f"{found.total_characters:,}", f"{found.texts:,}")
    small, large = (
        limits(speed, size).text_characters for speed, size in ((bundled_speed(), SMALL), (base_speed(), LARGE))
    )
    slower = limits(at_fp32(bundled_speed(), SMALL), SMALL).text_characters
    texts = (
        f"{small:,} characters for a pipeline of six layers at int8 and {slower:,} at fp32, and {large:,} for one of"
    )
    pattern = r"[\d,]+ characters for a pipeline of six layers at int8 and [\d,]+ at fp32, and [\d,]+ for one of"
    yield Derived("questions", pattern, texts)


def shard_bytes(found: Limits, *, memory: int = DEFAULT_MEMORY_MB, timeout: int) -> int:
    """The size of a shard of a function whose requests have such limits."""
    function = DeployedFunction(
        name="papers-ner",
        sha256=Digest("5f" * 32),
        memory_mb=memory,
        timeout_s=timeout,
        architecture="arm64",
        concurrency=BULK_CONCURRENCY,
        request_characters=found.total_characters,
        place=S3Prefix("bucket", "annotate/ner"),
        state_machine="",
        session=None,
    )
    return function.shard_bytes


def _corpora() -> Iterator[Derived]:
    million = []
    for layers, speed, size, times in (
        ("6 layers", bundled_speed(), SMALL, 1),
        ("12 layers", base_speed(), LARGE, TIMES_AS_LONG),
    ):
        shard = shard_bytes(limits(speed, size, memory=MB_PER_VCPU, timeout=120), memory=MB_PER_VCPU, timeout=120)
        seconds = times / DOCUMENTS_OF_A_SECOND
        measured = Measured(place="", documents=1, words=180, characters=1000, seconds=seconds, overhead_s=0)
        for millions in (1, 3, 10):
            count = millions * 10**6
            shards = math.ceil(1000 * count / shard)
            reading = Reading(documents=count, unreadable=0, characters=1000 * count, shards=shards, sample=())
            found = estimate_lambda(reading, measured, LambdaSettings())
            cells = (f"{count * seconds / 3600:,.0f}", duration(found.seconds), f"${found.cost:,.2f}")
            yield row("corpus", f"{layers} | {millions} million", *cells)
            if millions == 1:
                million.append((found, shards))
    (small, _), (large, shards) = million
    shards_before = math.ceil(10**9 / SHARD_BYTES)
    reading = Reading(documents=10**6, unreadable=0, characters=10**9, shards=shards_before, sample=())
    seconds = 1 / DOCUMENTS_OF_A_SECOND
    measured = Measured(place="", documents=1, words=180, characters=1000, seconds=seconds, overhead_s=0)
    before = estimate_lambda(reading, measured, LambdaSettings()).cost
    assert before is not None
    for name, beginning in (("corpus", "which are more: "), ("cost", "for the smaller pipeline it prints ")):
        yield Derived(name, rf"{beginning}\$[\d.]*\d", f"{beginning}${before:.2f}")
    assert small.cost is not None
    cost = f"{small.documents_per_second:,.0f} (computed) | ${small.cost:.2f} for a million"
    yield Derived("corpus", r"[\d,]+ \(computed\) \| \$[\d.]+ for a million", cost)
    yield Derived("corpus", r"larger pipeline has [\d,]+ shards", f"larger pipeline has {shards:,} shards")
    both = f"cost ${small.cost:.2f} with the bundled pipeline's size, and ${large.cost:.2f} with SciBERT's"
    yield Derived("cost", r"cost \$[\d.]+ with the bundled pipeline's size, and \$[\d.]+ with SciBERT's", both)
    yield Derived("questions", r"about \$[\d.]+ on Lambda", f"about ${small.cost / 10:.2f} on Lambda")


if __name__ == "__main__":
    for one in derived():
        path = ROOT / "docs" / f"{one.name}.md"
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(one.pattern, one.text.replace("\\", r"\\"), text, flags=re.MULTILINE), encoding="utf-8")
