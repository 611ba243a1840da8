"""The API's description: by a validator; and against the API by schemathesis, through the local Lambda."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import spacy

from spacy_lambda.local import FunctionSettings, LocalLambda
from spacy_lambda.runtime.events.http.openapi import openapi
from spacy_lambda.runtime.predictor import Predictor
from tests.profiles import examples


@pytest.mark.slow
@pytest.mark.parametrize("labels", [(), ("METAL", "<b>ODD</b>")], ids=["no_labels", "labels"])
def test_generators_of_clients_can_read_it(labels: tuple[str, ...]) -> None:
    """It is valid, and has names for its parts, of which generators make classes."""
    # It takes most of a second to import, and every process of a parallel run collects every test.
    from openapi_spec_validator import OpenAPIV31SpecValidator

    nlp = spacy.blank("en")
    if labels:
        patterns = [{"label": label, "pattern": "iron"} for label in labels]
        nlp.add_pipe("entity_ruler").add_patterns(patterns)  # type: ignore[attr-defined]
    nlp.meta.update(license="MIT", notes="Not for poems.")
    document = openapi(Predictor(nlp, {}), "/prod")
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    assert document["info"]["license"] == {"name": "MIT"}
    assert document["info"]["description"] == "The spaCy pipeline en_pipeline.\n\nNot for poems."
    schemas = document["components"]["schemas"]
    assert {
        "TextRequest",
        "TextsRequest",
        "InputsRequest",
        "Entity",
        "EntityGroup",
        "DocParts",
        "Label",
    } <= schemas.keys()
    named = [*schemas["Request"]["oneOf"], *schemas["Prediction"]["anyOf"][0]["items"]["anyOf"]]
    assert all(schema.keys() == {"$ref"} for schema in named)


@pytest.mark.slow
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
