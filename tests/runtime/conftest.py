"""The bundled pipeline, loaded once; and a cache with what it is to hold."""

from __future__ import annotations

from pathlib import Path

import pytest
import spacy
from spacy.language import Language

from spacy_lambda.core.location import Location
from spacy_lambda.runtime.cache.settings import CacheSettings
from spacy_lambda.runtime.loading import load_pipeline, locate_pipeline
from tests.runtime.cache.caches import artifact
from tests.runtime.environments import runs_with_torch
from tests.runtime.fakes import BUNDLED, processed


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what runs at the same time in the environment without torch."""
    apart = config.getoption("runtime_apart") and not runs_with_torch(collection_path)
    return True if apart else None


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


@pytest.fixture
def nlp() -> Language:
    """A pipeline that records what it processes."""
    nlp = spacy.blank("xx")
    nlp.add_pipe("counting")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "METAL", "pattern": "iron"}])  # type: ignore[attr-defined]
    processed.clear()  # the pattern, too
    return nlp
