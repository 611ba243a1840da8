"""Distributions that every function has: spacy-lambda and its requirements, without those that no function uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from packaging.utils import canonicalize_name

from spacy_lambda.packages.closure import requirement_closure

__all__ = ["LEFT_OUT", "SPACY_LAMBDA", "left_out"]

SPACY_LAMBDA = "spacy-lambda"
"""Taken from where it is installed: the function runs the same code that compiled the pipeline."""

_CLI = "only spaCy's command line uses it, which the runtime does not import"
_HUB = "only downloads models, which the function fetches by itself"
LEFT_OUT = {
    "anyio": _CLI,
    "certifi": _CLI,
    "charset-normalizer": _CLI,
    "click": _CLI,
    "cloudpathlib": _CLI,
    "filelock": _HUB,
    "flatbuffers": "onnxruntime reads its own format in C++",
    "fsspec": _HUB,
    "hf-xet": _HUB,
    "httpcore": _CLI,
    "httpx": _CLI,
    "huggingface-hub": _HUB,
    "idna": _CLI,
    "jinja2": _CLI,
    "markupsafe": _CLI,
    "protobuf": "onnxruntime imports it for quantization only",
    "pyyaml": _HUB,
    "requests": _CLI,
    "setuptools": "an installer",
    "smart-open": _CLI,
    "spacy-loggers": "only training logs",
    "typer": _CLI,
    "urllib3": _CLI,
    "weasel": _CLI,
}
"""Distributions that are required and not needed, with the requirements of these alone."""


def left_out(requirements: Iterable[str], markers: Mapping[str, str] | None = None) -> frozenset[str]:
    """Return the normal names of the distributions that spaCy requires and a function does without.

    Requirements of the pipeline itself are kept: ``requests`` for its custom code, for example.

    :param requirements: Requirements of the pipeline.
    :param markers: The environment in which markers are evaluated; by default this interpreter's.
    :raises RequirementError: If a requirement is not installed here.
    """
    base = {canonicalize_name(dist.metadata["Name"]) for dist in requirement_closure((SPACY_LAMBDA,), markers=markers)}
    there = base - LEFT_OUT.keys()
    own = requirement_closure(requirements, markers=markers, without=there)
    return frozenset(LEFT_OUT.keys() - {canonicalize_name(dist.metadata["Name"]) for dist in own})
