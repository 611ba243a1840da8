"""The bundled pipeline, loaded once."""

from __future__ import annotations

from pathlib import Path

import pytest
from spacy.language import Language

from spacy_lambda.runtime.pipeline import load_pipeline, locate_pipeline

BUNDLED = "en_scienceie_minilm"


@pytest.fixture(scope="session")
def bundled_path() -> Path:
    return locate_pipeline({"SPACY_LAMBDA_PIPELINE": BUNDLED}).path


@pytest.fixture(scope="session")
def bundled(bundled_path: Path) -> Language:
    return load_pipeline(bundled_path)
