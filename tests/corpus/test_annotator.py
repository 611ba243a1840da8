"""Tables in, annotated tables out: Arrow, pandas, columns, and the engines that send batches of them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from spacy_lambda.corpus import Annotator
from spacy_lambda.corpus.arrow_types import SPARK_TYPES, column_type
from spacy_lambda.errors import CorpusError

pytestmark = pytest.mark.filterwarnings("ignore:.*no component sets cats, spans")

TEXTS = ["Heat moves through glass.", None, "iron", "Nothing here"]
IRON = [{"text": "iron", "label": "MATERIAL", "start": 0, "end": 4}]


@pytest.fixture(scope="module")
def annotator(pipeline: Path) -> Annotator:
    return Annotator(pipeline, include=["ents", "sents", "cats", "spans", "tokens"])


def test_arrow(annotator: Annotator) -> None:
    table = pa.table({"id": [1, 2, 3, 4], "text": TEXTS, "ents": ["a", "b", "c", "d"]})
    found = annotator(table)
    assert found.column_names == ["id", "text", "input_ents", "ents", "sents", "cats", "spans", "tokens", "error"]
    assert found.column("ents").to_pylist()[2] == IRON
    assert [found.schema.field(name).type for name in ("ents", "spans", "error")] == [
        column_type(name) for name in ("ents", "spans", "error")
    ]
    assert [error and error["errorMessage"] for error in found.column("error").to_pylist()] == [
        None,
        "the text is null, not a string",
        None,
        None,
    ]
    assert found.column("input_ents").to_pylist() == ["a", "b", "c", "d"]


@pytest.mark.parametrize("value", ["iron", b"iron", 5, None])
def test_a_row_is_no_batch(annotator: Annotator, value: Any) -> None:
    with pytest.raises(CorpusError, match=f"'text' is of type {type(value).__name__}, not several texts") as caught:
        annotator({"id": 1, "text": value})
    assert "map_batches" in caught.value.remedy


def test_batches_have_one_schema(annotator: Annotator) -> None:
    table = pa.table({"text": pa.array(TEXTS, pa.string())})
    assert annotator(table.slice(0, 0)).schema == annotator(table).schema


@pytest.mark.parametrize("index", [[0, 1, 2, 3], [5, 5, 5, 5]])
def test_pandas(annotator: Annotator, index: list[int]) -> None:
    frame = pd.DataFrame({"text": [TEXTS[0], float("nan"), *TEXTS[2:]], "n": range(4)}, index=index)
    found = annotator(frame)
    assert list(found.index) == index
    assert found["ents"].iloc[2] == IRON
    assert found["error"].iloc[1]["errorMessage"] == "the text is null, not a string"
    assert "ents" not in frame.columns


def test_columns(annotator: Annotator) -> None:
    found = annotator({"text": np.array(TEXTS, dtype=object), "n": np.arange(4)})
    assert found["ents"][2] == IRON
    assert list(found["n"]) == [0, 1, 2, 3]


def test_strings_of_numpy(annotator: Annotator) -> None:
    found = annotator({"text": np.array(["iron", "x"])})
    assert list(found["ents"]) == [IRON, []]
    assert list(found["error"]) == [None, None]


def test_values_that_are_not_strings_are_named(annotator: Annotator) -> None:
    values = [pd.NA, pd.NaT, None, b"iron", {}, 1, pd.Timestamp(0)]
    found = annotator(pd.DataFrame({"text": pd.Series(values, dtype=object)}))
    kinds = ["null", "null", "null", "bytes", "an object", "a number", "of type Timestamp"]
    assert [error["errorMessage"] for error in found["error"]] == [
        f"the text is {kind}, not a string" for kind in kinds
    ]
    found = annotator(pd.DataFrame({"text": pd.Series(["iron", None], dtype="string")}))
    assert found["error"][1]["errorMessage"] == "the text is null, not a string"


def test_a_column_of_texts_that_occurs_twice_is_refused(annotator: Annotator) -> None:
    frame = pd.DataFrame([["iron", 1, "x"]], columns=["text", "n", "text"])
    table = pa.Table.from_arrays([pa.array(["iron"]), pa.array(["x"])], names=["text", "text"])
    for twice in (frame, table):
        with pytest.raises(CorpusError, match="the column 'text' occurs twice"):
            annotator(twice)


def test_the_name_of_an_annotator_in_errors_of_other_libraries() -> None:
    assert repr(Annotator(Path("compiled"))) == "Annotator('compiled')"


def test_a_remedy_names_parameters(pipeline: Path) -> None:
    for text, remedy in ((3, "of the texts with text_column"), ("a" * 1_000_001, 'pass long_text="split"')):
        (found,) = Annotator(pipeline).annotate_texts([text])
        assert remedy in found["error"]["remedy"]
        assert "--" not in found["error"]["remedy"]


def test_what_the_pipeline_does_not_have_is_reported(pipeline: Path) -> None:
    annotator = Annotator(pipeline, include=["ents", "cats"])
    with pytest.warns(UserWarning, match="no component sets cats, which will be empty"):
        list(annotator.annotate_texts(["iron"]))
    list(annotator.annotate_texts(["iron"]))
    with pytest.warns(UserWarning, match="no component sets cats"):
        list(pickle.loads(pickle.dumps(annotator)).annotate_texts(["iron"]))
    with pytest.raises(CorpusError, match="does not have the label 'MATERIEL'"):
        list(Annotator(pipeline, labels=["MATERIEL"]).annotate_texts(["iron"]))


def test_an_annotator_is_pickled_without_its_pipeline(pipeline: Path) -> None:
    annotator = Annotator(pipeline)
    annotator(pa.table({"text": ["iron"]}))
    copied = pickle.loads(pickle.dumps(annotator))
    assert "_predictor" not in vars(copied)
    assert next(iter(copied.annotate_texts(["iron"])))["ents"] == IRON


@pytest.mark.parametrize("table", [pa.table({"a": [1]}), pd.DataFrame({"a": [1]}), {"a": np.array([1])}])
def test_a_missing_column_is_named(annotator: Annotator, table: Any) -> None:
    with pytest.raises(CorpusError, match="the column 'text' is missing; columns: 'a'"):
        annotator(table)


def test_other_tables_are_refused(annotator: Annotator) -> None:
    with pytest.raises(CorpusError, match="a batch is of type list"):
        annotator([1])


def test_dask(annotator: Annotator) -> None:
    import dask.dataframe as dd

    frame = pd.DataFrame({"text": ["iron", "Heat moves.", "glass", "x"]})
    found = dd.from_pandas(frame, npartitions=2).map_partitions(annotator).compute(scheduler="threads")
    assert [[entity["text"] for entity in row] for row in found["ents"]] == [["iron"], [], ["glass"], []]


def test_spark_types_are_those_of_arrow() -> None:
    """Both are written by hand; Spark itself is not a test's requirement."""

    def ddl(kind: Any) -> str:
        if pa.types.is_struct(kind):
            return f"struct<{','.join(f'{field.name}:{ddl(field.type)}' for field in kind)}>"
        if pa.types.is_map(kind):
            return f"map<{ddl(kind.key_type)},{ddl(kind.item_type)}>"
        if pa.types.is_list(kind):
            return f"array<{ddl(kind.value_type)}>"
        return {"string": "string", "int64": "bigint", "double": "double"}[str(kind)]

    assert {name: ddl(column_type(name)) for name in SPARK_TYPES} == SPARK_TYPES


def test_map_in_pandas(annotator: Annotator) -> None:
    """Map frames as Spark's mapInPandas does: an iterator of them in, an iterator of them out."""
    frames = [pd.DataFrame({"text": ["iron"]}), pd.DataFrame({"text": ["glass", "x"]})]
    found = list(annotator.map(iter(frames)))
    assert [len(frame) for frame in found] == [1, 2]
    assert found[0]["ents"].iloc[0] == IRON
