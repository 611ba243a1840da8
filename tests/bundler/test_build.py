"""A bundle as a whole, of wheels that are nearly empty: no network."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import spacy

from spacy_lambda.bundler import assemble
from spacy_lambda.bundler.build import BundleOptions, bundle
from spacy_lambda.bundler.pins import Pin, pin_requirements
from spacy_lambda.bundler.proof import Proof
from spacy_lambda.bundler.target import Target
from spacy_lambda.bundler.target_root import target_task_root
from spacy_lambda.errors import BundleError
from tests.bundler.installed import install_once, without_wheels
from tests.bundler.small_wheels import make_wheel

ZIP = BundleOptions(package_type="zip")


@pytest.fixture
def small(links: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pipeline, and one wheel of those that the function needs."""
    make_wheel(links, "pure", files={"pure/__init__.py": b"", "pure/tests/test_pure.py": b""})

    def pinned(requirements: object, target: Target) -> object:
        _, ours = pin_requirements([], target)
        return (Pin("pure", "1.0"),), ours

    monkeypatch.setattr(assemble, "pin_requirements", pinned)
    # Without spaCy in it, the bundle cannot answer.
    monkeypatch.setattr(assemble, "prove", lambda *arguments, **named: Proof(True, "not asked"))
    nlp = spacy.blank("en")
    nlp.meta.update(name="small", version="1.0")
    nlp.to_disk(tmp_path / "small")
    return tmp_path / "small"


def test_a_bundle(small: Path, tmp_path: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    (tmp_path / "out").mkdir()
    made = bundle(str(small), tmp_path / "out", ZIP, on_step=lambda *step: steps.append(step))
    assert made.path.name == "en_small-1.0-py313-x86_64.zip"
    assert steps[-1] == ("done", 6, 6)
    with pytest.raises(BundleError, match="exists"):
        bundle(str(small), tmp_path / "out", ZIP)
    again = bundle(str(small), tmp_path / "again.zip", ZIP)
    assert again.path.read_bytes() == made.path.read_bytes()
    with zipfile.ZipFile(made.path) as archive:
        names = set(archive.namelist())
        metadata = json.loads(archive.read("bundle.json"))
        assert archive.read("requirements.lock").startswith(b"pure==1.0")
        assert made.unzipped == sum(entry.file_size for entry in archive.infolist())
    assert {"pipeline/config.cfg", "pure/__init__.py", "spacy_lambda/runtime/handler.py"} <= names
    assert any(name.endswith("dist-info/entry_points.txt") for name in names)
    assert not any("/tests/" in name or name.startswith("spacy_lambda/compiler/") for name in names)
    assert metadata["sha256"] == made.pipeline_sha256
    assert metadata["target"] == {"python": "3.13", "arch": "x86_64"}


def test_a_function_for_another_machine(small: Path) -> None:
    with without_wheels(), target_task_root(small, Target("3.13", "arm64")) as root:
        assert (root / "pipeline" / "config.cfg").read_bytes() == (small / "config.cfg").read_bytes()
        assert (root / "spacy_lambda" / "runtime" / "handler.py").exists()
        assert not (root / "spacy_lambda" / "compiler").exists()
    assert not root.exists()


@pytest.mark.slow
def test_a_bundle_that_is_too_large(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_once(monkeypatch, tmp_path)
    with without_wheels():
        # bundle.json is written after the sizes are compared.
        limit = bundle(str(small), tmp_path / "fits.zip", ZIP).unzipped - 10_000
        with pytest.raises(BundleError, match=f"limit of {limit:,}") as caught:
            bundle(str(small), tmp_path / "out.zip", ZIP, limit=limit)
    assert "int8" in caught.value.remedy
    assert not (tmp_path / "out.zip").exists()


@pytest.mark.slow
def test_nothing_half_made_is_left(small: Path, links: Path, tmp_path: Path) -> None:
    for wheel in links.iterdir():
        wheel.unlink()
    (tmp_path / "out").mkdir()
    with pytest.raises(BundleError, match="no wheel of pure"):
        bundle(str(small), tmp_path / "out", ZIP)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.slow
def test_the_command(small: Path, links: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_once(monkeypatch, tmp_path)
    monkeypatch.setattr(assemble, "download_wheels", lambda *arguments: list(links.iterdir()))
    from typer.testing import CliRunner

    from spacy_lambda.cli import make_app

    output = CliRunner().invoke(make_app(), ["bundle", str(small), str(tmp_path / "out.zip"), "--report"]).output
    assert "left of the limit" in output
    assert "spacy_lambda.runtime.handler.handler" in output
    assert "pure" in output
    assert (tmp_path / "out.zip.svg").read_text().startswith("<svg")
    assert "*/tests/*" in output
    refused = CliRunner().invoke(make_app(), ["bundle", str(small), str(tmp_path / "out.zip")])
    assert "--force" in str(refused.exception)
    again = ["bundle", str(small), str(tmp_path / "out.zip"), "--json", "--force"]
    output = CliRunner().invoke(make_app(), again).stdout
    metadata = json.loads(output)
    assert metadata["zipped"] == (tmp_path / "out.zip").stat().st_size
    assert metadata["target"] == {"python": "3.13", "arch": "x86_64"}
