"""The table of precisions covers every precision, and every stage asks it."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from spacy_lambda.compiler.encode import GRAPHS
from spacy_lambda.compiler.precisions import EXACT, PRECISIONS, rules_in
from spacy_lambda.core.compiled_meta import Precision


def test_every_precision_has_rules_and_every_inexact_one_a_graph() -> None:
    assert tuple(PRECISIONS) == get_args(Precision)
    assert all(name == rules.name for name, rules in PRECISIONS.items())
    assert set(GRAPHS) == {name for name, rules in PRECISIONS.items() if not rules.exact}


@pytest.mark.parametrize(
    ("meta", "name"),
    [
        ({"spacy_lambda": {"precision": "int8"}}, "int8"),
        ({"spacy_lambda": {"precision": "fp32"}}, "fp32"),
        ({"spacy_lambda": {"precision": ["int8"]}}, "fp32"),
        ({"spacy_lambda": {"precision": "unknown"}}, "fp32"),
        ({"spacy_lambda": "int8"}, "fp32"),
        ({}, "fp32"),
    ],
)
def test_rules_by_meta(meta: dict[str, Any], name: str) -> None:
    assert rules_in(meta).name == name
    assert EXACT.name == "fp32"
