"""The digest in a bundle's metadata: an invalid one ends the init."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.errors import DigestError
from spacy_lambda.runtime.loading import _bundled

DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize("digest", ["", "..", "/etc", DIGEST.upper(), DIGEST[1:], f"{DIGEST}\r\nx: y", None, 1, []])
def test_other_digests_are_refused(digest: Any, tmp_path: Path) -> None:
    facts = {"location": "./pipeline", "sha256": digest}
    (tmp_path / "bundle.json").write_text(json.dumps(facts))
    with pytest.raises(DigestError, match=r"the sha256 in bundle\.json"):
        _bundled({"LAMBDA_TASK_ROOT": str(tmp_path)})


def test_the_digest_is_read(tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_text(json.dumps({"location": "./pipeline", "sha256": DIGEST}))
    assert _bundled({"LAMBDA_TASK_ROOT": str(tmp_path)}) == ("./pipeline", DIGEST)
    assert _bundled({"LAMBDA_TASK_ROOT": str(tmp_path / "none")}) == ("", None)
