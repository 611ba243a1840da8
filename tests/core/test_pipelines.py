"""Finding a pipeline without loading it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lambda.core.compiled_meta import precision_of
from spacy_lambda.core.pipeline_meta import path_in, pipeline_name, read_meta, requirements_of
from spacy_lambda.core.pipelines import find_pipeline
from spacy_lambda.errors import InvalidPipelineError, PipelineNotFoundError


def test_a_directory(tmp_path: Path) -> None:
    (tmp_path / "config.cfg").touch()
    (tmp_path / "meta.json").write_text("{}")
    assert find_pipeline(tmp_path) == find_pipeline(str(tmp_path)) == tmp_path


def test_an_installed_package() -> None:
    assert (find_pipeline("en_scienceie_minilm") / "config.cfg").is_file()


@pytest.mark.parametrize(
    ("pipeline", "message"),
    [
        ("no/such/folder", "no such folder, and no such installed package"),
        ("no_such_package", "no such folder, and no such installed package"),
        ("sys", "no such folder, and no such installed package"),
        ("wasabi", "the installed package 'wasabi' is not a spaCy pipeline: it has no meta.json"),
    ],
)
def test_no_such_pipeline(pipeline: str, message: str) -> None:
    with pytest.raises(PipelineNotFoundError) as caught:
        find_pipeline(pipeline)
    assert message in caught.value.message
    assert "a pipeline folder" in caught.value.remedy


def test_a_folder_that_is_not_a_pipeline(tmp_path: Path) -> None:
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
    with pytest.raises(InvalidPipelineError, match="cannot be read as JSON") as caught:
        find_pipeline("en_broken")
    assert not isinstance(caught.value, PipelineNotFoundError)  # it is there


# What a pipeline is called.

GOOD = {"lang": "en", "name": "pipeline", "version": "0.0.0"}
HOSTILE = ["/tmp/victim/backup", "../x", "..", ".", "", "a/b", "a\\b", "C:x", "a\0b", "a\nb", "a\u202eb", ".git", "-rf"]
HOSTILE += ["$HOME", "a;b", "`a`", "a b", "a'b", 'a"b', "<a>", "{{a}}", "${x}", "a..b", "a.", "a-", "con", "NUL.x", "~"]
NOT_TEXT: list[Any] = [None, 1, 1.0, True, ["a"], {"a": 1}]


@pytest.mark.parametrize(
    ("lang", "name", "version"),
    [
        ("en", "pipeline", "0.0.0"),
        ("xx", "core_web_sm", "3.8.0"),
        ("zh-Hans", "my-ner.v2", "1.0rc1.post2.dev3+local.7"),
        ("ru", "новости", "1!2.0"),
        ("grc", "x" * 100, "v3-final"),
    ],
)
def test_names_that_spacy_gives(tmp_path: Path, lang: str, name: str, version: str) -> None:
    meta = write_meta(tmp_path, {"lang": lang, "name": name, "version": version, "other": 1})
    assert str(pipeline_name(read_meta(meta))) == f"{lang}_{name}-{version}"
    assert path_in(tmp_path, f"{lang}_{name}-{version}.tar").parent == tmp_path


@pytest.mark.parametrize("value", [*HOSTILE, *NOT_TEXT, "x" * 101, "é" * 60])
def test_names_that_could_lead_elsewhere(tmp_path: Path, value: Any) -> None:
    for key in GOOD:
        with pytest.raises(InvalidPipelineError, match=f"the pipeline's '{key}' is") as caught:
            read_meta(write_meta(tmp_path, {**GOOD, key: value}))
        assert f"correct '{key}' in its meta.json" in caught.value.remedy
        assert len(caught.value.message) < 300


@pytest.mark.parametrize("key", list(GOOD))
def test_a_missing_name(tmp_path: Path, key: str) -> None:
    with pytest.raises(InvalidPipelineError, match=f"the pipeline's '{key}' is ''"):
        read_meta(write_meta(tmp_path, {other: value for other, value in GOOD.items() if other != key}))


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_a_name_is_one_file_or_refused(lang: str, name: str, version: str) -> None:
    folder = Path("/a/folder")
    try:
        path = path_in(folder, f"{pipeline_name({'lang': lang, 'name': name, 'version': version})}.tar")
    except InvalidPipelineError:
        return
    assert path.parent == folder
    assert os.path.normpath(path) == str(path)
    assert str(path).isprintable()
    assert not path.name.startswith((".", "-"))


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/x", "a/b", "a\\b", "c:x", "a\nb"])
def test_the_writer_checks_again(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidPipelineError):
        path_in(tmp_path, name)


@pytest.mark.parametrize("text", ["[]", "null", '"x"', "[" * 100_000, "\ufffe", "{'a': 1}", ""])
def test_a_meta_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "meta.json").write_text(text)
    with pytest.raises(InvalidPipelineError):
        read_meta(tmp_path / "meta.json")


def test_a_package_whose_name_leads_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere_x-1"
    elsewhere.mkdir()
    for name in ("config.cfg", "meta.json"):
        (elsewhere / name).write_text("{}")
    (tmp_path / "en_evil").mkdir()
    (tmp_path / "en_evil" / "__init__.py").touch()
    write_meta(tmp_path / "en_evil", {"lang": str(tmp_path / "elsewhere"), "name": "x", "version": "1"})
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InvalidPipelineError):
        find_pipeline("en_evil")


# What it requires.


def test_requirements_by_name() -> None:
    good = ["sudachipy>=0.5.2,!=0.6.1", "spacy-lambda", "a[b,c] ~= 1.0; python_version < '3.14'", "x==1.*", "y (>=1)"]
    assert requirements_of({"requirements": good}) == tuple(good)
    assert requirements_of({}) == ()


@pytest.mark.parametrize(
    "requirement",
    [
        "--index-url=https://evil",
        "-r /etc/passwd",
        "git+https://evil/x",
        "x @ https://evil/x.whl",
        "x@file:///tmp/x.whl",
        "https://evil/x.whl",
        "./x.whl",
        "/tmp/x.whl",
        "x; python_version > '3' @ https://evil",
        "x>=1\n--index-url=https://evil",
        "x --hash=sha256:0",
        "x>=1" + ",>=1" * 500,
        "",
        None,
        1,
        {"x": 1},
        ["x"],
    ],
)
def test_invalid_requirements(requirement: Any) -> None:
    with pytest.raises(InvalidPipelineError, match="the pipeline requires") as caught:
        requirements_of({"requirements": ["spacy", requirement]})
    assert "not supported" in caught.value.remedy


@pytest.mark.parametrize("requirements", [None, {}, {"x": 1}, "spacy", 1, True])
def test_requirements_that_are_not_a_list(requirements: Any) -> None:
    with pytest.raises(InvalidPipelineError, match="not a list"):
        requirements_of({"requirements": requirements})


@pytest.mark.parametrize("block", ["int8", {"precision": "int4"}, {"precision": "../x"}, {"precision": ["int8"]}])
def test_an_unknown_precision(block: Any) -> None:
    with pytest.raises(InvalidPipelineError, match="has the unknown precision"):
        precision_of({"spacy_lambda": block})


def write_meta(folder: Path, meta: dict[str, Any]) -> Path:
    path = folder / "meta.json"
    path.write_text(json.dumps(meta))
    return path


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("en_core_web_trf", "python -m spacy download en_core_web_trf"),
        ("en-core-web-trf", "python -m spacy download en_core_web_trf"),
        ("hf://spacy/en_core_web_trf", "spacy-lambda pull hf://spacy/en_core_web_trf original"),
        ("./my store/en_x@live", "spacy-lambda pull './my store/en_x@live' original"),
        ("en_nothing", "give a pipeline folder"),
        ("x" * 9_000, "give a pipeline folder"),
    ],
)
def test_the_remedy_for_a_pipeline_that_is_not_here(name: str, remedy: str) -> None:
    with pytest.raises(PipelineNotFoundError) as caught:
        find_pipeline(name)
    assert remedy in caught.value.remedy
