"""The bundled pipeline, loaded once; and a cache with what it is to hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from spacy.language import Language

from spacy_lambda.core.location import Location
from spacy_lambda.runtime.cache.settings import CacheSettings
from spacy_lambda.runtime.loading import load_pipeline, locate_pipeline

from .caches import artifact

BUNDLED = "en_scienceie_minilm"


@pytest.fixture(scope="session")
def bundled_path() -> Path:
    return locate_pipeline({"SPACY_LAMBDA_PIPELINE": BUNDLED}).path


@pytest.fixture(scope="session")
def bundled(bundled_path: Path) -> Language:
    return load_pipeline(bundled_path)


@pytest.fixture
def one(tmp_path: Path) -> Location:
    return artifact(tmp_path, "one")


@pytest.fixture
def settings(tmp_path: Path) -> CacheSettings:
    return CacheSettings(tmp_path / "cache")
