"""A small pipeline, and what is packed from it."""

from __future__ import annotations

from pathlib import Path

import pytest
import spacy

from spacy_lambda.core.artifact.pack import Packed, pack


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "METAL", "pattern": "iron"}])  # type: ignore[attr-defined]
    nlp.meta["name"] = "metals"
    nlp.meta["version"] = "1.2.3"
    path = tmp_path_factory.mktemp("source") / "metals"
    nlp.to_disk(path)
    (path / "empty").mkdir()
    (path / "nothing").touch()
    (path / "block").write_bytes(bytes(range(256)) * 2)
    return path


@pytest.fixture(scope="session")
def packed(pipeline: Path, tmp_path_factory: pytest.TempPathFactory) -> Packed:
    return pack(pipeline, tmp_path_factory.mktemp("packed"))
