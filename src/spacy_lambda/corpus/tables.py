"""Batches of tables -> the same with columns of annotations."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from spacy_lambda.core.annotation import carried_name
from spacy_lambda.corpus.arrow_types import column_type
from spacy_lambda.errors import CorpusError

if TYPE_CHECKING:
    from spacy_lambda.corpus.annotator import Annotator

__all__ = ["ERROR", "annotate_table"]

ERROR = "error"
"""The column of errors."""

Table = TypeVar("Table")


def annotate_table(annotator: Annotator, table: Table) -> Table:
    """Annotate a batch; see :class:`~spacy_lambda.corpus.Annotator`."""
    import pyarrow as pa

    if isinstance(table, pa.Table):
        return cast(Table, _arrow(annotator, table))
    if isinstance(table, Mapping):
        return cast(Table, _columns(annotator, table))
    if hasattr(table, "columns") and hasattr(table, "assign"):
        return cast(Table, _frame(annotator, table))
    raise CorpusError(
        f"a batch is of type {type(table).__name__}", remedy="pass a pyarrow.Table, a pandas.DataFrame or a dictionary"
    )


def _arrow(annotator: Annotator, table: Any) -> Any:
    import pyarrow as pa

    names = _new_names(annotator, table.column_names)
    found = _annotations(annotator, table.column(annotator.text_column).to_pylist())
    table = table.rename_columns([names[name] for name in table.column_names])
    for name, values in found.items():
        kind = column_type(name)
        pairs = (
            [None if value is None else list(value.items()) for value in values] if pa.types.is_map(kind) else values
        )
        table = table.append_column(name, pa.array(pairs, type=kind))
    return table


def _frame(annotator: Annotator, frame: Any) -> Any:
    import pandas as pd

    names = _new_names(annotator, list(frame.columns))
    values = frame[annotator.text_column].tolist()
    found = _annotations(annotator, [None if _is_missing(value) else value for value in values])
    series = {name: pd.Series(values, index=frame.index, dtype=object) for name, values in found.items()}
    return frame.rename(columns=names).assign(**series)


def _is_missing(value: Any) -> bool:
    """Return whether pandas holds this in place of a missing text: ``None`` becomes NaN in a column of strings."""
    import pandas as pd

    return value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))


def _columns(annotator: Annotator, columns: Mapping[str, Any]) -> dict[str, Any]:
    import numpy as np

    names = _new_names(annotator, list(columns))
    texts = columns[annotator.text_column]
    if isinstance(texts, str | bytes) or not isinstance(texts, Iterable):  # a row, whose characters would be texts
        raise CorpusError(
            f"the column {annotator.text_column!r} is of type {type(texts).__name__}, not several texts",
            remedy="pass batches, with a list of values for each column; in Ray: map_batches, not map",
        )
    found = _annotations(annotator, list(texts))
    annotated = {names[name]: values for name, values in columns.items()}
    for name, values in found.items():
        annotated[name] = np.empty(len(values), dtype=object)
        annotated[name][:] = values
    return annotated


def _new_names(annotator: Annotator, names: Sequence[str]) -> dict[str, str]:
    """Return the name that each column of the input has in the result.

    :raises CorpusError: If the column of the texts is missing, or occurs twice.
    """
    if annotator.text_column not in names:
        raise CorpusError(
            f"the column {annotator.text_column!r} is missing; columns: {', '.join(map(repr, names)) or 'none'}",
            remedy="name the column of the texts with text_column",
        )
    if names.count(annotator.text_column) > 1:
        raise CorpusError(f"the column {annotator.text_column!r} occurs twice", remedy="rename one of them")
    taken = {*annotator.options.include, ERROR}
    return {
        name: name if name == annotator.text_column and name not in taken else carried_name(name, names, taken)
        for name in names
    }


def _annotations(annotator: Annotator, texts: Sequence[Any]) -> dict[str, list[Any]]:
    """Return the columns of annotations. An empty batch does not load the pipeline."""
    lines = list(annotator.annotate_texts(texts)) if texts else []
    found = {part: [line.get(part) for line in lines] for part in annotator.options.include}
    return {**found, ERROR: [line.get(ERROR) for line in lines]}
