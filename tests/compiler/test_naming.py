"""The name and version of a compiled pipeline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import spacy

from spacy_lambda.compiler.compile import compile_pipeline
from spacy_lambda.compiler.naming import chosen_name
from spacy_lambda.errors import CompileError

META = {"lang": "en", "name": "pipeline", "version": "0.0.0"}


@pytest.mark.parametrize(
    ("name", "version", "expected"),
    [
        (None, None, "en_pipeline-0.0.0"),
        ("materials", None, "en_materials-0.0.0"),
        ("en_materials", "1.2", "en_materials-1.2"),
        (None, "v1.0-rc1", "en_pipeline-1.0rc1"),
        ("2_Ab", "1!2.0+cpu", "en_2_Ab-1!2.0+cpu"),
    ],
)
def test_names(name: str | None, version: str | None, expected: str) -> None:
    assert str(chosen_name(META, name=name, version=version)) == expected


@pytest.mark.parametrize(
    ("name", "version", "message", "remedy"),
    [
        ("my-ner", None, "--name 'my-ner'", "--name my_ner"),
        ("a/b", None, "--name 'a/b'", "--name a_b"),
        ("x_", None, "--name 'x_'", "--name x"),
        ("", None, "--name ''", "--name materials"),
        ("en_", None, "--name 'en_'", "--name materials"),
        ("é", None, "--name", "--name materials"),
        (None, "one", "--version 'one'", "--version 1.2.0"),
        (None, "", "--version ''", "PEP 440"),
    ],
)
def test_invalid_names(name: str | None, version: str | None, message: str, remedy: str) -> None:
    with pytest.raises(CompileError) as caught:
        chosen_name(META, name=name, version=version)
    assert message in caught.value.message
    assert remedy in str(caught.value)


def test_a_compiled_pipeline_has_the_name(tmp_path: Path) -> None:
    spacy.blank("xx").to_disk(tmp_path / "original")
    out = tmp_path / "out"
    meta = compile_pipeline(
        str(tmp_path / "original"), out, name="ores", version="1.2.0", prove=lambda *arguments, **options: ()
    )
    assert (meta.source_name, meta.source_version) == ("xx_pipeline", "0.0.0")
    written = json.loads((out / "meta.json").read_text(encoding="utf-8"))
    assert (written["name"], written["version"]) == ("ores", "1.2.0")
    assert spacy.load(out).meta["name"] == "ores"
    with pytest.raises(CompileError, match="not valid"):
        compile_pipeline(str(tmp_path / "original"), out, name="my ores", force=True)
