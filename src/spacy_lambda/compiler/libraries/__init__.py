"""Libraries of transformers for spaCy: what the compiler reads of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spacy_lambda.compiler.libraries.curated import CURATED
from spacy_lambda.compiler.libraries.library import Library, Reason
from spacy_lambda.compiler.libraries.part import TransformerPart
from spacy_lambda.compiler.libraries.spacy_transformers import SPACY_TRANSFORMERS

__all__ = ["LIBRARIES", "Library", "Reason", "TransformerPart", "library_of"]

LIBRARIES = (SPACY_TRANSFORMERS, CURATED)


def library_of(component: Mapping[str, Any]) -> Library | None:
    """Return the library that a component comes from, or ``None`` if it is not a transformer.

    :param component: The component's config.
    """
    return next((library for library in LIBRARIES if component.get("factory") == library.factory), None)
