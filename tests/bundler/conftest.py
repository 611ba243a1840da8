"""Bundles of the bundled pipeline, as users make them; the wheels come from ``build/wheels`` (``make test``)."""

from __future__ import annotations

import pytest

from spacy_lambda.bundler.build import Bundle, BundleOptions, bundle
from spacy_lambda.bundler.target import Target
from tests.bundler.wheels import BUNDLED, no_index


@pytest.fixture
def wheelhouse(monkeypatch: pytest.MonkeyPatch) -> None:
    """pip finds the bundled pipeline's wheels and no others."""
    for name, value in no_index().items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def real_zip(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The bundled pipeline for Python 3.13 on x86-64, on any machine."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in no_index().items():
            patch.setenv(name, value)
        return bundle(
            BUNDLED, tmp_path_factory.mktemp("zip"), BundleOptions(target=Target("3.13", "x86_64"), package_type="zip")
        )
