"""The table of precisions covers every precision, and every stage asks it."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from spacy_lambda.compiler.encode import GRAPHS
from spacy_lambda.compiler.precisions import EXACT, PRECISIONS, rules_in
from spacy_lambda.core.compiled_meta import COMPILE_SMALLER, MEMORY_PER_FILE_BYTE, Precision


def test_every_precision_has_rules_and_every_inexact_one_a_graph() -> None:
    assert tuple(PRECISIONS) == get_args(Precision)
    assert all(name == rules.name for name, rules in PRECISIONS.items())
    assert set(GRAPHS) == {name for name, rules in PRECISIONS.items() if not rules.exact}


def test_the_memory_of_a_precision_follows_from_its_rules() -> None:
    for name, rules in PRECISIONS.items():
        assert MEMORY_PER_FILE_BYTE.get(name, 1) == (32 // rules.weight_bits if rules.expanded else 1)


def test_the_remedy_for_a_large_pipeline_is_a_precision_with_the_least_memory() -> None:
    recommended = PRECISIONS[COMPILE_SMALLER.removeprefix("compile the pipeline to ")]  # type: ignore[index]
    assert not recommended.expanded
    assert recommended.weight_bits == min(rules.weight_bits for rules in PRECISIONS.values())


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
