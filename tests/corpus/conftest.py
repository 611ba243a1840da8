"""A small pipeline without a transformer: these tests are about the corpus."""

from __future__ import annotations

from pathlib import Path

import pytest
import spacy

from tests.corpus.engines import InProcess


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a pipeline that finds materials and processes, and splits sentences."""
    nlp = spacy.blank("xx")
    nlp.add_pipe("sentencizer")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns(  # type: ignore[attr-defined]
        [{"label": "MATERIAL", "pattern": word} for word in ("iron", "glass", "silicon")]
        + [{"label": "PROCESS", "pattern": "heat"}]
    )
    folder = tmp_path_factory.mktemp("pipeline") / "rules"
    nlp.to_disk(folder)
    return folder


@pytest.fixture
def engine(pipeline: Path) -> InProcess:
    """Return an engine in this process, with the default options."""
    return InProcess(pipeline)
