"""Original pipelines and their compiled ones, each built once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_lambda.compiler.compile import compile_pipeline
from spacy_lambda.core.compiled_meta import Precision
from tests.compiler.originals import Pair, build_original
from tests.compiler.pipelines import unproved


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Builds an original pipeline; the same settings give the same folder."""
    built: dict[str, Path] = {}

    def build_once(**settings: Any) -> Path:
        key = repr(sorted(settings.items()))
        if key not in built:
            built[key] = build_original(tmp_path_factory.mktemp("original"), **settings)
        return built[key]

    return build_once


@pytest.fixture(scope="session")
def pair(original: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Pair]:
    """An original pipeline and its compiled one, both loaded."""
    loaded: dict[str, Pair] = {}

    def load(precision: Precision = "fp32", **settings: Any) -> Pair:
        key = precision + repr(sorted(settings.items()))
        if key not in loaded:
            path = original(**settings)
            out = tmp_path_factory.mktemp("compiled") / "pipeline"
            compile_pipeline(str(path), out, precision=precision, prove=unproved)
            loaded[key] = (spacy.load(path), spacy.load(out))
        return loaded[key]

    return load
