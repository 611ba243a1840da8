"""The model card: a pipeline's metadata is escaped in it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from spacy_lambda.pipeline.kind import PipelineKind
from spacy_lambda.store.hub.card import model_card

META = {"lang": "en", "name": "metals", "version": "1.0", "license": "MIT", "labels": {}, "pipeline": []}
HOSTILE = "x](https://evil) <script>alert(1)</script> | `rm -rf` |\n\n# Title\n---\ntags: [evil]"


def card(kind: PipelineKind = PipelineKind.COMPILED, **block: Any) -> str:
    meta = {**META, "spacy_lambda": {"precision": "int8", **block}} if block else META
    return model_card(
        meta, repository="acme/x", wheel_url="https://h/x.whl", sha256="0" * 64, compiled=meta, readme="text", kind=kind
    )


@pytest.mark.parametrize(
    "block",
    [
        {"source_name": HOSTILE},
        {"source_version": HOSTILE},
        {"source_sha256": HOSTILE},
        {"verification": {"documents": 1, "identical_documents": 1, "components": [{"component": HOSTILE}]}},
    ],
)
def test_marks_are_text(block: dict[str, Any]) -> None:
    written = card(**block)
    assert "](" not in written
    assert "<script" not in written
    assert "\n# Title" not in written
    assert "evil" not in yaml.safe_load(written.split("---\n")[1])["tags"]


def test_the_card_of_an_original() -> None:
    written = card(PipelineKind.ORIGINAL)
    assert "spacy-lambda serve" not in written
    assert "spacy-lambda compile original compiled" in written
    assert "spacy-lambda serve" in card()
