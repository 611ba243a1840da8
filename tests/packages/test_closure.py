"""From requirements to installed distributions."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

from spacy_lambda.errors import RequirementError
from spacy_lambda.packages.closure import requirement_closure
from spacy_lambda.packages.task_root import build_task_root


def test_closure_follows_requirements_and_not_extras() -> None:
    names = {dist.metadata["Name"] for dist in requirement_closure(["spacy-lambda"])}
    assert {"spacy-lambda", "spacy", "thinc", "onnxruntime", "tokenizers", "numpy"} <= names
    assert names.isdisjoint({"boto3", "pytest", "starlette", "uvicorn", "torch"})


def test_closure_follows_an_extra_that_is_named() -> None:
    names = {dist.metadata["Name"] for dist in requirement_closure(["spacy-lambda[local]"])}
    assert {"boto3", "starlette"} <= names


def test_requirement_that_is_not_installed() -> None:
    with pytest.raises(RequirementError, match="no-such-distribution") as caught:
        build_task_root(["no-such-distribution>=1"])
    assert caught.value.remedy == "pip install 'no-such-distribution>=1'"


def test_requirement_of_another_version() -> None:
    installed = version("srsly")
    with pytest.raises(RequirementError, match=f"'srsly>=99', and srsly {installed} is installed") as caught:
        requirement_closure(["srsly>=99"])
    assert caught.value.remedy.startswith("pip install 'srsly>=99'")
    assert requirement_closure([f"srsly=={installed}", "srsly>=99; sys_platform == 'never'"])


def test_a_version_is_compared_even_if_another_requirement_has_brought_the_distribution() -> None:
    with pytest.raises(RequirementError, match=r"thinc==1\.0"):
        requirement_closure(["thinc==1.0", "spacy"])


def test_installed_pre_releases_count_and_indirect_requirements_are_not_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, number, requires in (("early", "2.0.0rc1", "srsly>=99"), ("odd", "not a version", "")):
        folder = tmp_path / f"{name}-1.dist-info"
        folder.mkdir()
        lines = f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n"
        (folder / "METADATA").write_text(lines + (f"Requires-Dist: {requires}\n" if requires else ""))
    monkeypatch.syspath_prepend(tmp_path)
    found = {dist.metadata["Name"] for dist in requirement_closure(["early>=1.5", "odd>=1"])}
    assert {"early", "odd", "srsly"} <= found


def test_requirement_for_another_system_is_passed_over() -> None:
    assert requirement_closure(["no-such-distribution; sys_platform == 'never'"]) == ()


def test_requirement_that_cannot_be_read() -> None:
    with pytest.raises(RequirementError, match="not a requirement"):
        requirement_closure(["=="])
