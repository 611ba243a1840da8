"""What the function says of itself."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from spacy_lambda.core.env_names import FUNCTION_NAME_VARIABLE
from spacy_lambda.runtime.events.http.page_settings import other_function
from spacy_lambda.runtime.predictor import Function
from spacy_lambda.runtime.scores import score_kind

__all__ = ["describe"]

DISTRIBUTIONS = ("spacy", "onnxruntime", "tokenizers", "spacy-lambda")


def describe(function: Function) -> dict[str, Any]:
    """The pipeline's name, labels, versions, hashes and figures; the function's limits, its name, and what it is
    compared with."""
    meta = function.nlp.meta
    other = other_function(function.environ)
    limits = function.capacity.limits
    return {
        "name": f"{meta['lang']}_{meta['name']}",
        "version": meta["version"],
        "description": meta.get("description", ""),
        "license": meta.get("license", ""),
        "pipeline": list(function.nlp.pipe_names),
        "labels": {name: list(labels) for name, labels in function.nlp.pipe_labels.items() if labels},
        "performance": meta.get("performance", {}),
        "spacy_lambda": meta.get("spacy_lambda", {}),
        "sha256": function.sha256,
        "function": function.environ.get(FUNCTION_NAME_VARIABLE),
        "max_length": limits.text,
        "limits": {
            "characters_per_text": limits.text,
            "texts_per_request": limits.texts,
            "characters_per_request": limits.total,
            f"{function.capacity.speed.unit}_per_text": limits.units,
        },
        "scores": score_kind(function.nlp),
        "versions": {"python": platform.python_version(), **_versions()},
        **({"compare": other.url} if other else {}),
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in DISTRIBUTIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
