"""From PIPELINE to a task root."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from spacy_lambda.errors import LocalLambdaError, PipelineNotFoundError
from spacy_lambda.local import FunctionSettings, build_task_root
from spacy_lambda.local.requirements import read_source
from spacy_lambda.packages.closure import requirement_closure


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pipeline: Path) -> Path:
    """An installed pipeline package, as ``spacy package`` makes it."""
    site = tmp_path / "site"
    folder = site / "en_tiny_acme"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('nothing may import this')")
    meta = '{"lang": "en", "name": "tiny_acme", "version": "1.2.3", "requirements": ["wasabi>=0.9"]}'
    (folder / "meta.json").write_text(meta)
    data = folder / "en_tiny_acme-1.2.3"
    data.mkdir()
    (data / "meta.json").write_text(meta)
    (data / "config.cfg").write_text('[nlp]\nlang = "en"\npipeline = []\n')
    info = site / "en_tiny_acme-1.2.3.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: en_tiny_acme\nVersion: 1.2.3\n")
    names = [path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()]
    (info / "RECORD").write_text("\n".join(f"{name},," for name in [*names, f"{info.name}/RECORD"]))
    monkeypatch.syspath_prepend(site)
    return site


def test_pipeline_directory(pipeline: Path) -> None:
    assert read_source(pipeline).location == str(pipeline)


def test_pipeline_package(package: Path) -> None:
    source = read_source("en_tiny_acme")
    assert source.location == str(package / "en_tiny_acme" / "en_tiny_acme-1.2.3")
    assert source.requirements == ("en_tiny_acme", "wasabi>=0.9")
    assert "en_tiny_acme" not in sys.modules


def test_pipeline_package_is_linked(package: Path) -> None:
    root = build_task_root(read_source("en_tiny_acme").requirements)
    try:
        assert (root.path / "en_tiny_acme").resolve() == package / "en_tiny_acme"
        assert "en_tiny_acme==1.2.3" in root.distributions
    finally:
        root.remove()


@pytest.mark.parametrize("name", ["./no/such/folder", "no_such_package", "wasabi"])
def test_pipeline_that_is_not_one(name: str) -> None:
    with pytest.raises(PipelineNotFoundError) as caught:
        read_source(name)
    assert "pipeline directory" in caught.value.remedy


def test_folder_that_is_not_a_pipeline(tmp_path: Path) -> None:
    with pytest.raises(PipelineNotFoundError, match=r"no config\.cfg and no meta\.json") as caught:
        read_source(tmp_path)
    assert "spacy-lambda compile" in caught.value.remedy


def test_closure_follows_requirements_and_not_extras() -> None:
    names = {dist.metadata["Name"] for dist in requirement_closure(["spacy-lambda"])}
    assert {"spacy-lambda", "spacy", "thinc", "onnxruntime", "tokenizers", "numpy"} <= names
    assert names.isdisjoint({"boto3", "pytest", "starlette", "uvicorn", "torch"})


def test_closure_follows_an_extra_that_is_asked_for() -> None:
    names = {dist.metadata["Name"] for dist in requirement_closure(["spacy-lambda[local]"])}
    assert {"boto3", "starlette"} <= names


def test_requirement_that_is_not_installed() -> None:
    with pytest.raises(LocalLambdaError, match="no-such-distribution") as caught:
        build_task_root(["no-such-distribution>=1"])
    assert caught.value.remedy == "pip install 'no-such-distribution>=1'"


def test_requirement_of_another_version() -> None:
    installed = version("srsly")
    with pytest.raises(LocalLambdaError, match=f"'srsly>=99', and srsly {installed} is installed") as caught:
        requirement_closure(["srsly>=99"])
    assert caught.value.remedy.startswith("pip install 'srsly>=99'")
    assert requirement_closure([f"srsly=={installed}", "srsly>=99; sys_platform == 'never'"])


def test_pre_releases_that_are_installed_count_and_what_packages_require_is_not_compared(
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
    with pytest.raises(LocalLambdaError, match="not a requirement"):
        requirement_closure(["=="])


def test_task_root_is_links_only_and_is_removed(tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "mine.py").write_text("")
    root = build_task_root(code=code)
    assert (root.path / "mine.py").is_symlink()
    assert (root.path / "spacy_lambda").resolve() == Path(__file__).parents[2] / "src" / "spacy_lambda"
    assert not any(path.is_file() and not path.is_symlink() for path in root.path.iterdir())
    root.remove()
    assert not root.path.exists()
    assert (code / "mine.py").exists()


def test_settings_name_every_fault() -> None:
    with pytest.raises(LocalLambdaError) as caught:
        FunctionSettings(
            pipeline="x",
            name="a b",
            handler="h",
            timeout_s=901,
            memory_mb=64,
            max_concurrency=0,
            idle_timeout_s=0,
        )
    for name in ("name 'a b'", "handler 'h'", "901", "64 MB", "concurrency 0", "idle timeout 0"):
        assert name in caught.value.message
