"""Names of numeric tags in the metadata of a Parquet file, as Hugging Face's ``datasets`` writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spacy_lambda.core.strict_json import parse_json

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["named_tags", "names_metadata"]

KEY = b"huggingface"


def named_tags(schema: pa.Schema, column: str) -> tuple[str, ...]:
    """Return the names of a column's tags; none if the file has no names."""
    try:
        content = parse_json((schema.metadata or {}).get(KEY, b"{}"))
        feature = content["info"]["features"][column]
    except (ValueError, KeyError, TypeError):
        return ()
    return _names(feature)


def _names(feature: Any) -> tuple[str, ...]:
    """Return the names of a feature, at whatever depth a version of ``datasets`` writes them."""
    if isinstance(feature, list):
        return next(filter(None, map(_names, feature)), ())
    if not isinstance(feature, dict):
        return ()
    names = feature.get("names")
    if isinstance(names, dict):
        names = [names[key] for key in sorted(names, key=int)]
    if isinstance(names, list):
        return tuple(map(str, names)) if None not in names else ()
    return next(filter(None, map(_names, feature.values())), ())


def names_metadata(names: Sequence[str]) -> Mapping[bytes, bytes]:
    """Return the metadata of a file with ``id``, ``group``, ``tokens`` and ``ner_tags``."""
    string = {"dtype": "string", "_type": "Value"}
    tags = {"feature": {"names": list(names), "_type": "ClassLabel"}, "_type": "Sequence"}
    tokens = {"feature": string, "_type": "Sequence"}
    features = {"id": string, "group": string, "tokens": tokens, "ner_tags": tags}
    return {KEY: json.dumps({"info": {"features": features}}).encode()}
