"""The wheel of a pipeline with custom code works where it is installed."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
import spacy

from spacy_lambda.errors import InvalidPipelineError
from spacy_lambda.pipeline_wheel.build import build_wheel

pytestmark = pytest.mark.slow

CODE = """
from spacy.language import Language


@Language.component("shouting")
def shouting(doc):
    doc.user_data["loud"] = doc.text.upper()
    return doc
"""
LOAD = "import spacy, sys; sys.path.insert(0, sys.argv[1]); print(spacy.load('en_loud')('iron').user_data['loud'])"


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    folder = tmp_path / "pipeline"
    nlp = spacy.blank("en")
    nlp.meta.update(name="loud", version="1.0")
    nlp.to_disk(folder)
    config = nlp.config
    config["nlp"]["pipeline"] = ["shouting"]
    config["components"]["shouting"] = {"factory": "shouting"}
    config.to_disk(folder / "config.cfg")
    (folder / "code").mkdir()
    (folder / "code" / "ours.py").write_text(CODE)
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps({**meta, "spacy_lambda": {"code": ["ours"]}}))
    return folder


def test_it_loads_where_it_is_installed(pipeline: Path, tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    wheel = build_wheel(pipeline, tmp_path / "scratch")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(tmp_path / "site")], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.stdout == "IRON\n", done.stderr
    (metadata,) = (tmp_path / "site").glob("*.dist-info/METADATA")
    required = Parser().parsestr(metadata.read_text()).get_all("Requires-Dist") or []
    assert any(one.startswith("spacy-lambda>=") for one in required)


@pytest.mark.parametrize("key", ["requirements", "setup_requires"])
@pytest.mark.parametrize("requirement", ["x @ https://example.org/x.whl", "--index-url=https://example.org", None])
def test_installing_it_fetches_nothing_by_address(
    pipeline: Path, tmp_path: Path, key: str, requirement: str | None
) -> None:
    meta = json.loads((pipeline / "meta.json").read_text())
    (pipeline / "meta.json").write_text(json.dumps({**meta, key: [requirement]}))
    (tmp_path / "scratch").mkdir()
    with pytest.raises(InvalidPipelineError, match="the pipeline requires"):
        build_wheel(pipeline, tmp_path / "scratch")
