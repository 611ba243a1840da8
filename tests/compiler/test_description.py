"""The description of a pipeline, and the command ``inspect``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda import cli
from spacy_lambda.compiler.compile import compile_pipeline
from spacy_lambda.compiler.description import _estimate_size, _packages_bytes, describe_pipeline
from spacy_lambda.core.lambda_limits import UNZIPPED_BYTES
from spacy_lambda.errors import PipelineNotFoundError
from spacy_lambda.pipeline.kind import PipelineKind
from tests.compiler.originals import LABELS
from tests.compiler.pipelines import append, blank, changed, unproved


def inspect(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[Any, str]:
    """Run the command; return its exit code and its standard output."""
    monkeypatch.setattr(sys, "argv", ["spacy-lambda", "inspect", *arguments])
    monkeypatch.setenv("COLUMNS", "160")
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code, capsys.readouterr().out


def test_an_original(original: Callable[..., Path]) -> None:
    found = describe_pipeline(str(original()))
    assert found.kind is PipelineKind.ORIGINAL
    assert found.reasons == ()
    ner = next(one for one in found.components if one.name == "ner")
    assert set(ner.labels) == set(LABELS.values())
    (transformer,) = found.transformers
    assert (transformer["library"], transformer["architecture"]) == ("spacy-transformers", "bert")
    assert (transformer["layers"], transformer["width"], transformer["window"]) == (2, 32, 24)
    assert found.fits["int8"].pipeline_bytes < found.fits["fp32"].pipeline_bytes
    assert found.fits["int8"].pipeline_bytes == found.fits["int8-weight-only"].pipeline_bytes
    assert found.fits["fp32"].memory_mb == found.fits["int8-weight-only"].memory_mb
    assert all(fit.fits_zip == (fit.zip_bytes <= UNZIPPED_BYTES) for fit in found.fits.values())


@pytest.mark.slow
def test_the_estimate_is_near_the_compiled_pipeline(original: Callable[..., Path], tmp_path: Path) -> None:
    path = original()
    compile_pipeline(str(path), tmp_path / "out", prove=unproved)
    size = sum(file.stat().st_size for file in (tmp_path / "out").rglob("*") if file.is_file())
    estimate = describe_pipeline(str(path)).fits["fp32"].pipeline_bytes
    assert estimate == pytest.approx(size, rel=0.2, abs=50_000)
    compiled = describe_pipeline(str(tmp_path / "out"))
    assert compiled.kind is PipelineKind.COMPILED
    assert compiled.precision == "fp32"
    assert compiled.source is not None
    assert compiled.fits["fp32"].pipeline_bytes == size
    assert compiled.transformers[0]["architecture"] == "bert"


@pytest.mark.parametrize(
    ("size", "packages", "fits"),
    [
        (112_000_000, 0, True),  # SciBERT's size at int8
        (128_300_000, 0, True),  # RoBERTa base at int8, without sources
        (128_300_000, 70_000_000, False),  # with packages that the pipeline adds
        (192_000_000, 0, False),  # XLM-R base at int8
    ],
)
def test_the_estimate_is_of_the_zip_that_bundle_makes(size: int, packages: int, fits: bool) -> None:
    found = _estimate_size(size, packages)
    assert found.fits_zip is fits
    assert (found.zip_bytes <= UNZIPPED_BYTES) is fits


def test_packages_beyond_the_base_install_count() -> None:
    assert _packages_bytes(["spacy>=3.8", "no-such-package"]) == _packages_bytes(["spacy>=3.8"]) == 0
    assert 100_000 < _packages_bytes(["pytest"]) < 100_000_000


def test_every_reason_and_remedy(
    original: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def change(config: Any) -> None:
        config["components"]["transformer"]["model"]["get_spans"] |= {"window": 0, "stride": -1}

    path = changed(original(), tmp_path / "changed", change)
    code, out = inspect([str(path), "--json"], monkeypatch, capsys)
    found = json.loads(out)
    assert code == 1
    assert len(found["reasons"]) == 2
    assert all(one["remedy"] for one in found["reasons"])
    assert [one["name"] for one in found["components"]] == ["transformer", "ner"]
    code, out = inspect([str(path)], monkeypatch, capsys)
    assert code == 1
    assert all(one["reason"] in out and one["remedy"] in out for one in found["reasons"])


def test_a_pipeline_that_does_not_load(tmp_path: Path) -> None:
    found = describe_pipeline(str(blank(tmp_path / "pipeline", change=append("no_such_factory"))))
    assert found.kind is PipelineKind.NO_TRANSFORMER
    assert [one.factory for one in found.components] == ["sentencizer", "no_such_factory"]


def test_a_pipeline_without_a_transformer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = inspect([str(blank(tmp_path / "pipeline"))], monkeypatch, capsys)
    assert code == 0
    assert "a function runs it as it is" in out


def test_labels_with_commas_are_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = blank(tmp_path / "pipeline")
    meta = json.loads((path / "meta.json").read_text())
    (path / "meta.json").write_text(json.dumps({**meta, "labels": {"sentencizer": ["COLD", "warm, hot", ""]}}))
    assert "COLD, 'warm, hot', ''" in inspect([str(path)], monkeypatch, capsys)[1]


def test_a_missing_pipeline(tmp_path: Path) -> None:
    with pytest.raises(PipelineNotFoundError):
        describe_pipeline(str(tmp_path / "none"))
