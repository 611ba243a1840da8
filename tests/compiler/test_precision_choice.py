"""``--precision auto``: every precision measured on the user's texts, and the fastest that is good enough."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
import spacy
from spacy.tokens import DocBin

pytest.importorskip("onnx")

from spacy_lambda.cli.choice_report import print_choice
from spacy_lambda.cli.compile import compile_
from spacy_lambda.compiler import compile_pipeline, describe_pipeline
from spacy_lambda.compiler.precision_choice import Candidate, _best, _reason, split_texts
from spacy_lambda.compiler.precision_plot import draw_plot
from spacy_lambda.compiler.precisions import PRECISIONS, Thresholds, check_inputs
from spacy_lambda.core.compiled_meta import CompiledMeta, Precision
from spacy_lambda.errors import CompileError, VerifyError
from tests.compiler.originals import TEXTS
from tests.compiler.pipelines import blank, unproved


def candidate(precision: Precision, speed: float, size: int, reason: str | None = None) -> Candidate:
    return Candidate(precision, agreement=0.99, words_per_second=speed, speedup=speed / 100, bytes=size, reason=reason)


@pytest.mark.parametrize(
    ("candidates", "chosen"),
    [
        ([("int8", 400, 1, None), ("int8-weight-only", 200, 1, None), ("fp32", 200, 4, None)], "int8"),
        ([("int8", 400, 1, "bad"), ("int8-weight-only", 200, 1, None), ("fp32", 205, 4, None)], "int8-weight-only"),
        ([("int8", 400, 1, "bad"), ("int8-weight-only", 200, 1, "bad"), ("fp32", 205, 4, None)], "fp32"),
        ([("int8", 100, 1, None), ("fp32", 205, 4, None)], "fp32"),
    ],
    ids=["fastest", "smallest of those as fast", "only fp32", "a slow int8"],
)
def test_the_fastest_accepted_one_is_chosen(candidates: list[Any], chosen: str) -> None:
    assert _best([candidate(*one) for one in candidates]).precision == chosen


def test_reasons_and_none_that_is_good_enough() -> None:
    thresholds = Thresholds(min_agreement=0.98, max_drop=0.3)
    assert _reason(0.98, 0.3, 0, thresholds) is None
    assert _reason(1.0, None, 0, thresholds) is None
    assert _reason(0.979, None, 0, thresholds) == "agreement below 0.98"
    assert _reason(1.0, 0.31, 0, thresholds) == "gold F1 drops by more than 0.3 points"
    assert _reason(1.0, 0.0, 2, thresholds) == "fails on 2 texts"
    with pytest.raises(VerifyError, match=r"good enough: int8: 0\.9900, slow; fp32: 0\.9900, wrong") as one:
        _best([candidate("int8", 1, 1, "slow"), candidate("fp32", 1, 1, "wrong")])
    assert "--min-agreement" in one.value.remedy
    with pytest.raises(VerifyError, match="neither pipeline annotates"):
        _best([Candidate("fp32", reason="nothing to compare")])


def test_every_other_text_is_held_out(tmp_path: Path) -> None:
    nlp = spacy.blank("xx")
    docs = [nlp.make_doc(str(number)) for number in range(5)]
    calibration, measured = split_texts(docs, tmp_path)
    assert [doc.text for doc in calibration] == ["0", "2", "4"]
    assert [doc.text for doc in measured] == ["1", "3"]
    with pytest.raises(VerifyError, match="has 1 text, and --precision auto needs two"):
        split_texts(docs[:1], tmp_path)


@pytest.mark.parametrize(
    ("precision", "given", "message"),
    [
        ("auto", {"calibrate": Path("a.txt")}, "--calibrate a.txt does not apply to --precision auto"),
        ("auto", {"verify": Path("a.txt")}, "--verify a.txt does not apply to --precision auto"),
        ("int8", {"texts": Path("a.txt")}, "--texts a.txt applies to --precision auto only"),
        ("int8-weight-only", {"calibrate": Path("a.txt")}, "--calibrate a.txt applies to int8 only"),
    ],
)
def test_texts_that_a_precision_does_not_use(precision: Any, given: dict[str, Path], message: str) -> None:
    with pytest.raises(CompileError, match=message) as caught:
        check_inputs(precision, **{"calibrate": None, "texts": None, "verify": None, **given})
    assert caught.value.remedy


@pytest.fixture(scope="module")
def corpus(original: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts with the original's entities as gold."""
    nlp = spacy.load(original())
    path = tmp_path_factory.mktemp("corpus") / "texts.spacy"
    DocBin(docs=[*nlp.pipe([text for text in TEXTS for _ in range(5)])]).to_disk(path)
    return path


@pytest.fixture(scope="module")
def measured(
    original: Callable[..., Path], corpus: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[CompiledMeta, Path, list[str]]:
    out, steps = tmp_path_factory.mktemp("auto") / "out", list[str]()
    meta = compile_pipeline(
        str(original()),
        out,
        precision="auto",
        texts=corpus,
        thresholds=Thresholds(min_agreement=1.0),
        on_step=lambda step, done, total: steps.append(step),
        prove=unproved,
    )
    return meta, out, steps


def test_all_precisions_are_measured_and_one_is_written(measured: tuple[CompiledMeta, Path, list[str]]) -> None:
    meta, out, steps = measured
    assert meta.choice is not None
    assert meta.choice["precision"] == meta.precision
    assert (meta.choice["calibration_texts"], meta.choice["measured_texts"]) == (10, 10)
    found = {one["precision"]: one for one in meta.choice["candidates"]}
    assert set(found) == set(get_args(Precision))
    assert found["fp32"]["agreement"] == found["fp32"]["gold_original"] == 1.0
    assert found["fp32"]["drop"] == 0.0
    assert found[meta.precision]["reason"] is None
    assert all(one["words_per_second"] > 0 and one["speedup"] > 0 for one in found.values())
    assert found["int8"]["bytes"] < found["fp32"]["bytes"]
    assert meta.verification is not None
    assert meta.verification["documents"] == 10
    assert meta.encoders["transformer"]["calibration_texts"] == (10 if PRECISIONS[meta.precision].calibrated else None)
    assert json.loads((out / "meta.json").read_text())["spacy_lambda"]["choice"] == json.loads(json.dumps(meta.choice))
    assert steps.count("running torch") == 2, "once for all precisions"
    assert "int8: calibrating" in steps
    assert [one.name for one in out.parent.iterdir()] == ["out"]


def test_inspect_and_the_command_show_the_table(
    measured: tuple[CompiledMeta, Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    meta, out, _ = measured
    choice = describe_pipeline(str(out)).to_dict()["choice"]
    print_choice(choice)
    printed = capsys.readouterr().out
    assert "measured on 10 texts, calibrated on 10 others" in printed
    lines = dict(line.split("\t", 1) for line in printed.splitlines() if "\t" in line)
    assert list(lines) == ["precision", "original", "int8", "int8-weight-only", "fp32"]
    assert lines[meta.precision].endswith("chosen")
    assert "1.0000" in lines["fp32"]


def test_the_plot(measured: tuple[CompiledMeta, Path, list[str]]) -> None:
    assert measured[0].choice is not None
    svg = ET.fromstring(draw_plot(measured[0].choice))
    texts = [one.text for one in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert {"original", *get_args(Precision), "words per second", "agreement F1 on 10 texts"} <= set(texts)
    for circle in svg.iter("{http://www.w3.org/2000/svg}circle"):
        assert 0 <= float(circle.attrib["cx"]) <= 640
        assert 0 <= float(circle.attrib["cy"]) <= 400


def test_without_texts_it_is_fp32(original: Callable[..., Path], tmp_path: Path) -> None:
    meta = compile_pipeline(str(original()), tmp_path / "out", precision="auto", prove=unproved)
    assert (meta.precision, meta.choice) == ("fp32", None)


def test_a_pipeline_without_a_transformer_is_copied(tmp_path: Path, corpus: Path) -> None:
    source = blank(tmp_path / "source")
    meta = compile_pipeline(str(source), tmp_path / "out", precision="auto", texts=corpus, prove=unproved)
    assert (meta.precision, meta.choice) == ("fp32", None)


def test_options_of_measuring_need_texts(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match="--max-drop applies to --precision auto with --texts only"):
        compile_(str(tmp_path), tmp_path / "out", precision="auto", max_drop=1.0)
