"""Bundles of the bundled pipeline, with wheels from ``build/wheels`` (``make test``), and a folder for small wheels."""

from __future__ import annotations

import os
from pathlib import Path

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


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where pip finds wheels."""
    folder = tmp_path / "links"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder
