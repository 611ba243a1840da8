"""A prepared function against Lambda's limits, before AWS is changed."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.bundler.build import Bundle
from spacy_lambda.bundler.metadata import BundleMetadata, write_metadata
from spacy_lambda.bundler.proof import Proof
from spacy_lambda.bundler.target import Target
from spacy_lambda.config.project import FunctionConfig
from spacy_lambda.deploy.latency import Latency
from spacy_lambda.deploy.limit_checks import check_limits, require_limits
from spacy_lambda.errors import DeployError
from spacy_lambda.sizing import LimitFinding


def bundle(folder: Path, *, load_s: float | None = 2.0, peak_mb: int | None = 300) -> Bundle:
    """A bundle without anything but its metadata and its handler."""
    write_metadata(BundleMetadata(Target(), "pipeline", 64 * "a", {}), folder)
    path = folder / "bundle.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(folder / "bundle.json", "bundle.json")
        archive.writestr("spacy_lambda/runtime/handler.py", "")
    return Bundle(
        path=path,
        package_type="zip",
        reason="",
        target=Target(),
        zipped=path.stat().st_size,
        unzipped=100,
        location="pipeline",
        pipeline_sha256=64 * "a",
        sizes={},
        components=(),
        removed=(),
        bytecode=True,
        image=None,
        proof=Proof(True, "tested", load_s=load_s, peak_mb=peak_mb),
    )


def findings(
    folder: Path, *, ms: float = 20.0, measured: dict[str, Any] | None = None, **config: Any
) -> dict[str, Any]:
    latency = Latency(source="golden.jsonl", texts=1, characters=100, runs=1, ms=ms, cpus=1.0)
    function = FunctionConfig(name="ner", pipeline="./compiled", **config)
    return {one.name: one.status for one in check_limits(function, bundle(folder, **(measured or {})), latency)}


def test_a_function_within_the_limits(tmp_path: Path) -> None:
    assert {*findings(tmp_path).values()} == {"ok"}
    assert findings(tmp_path, measured={"load_s": None, "peak_mb": None})["init"] == "ok"


def test_files_settings_and_memory_fail(tmp_path: Path) -> None:
    assert findings(tmp_path, architecture="arm64")["target"] == "fails"
    assert findings(tmp_path, snapstart=True, shape="image-efs")["settings"] == "fails"
    assert findings(tmp_path, memory=256)["memory"] == "fails"


def test_durations_of_this_machine_only_warn(tmp_path: Path) -> None:
    assert findings(tmp_path, ms=90_000, memory=1769)["duration"] == "warning"
    assert findings(tmp_path, measured={"load_s": 60.0}, timeout=10)["init"] == "warning"


def test_what_would_fail_is_not_deployed() -> None:
    near = LimitFinding("init", "warning", "8.0 s", "raise memory")
    over = LimitFinding("memory", "fails", "peak 300 MB of 256 MB: Lambda kills it", "raise memory to 384 MB")
    require_limits("ner", (near,))
    with pytest.raises(DeployError) as refused:
        require_limits("ner", (near, over))
    assert refused.value.message == (
        "ner would fail on Lambda; nothing was deployed:\n"
        "  memory: peak 300 MB of 256 MB: Lambda kills it\n"
        "    raise memory to 384 MB"
    )
    assert refused.value.remedy == "raise memory to 384 MB; --no-check deploys without these checks"
