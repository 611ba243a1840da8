"""Samples of output are of one environment: the versions that they show are the tested ones."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.docs.blocks import PAGES, ROOT

PINNED = dict(re.findall(r"^([\w.-]+)==(\d\S*)", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE))
OWN = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
VERSION = re.compile(rf"(?<![\w.-])({'|'.join(map(re.escape, PINNED))}|spacy-lambda)(?: |==)(\d+\.\d+\.\d+)(?![\w.])")


def test_the_versions_of_samples_are_the_tested_ones() -> None:
    assert PINNED["spacy"]
    known = PINNED | {"spacy-lambda": OWN}
    found = [(page, *one) for page in PAGES for one in VERSION.findall(page.read_text(encoding="utf-8"))]
    assert {name for _, name, _ in found} >= {"spacy", "onnxruntime", "spacy-lambda"}
    others = [(page.name, name, shown) for page, name, shown in found if known[name].partition("+")[0] != shown]
    assert others == []


@pytest.mark.parametrize(("text", "found"), [("spacy 3.8.18, x", [("spacy", "3.8.18")]), ("en-spacy 1.2.3", [])])
def test_versions_are_found(text: str, found: list[tuple[str, str]]) -> None:
    assert VERSION.findall(text) == found
