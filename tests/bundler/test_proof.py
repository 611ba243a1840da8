"""A bundle is proved before it is written: missing parts are named."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_lambda.bundler.proof import prove
from spacy_lambda.bundler.target import Target
from spacy_lambda.errors import BundleError
from spacy_lambda.packages.task_root import build_task_root

OTHER = Target("3.13", {"x86_64": "arm64", "aarch64": "x86_64"}[os.uname().machine])
"""An architecture other than this machine's."""

FACTORY = """
from spacy.language import Language


@Language.component("needy")
def needy(doc):
    if doc.text:
        import no_such_package.inside
    return doc
"""


def pipeline(tree: Path, *, lang: str = "en", factory: str | None = None, code: str | None = None) -> None:
    """A pipeline in a bundle's folder, as spaCy writes it where it has all that it needs."""
    folder = tree / "pipeline"
    nlp = spacy.blank("en")
    nlp.to_disk(folder)
    config = nlp.config
    if lang == "ja":
        config["nlp"].update(lang="ja", tokenizer={"@tokenizers": "spacy.ja.JapaneseTokenizer", "split_mode": None})
    if factory is not None:
        config["nlp"]["pipeline"] = ["mine"]
        config["components"]["mine"] = {"factory": factory}
    config.to_disk(folder / "config.cfg")
    if code is not None:
        (folder / "code").mkdir()
        (folder / "code" / "ours.py").write_text(code)
        meta = json.loads((folder / "meta.json").read_text())
        (folder / "meta.json").write_text(json.dumps({**meta, "spacy_lambda": {"code": ["ours"]}}))


def refused(tree: Path, **named: Any) -> BundleError:
    with pytest.raises(BundleError) as caught:
        prove(tree, (), OTHER, python=None, name="mine", **named)
    return caught.value


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("sudachipy") is not None, reason="sudachipy is installed here")
def test_a_tokenizer_that_needs_a_package(tmp_path: Path) -> None:
    pipeline(tmp_path, lang="ja")
    error = refused(tmp_path)
    assert "mine does not load with the bundle's packages" in error.message
    assert "the module 'sudachipy' is missing" in error.message
    assert 'add it to "requirements"' in error.remedy


@pytest.mark.slow
def test_a_component_that_nothing_registers(tmp_path: Path) -> None:
    pipeline(tmp_path, factory="unregistered")
    error = refused(tmp_path)
    assert "mine does not load" in error.message
    assert "component 'mine': ValueError: [E002]" in error.message
    assert "--code" in error.remedy


@pytest.mark.slow
def test_a_component_that_fails_on_texts(tmp_path: Path) -> None:
    pipeline(tmp_path, factory="needy", code=FACTORY)
    error = refused(tmp_path)
    assert "mine does not run" in error.message
    assert "component 'mine': ModuleNotFoundError" in error.message
    assert "the module 'no_such_package' is missing" in error.message


@pytest.mark.slow
def test_a_process_that_ends(tmp_path: Path) -> None:
    pipeline(tmp_path, factory="needy", code="import os\nos._exit(3)\n")
    assert "ended with 3" in refused(tmp_path).message


@pytest.mark.slow
def test_for_another_machine_every_module_has_to_be_in_the_folder(tmp_path: Path) -> None:
    root = build_task_root(base=("spacy-lambda",))
    try:
        pipeline(tmp_path)
        for entry in root.path.iterdir():
            (tmp_path / entry.name).symlink_to(entry.resolve())
        proof = prove(tmp_path, (), OTHER, python=None, name="mine")
        assert not proof.bundle_itself
        (tmp_path / "srsly").unlink()
        assert "srsly" in refused(tmp_path).message
    finally:
        root.remove()


@pytest.mark.slow
def test_custom_code_runs(tmp_path: Path) -> None:
    pipeline(tmp_path, factory="needy", code=FACTORY.replace("no_such_package.inside", "json"))
    error = refused(tmp_path)
    assert "modules that are not in the bundle" in error.message
    assert "ours" not in error.message


@pytest.mark.slow
def test_other_installed_packages_are_not_found(tmp_path: Path) -> None:
    """pytest is here, and not in the bundle."""
    pipeline(tmp_path, factory="needy", code=FACTORY.replace("no_such_package.inside", "pytest"))
    assert "the module 'pytest' is missing" in refused(tmp_path).message
