"""Metadata of the function: its pipeline, versions and limits."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from spacy_lambda.core.compiled_meta import META_KEY
from spacy_lambda.core.env_names import FUNCTION_NAME_VARIABLE, NOTES_VARIABLE
from spacy_lambda.runtime.events.http.page_settings import example_texts, has_page, other_function
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.scores import score_kind

__all__ = ["describe"]

DISTRIBUTIONS = ("spacy", "onnxruntime", "tokenizers", "spacy-lambda")


def describe(predictor: Predictor) -> dict[str, Any]:
    """Return the pipeline's name, intended use, labels, versions, hashes and figures; the function's limits, its name,
    the examples of its page, and what it is compared with."""
    meta = predictor.nlp.meta
    other = other_function(predictor.environ)
    limits = predictor.capacity.limits
    return {
        "name": f"{meta['lang']}_{meta['name']}",
        "version": meta["version"],
        "description": meta.get("description", ""),
        "notes": str(predictor.environ.get(NOTES_VARIABLE) or meta.get("notes") or ""),
        "author": meta.get("author", ""),
        "url": meta.get("url", ""),
        "sources": meta.get("sources") or [],
        "license": meta.get("license", ""),
        "pipeline": list(predictor.nlp.pipe_names),
        "labels": {name: list(labels) for name, labels in predictor.nlp.pipe_labels.items() if labels},
        "performance": meta.get("performance", {}),
        "spacy_lambda": meta.get(META_KEY, {}),
        "sha256": predictor.sha256,
        "function": predictor.environ.get(FUNCTION_NAME_VARIABLE),
        "max_length": limits.text_characters,
        "limits": {
            "characters_per_text": limits.text_characters,
            "texts_per_request": limits.texts,
            "characters_per_request": limits.total_characters,
            f"{predictor.capacity.speed.unit}_per_text": limits.text_units,
            "timeout_s": predictor.capacity.timeout_s,
        },
        "scores": score_kind(predictor.nlp),
        "versions": {"python": platform.python_version(), **_versions()},
        **({"examples": list(example_texts(predictor.environ, meta))} if has_page(predictor.environ) else {}),
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
