"""Groups: what a format holds is read again, and what it cannot hold is counted, so that no later split leaks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spacy_lambda.conversion import ConversionReport, convert
from spacy_lambda.conversion.formats.registry import ANNOTATION_FORMATS, AnnotationFormat
from tests.conversion.files import docs_in, write_files

FORMATS = list(ANNOTATION_FORMATS.values())


def grouped(folder: Path) -> Path:
    """Write documents of which each has a whole and a part: the wholes join what the parts do not."""
    lines = (
        {
            "id": f"d{i}",
            "text": f"Zinc {i} melts",
            "doc_id": f"part {i}",
            "meta": {"pmid": i // 3},
            "spans": [[0, 4, "M"]],
        }
        for i in range(6)
    )
    return write_files(folder, {"in.jsonl": "".join(json.dumps(line) + "\n" for line in lines)}) / "in.jsonl"


def back(path: Path, target: AnnotationFormat) -> tuple[ConversionReport, dict[str, str | None]]:
    report = convert(path, path.parent / "again.spacy", lang="xx", input_format=target.name)
    return report, {doc.text: doc.user_data.get("group") for doc in docs_in(path.parent / "again.spacy")}


@pytest.mark.parametrize("target", FORMATS, ids=lambda one: one.name)
def test_groups_are_written_or_counted(tmp_path: Path, target: AnnotationFormat) -> None:
    out = tmp_path / f"out{target.suffix}"
    report = convert(grouped(tmp_path), out, lang="xx", output_format=target.name)
    note = f"documents with a group, which {target.name} cannot hold"
    assert report.notes.get(note, 0) == (0 if target.has_groups else 6)
    _, groups = back(out, target)
    expected = {f"Zinc {i} melts": f"part {i // 3 * 3}" if target.has_groups else None for i in range(6)}
    assert groups == expected


def test_names_with_parentheses(tmp_path: Path) -> None:
    line = {"id": "a (b) c", "group": "x) y", "text": "Zinc melts", "spans": [[0, 4, "M"]]}
    source = write_files(tmp_path, {"in.jsonl": json.dumps(line)}) / "in.jsonl"
    convert(source, tmp_path / "out.conll", lang="xx", output_format="conll")
    _, groups = back(tmp_path / "out.conll", ANNOTATION_FORMATS["conll"])
    assert groups == {"Zinc melts": "x)_y"}


def test_sentences_that_a_format_cannot_hold_are_counted(tmp_path: Path) -> None:
    source = write_files(tmp_path, {"in.conll": "-DOCSTART- (a) O\n\nZinc B-M\n\nTin B-M\n"}) / "in.conll"
    for name in ("prodigy", "parquet"):
        report = convert(source, tmp_path / f"out.{name}", output_format=name)
        assert dict(report.notes) == {f"documents with sentences, which {name} cannot hold": 1}
