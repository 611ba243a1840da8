"""The requirements of a pipeline's function."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from spacy_lambda.errors import LocalLambdaError, PipelineNotFoundError
from spacy_lambda.local import FunctionSettings
from spacy_lambda.local.requirements import installed_program, read_source
from spacy_lambda.packages.task_root import build_task_root


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


def test_a_wheel_is_unpacked_while_it_is_served(pipeline: Path, tmp_path: Path) -> None:
    wheel = Path(shutil.make_archive(str(tmp_path / "mine"), "zip", pipeline.parent, pipeline.name)).rename(
        tmp_path / "MINE.WHL"
    )
    with installed_program(FunctionSettings(pipeline=wheel)) as program:
        folder = Path(program.variables["SPACY_LAMBDA_PIPELINE"])
        assert (folder / "config.cfg").is_file()
    assert not folder.exists()


@pytest.mark.parametrize("name", ["./no/such/folder", "no_such_package", "wasabi"])
def test_pipeline_that_is_not_one(name: str) -> None:
    with pytest.raises(PipelineNotFoundError) as caught:
        read_source(name)
    assert "pipeline folder" in caught.value.remedy


def test_folder_that_is_not_a_pipeline(tmp_path: Path) -> None:
    with pytest.raises(PipelineNotFoundError, match=r"no config\.cfg and no meta\.json") as caught:
        read_source(tmp_path)
    assert "spacy-lambda compile" in caught.value.remedy


def test_a_folder_of_links_is_read(pipeline: Path, tmp_path: Path) -> None:
    """As those in the cache of the Hub."""
    linked = tmp_path / "snapshots" / "1"
    linked.mkdir(parents=True)
    for entry in pipeline.iterdir():
        (linked / entry.name).symlink_to(entry)
    with installed_program(FunctionSettings(pipeline=linked)) as program:
        assert pipeline in program.reads


def test_a_package_of_links_is_read(pipeline: Path, tmp_path: Path) -> None:
    """As uv installs packages with ``--link-mode symlink``."""
    cache, package = tmp_path / "cache", tmp_path / "code" / "package"
    for folder in (cache, package):
        folder.mkdir(parents=True)
    (cache / "module.py").touch()
    (package / "module.py").symlink_to(cache / "module.py")
    with installed_program(FunctionSettings(pipeline=pipeline, code=package.parent)) as program:
        assert cache in program.reads


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
            version="live\n",
            environment={"A B": "", "C": "a\0b", "LONG": 4096 * "x"},
        )
    for name in (
        *("name 'a b'", "handler 'h'", "901", "64 MB", "concurrency 0", "idle timeout 0", "version 'live\\n'"),
        *("variable 'A B'", "variable 'C'", "variables of 4,107 bytes"),
    ):
        assert name in caught.value.message
