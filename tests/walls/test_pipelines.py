"""Finding a pipeline without loading it."""

from __future__ import annotations

from pathlib import Path

import pytest

from spacy_lambda.errors import PipelineNotFoundError
from spacy_lambda.pipelines import find_pipeline


def test_a_directory(tmp_path: Path) -> None:
    (tmp_path / "config.cfg").touch()
    (tmp_path / "meta.json").write_text("{}")
    assert find_pipeline(tmp_path) == find_pipeline(str(tmp_path)) == tmp_path


def test_an_installed_package() -> None:
    assert (find_pipeline("en_scienceie_minilm") / "config.cfg").is_file()


@pytest.mark.parametrize(
    ("pipeline", "message"),
    [
        ("no/such/folder", "no such directory, and no such installed package"),
        ("no_such_package", "no such directory, and no such installed package"),
        ("sys", "no such directory, and no such installed package"),
        ("wasabi", "the installed package 'wasabi' is not a spaCy pipeline: it has no meta.json"),
    ],
)
def test_no_such_pipeline(pipeline: str, message: str) -> None:
    with pytest.raises(PipelineNotFoundError) as caught:
        find_pipeline(pipeline)
    assert message in caught.value.message
    assert "a pipeline directory" in caught.value.remedy


def test_a_folder_that_is_no_pipeline(tmp_path: Path) -> None:
    with pytest.raises(PipelineNotFoundError) as caught:
        find_pipeline(tmp_path)
    assert "it has no config.cfg and no meta.json" in caught.value.message
    assert "output/model-best" in caught.value.remedy


def test_a_package_whose_meta_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "en_broken"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "meta.json").write_text("{")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PipelineNotFoundError, match="cannot be read as JSON"):
        find_pipeline("en_broken")
