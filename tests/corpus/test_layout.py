"""Destinations: a file of a known format, or a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from spacy_lambda.corpus import annotate
from spacy_lambda.corpus.layout import make_layout
from spacy_lambda.errors import CorpusError


@pytest.mark.parametrize("name", ["out.json", "out.xlsx", "a.b/OUT.JSON", "out.gz", "out.parquet.gz"])
def test_a_file_of_an_unknown_format_is_refused_as_destination(tmp_path: Path, name: str) -> None:
    with pytest.raises(CorpusError, match="has the name of a file of an unknown format") as caught:
        make_layout(str(tmp_path / name))
    assert ".jsonl, .ndjson, .csv, .tsv, .parquet, .pq, .spacy, or a folder with /" in caught.value.remedy
    assert make_layout(f"{tmp_path / name}/").file is None
    (tmp_path / name).mkdir(parents=True)
    assert make_layout(str(tmp_path / name)).file is None


@pytest.mark.parametrize("name", ["out", "out.v2", "out-1.0", "2024.11", "corpus.annotated", ".out", "a.json/out"])
def test_other_names_are_folders(tmp_path: Path, name: str) -> None:
    assert make_layout(str(tmp_path / name)).file is None


def test_gzip_of_a_format_that_is_compressed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="parquet files are compressed in themselves"):
        annotate(tmp_path, tmp_path / "out.jsonl.gz", output_format="parquet")
