"""Every scheme has a grammar, a source to read from, and a store to write to."""

from __future__ import annotations

from typing import get_args

from spacy_lambda.core.location import PARSERS, Location, Scheme
from spacy_lambda.core.source.find import SOURCES
from spacy_lambda.store.factory import STORAGES

SCHEMES = set(get_args(Scheme))


def test_every_scheme_is_known_to_every_table() -> None:
    assert set(PARSERS) == {scheme for scheme in SCHEMES if not Location(scheme, "a/b").is_local}
    assert set(SOURCES) == SCHEMES
    assert set(STORAGES) == {scheme for scheme in SCHEMES if not Location(scheme, "a/b").is_repository}
