"""Types of annotations in Arrow: in Parquet files and in tables."""

from __future__ import annotations

from functools import cache
from typing import Any

__all__ = ["SPARK_TYPES", "column_type"]

SPARK_TYPES = {
    "ents": "array<struct<text:string,label:string,start:bigint,end:bigint>>",
    "sents": "array<struct<text:string,start:bigint,end:bigint>>",
    "tokens": "array<struct<text:string,start:bigint,end:bigint,lemma:string,pos:string,tag:string,morph:string,"
    "dep:string,head:bigint>>",
    "cats": "map<string,double>",
    "spans": "map<string,array<struct<text:string,label:string,start:bigint,end:bigint,score:double>>>",
    "error": "struct<errorType:string,errorMessage:string,remedy:string>",
}
"""The same types for the schema that Spark's ``mapInPandas`` needs, as DDL."""


@cache
def column_type(name: str) -> Any:
    """Return the Arrow type of a part of a Doc, or of ``error``."""
    import pyarrow as pa

    place = [("start", pa.int64()), ("end", pa.int64())]
    span = [("text", pa.string()), ("label", pa.string()), *place]
    token = [(key, pa.string()) for key in ("lemma", "pos", "tag", "morph", "dep")]
    return {
        "ents": pa.list_(pa.struct(span)),
        "sents": pa.list_(pa.struct([("text", pa.string()), *place])),
        "tokens": pa.list_(pa.struct([("text", pa.string()), *place, *token, ("head", pa.int64())])),
        "cats": pa.map_(pa.string(), pa.float64()),
        "spans": pa.map_(pa.string(), pa.list_(pa.struct([*span, ("score", pa.float64())]))),
        "error": pa.struct([(key, pa.string()) for key in ("errorType", "errorMessage", "remedy")]),
    }[name]
