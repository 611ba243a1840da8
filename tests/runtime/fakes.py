"""A pipeline that notes what it processes, and calls as strangers make them."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

BUNDLED = "en_scienceie_minilm"


@Language.component("counting")
def counting(doc: Doc) -> Doc:
    processed.append(doc.text)
    return doc


processed: list[str] = []


def left(milliseconds: int) -> Any:
    return SimpleNamespace(aws_request_id="id", get_remaining_time_in_millis=lambda: milliseconds)


def url_event(body: Any, **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    http = {"method": "POST", "path": "/predict"}
    return {"rawPath": "/predict", "headers": named, "requestContext": {"http": http}, "body": json.dumps(body)}
