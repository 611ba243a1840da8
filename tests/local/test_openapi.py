"""The API against its own description, by schemathesis: through the local Lambda, over HTTP."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import spacy

from spacy_lambda.local import FunctionSettings, LocalLambda
from tests.profiles import examples

pytestmark = pytest.mark.slow


def test_the_api_matches_its_description(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "METAL", "pattern": "iron"}])  # type: ignore[attr-defined]
    nlp.to_disk(tmp_path / "metals")
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        "--max-examples",
        str(examples(200)),
        "--no-color",
    ]
    with LocalLambda(FunctionSettings(pipeline=tmp_path / "metals", max_concurrency=2)) as local:
        done = subprocess.run(
            [*command, f"{local.endpoint_url}/openapi.json"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
        )
    assert done.returncode == 0, done.stdout[-5000:]
    assert "Tested: 3" in done.stdout
