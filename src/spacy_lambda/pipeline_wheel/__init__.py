"""A pipeline as a wheel, for pip: built by ``spacy package``, with a model card, and installed once to check it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spacy_lambda.extras import lazy_imports

if TYPE_CHECKING:
    from spacy_lambda.pipeline_wheel.card import CARD_SECTIONS
    from spacy_lambda.pipeline_wheel.package import PackagedPipeline, package_pipeline

__all__ = ["CARD_SECTIONS", "PackagedPipeline", "package_pipeline"]

_LAZY_IMPORTS = {
    "CARD_SECTIONS": "spacy_lambda.pipeline_wheel.card",
    "PackagedPipeline": "spacy_lambda.pipeline_wheel.package",
    "package_pipeline": "spacy_lambda.pipeline_wheel.package",
}

__getattr__ = lazy_imports(__name__, _LAZY_IMPORTS, extra="hub")
