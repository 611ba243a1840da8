"""Texts in every form that is taken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin, Span

from spacy_lambda.compiler.texts import read_docs
from spacy_lambda.errors import VerifyError

NLP = spacy.blank("en")
ODD = "Iron\r\ngrows.\u2028On 🧑‍🔬 silicon.\n"


def texts(path: Path) -> list[str]:
    return [doc.text for doc in read_docs(path, NLP)]


def test_a_folder_of_texts(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_bytes(ODD.encode())
    (tmp_path / "a.txt").write_text("First.")
    (tmp_path / "a.ann").write_text("no text")
    assert texts(tmp_path) == ["First.", ODD]
    assert texts(tmp_path / "b.txt") == [ODD]


def test_jsonl(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    lines = [json.dumps({"text": ODD}, ensure_ascii=False), "", json.dumps({"text": "", "id": 1})]
    path.write_bytes("\r\n".join(lines).encode())
    assert texts(path) == [ODD, ""]


def test_files_of_windows(tmp_path: Path) -> None:
    (tmp_path / "A.TXT").write_bytes("\ufeffIron.\r\n".encode())
    assert texts(tmp_path) == ["Iron.\r\n"]
    (tmp_path / "B.JSONL").write_bytes('\ufeff{"text": "Iron."}\r\n'.encode())
    assert texts(tmp_path / "B.JSONL") == ["Iron."]


def test_a_corpus_keeps_its_annotations(tmp_path: Path) -> None:
    doc = NLP("Iron grows.")
    doc.set_ents([Span(doc, 0, 1, "MATERIAL")])
    DocBin(docs=[doc]).to_disk(tmp_path / "corpus.spacy")
    (found,) = read_docs(tmp_path / "corpus.spacy", NLP)
    assert [(ent.text, ent.label_) for ent in found.ents] == [("Iron", "MATERIAL")]


@pytest.mark.parametrize(
    ("name", "content", "message", "remedy"),
    [
        ("texts.jsonl", b'{"text": "a"}\n{"txt": "b"}\n', 'texts.jsonl:2 is not a JSON object with "text"', "the line"),
        ("texts.jsonl", b'{"text": 3}\n', '"text" must be a string', "the line"),
        ("texts.jsonl", b'{"text": "\\ud83d"}\n', 'texts.jsonl:1: "text" has half of a character', "the line"),
        ("long.txt", (NLP.max_length + 1) * b"a", "long.txt has 1,000,001 characters", "split the text"),
        ("texts.jsonl", b"\n\n", "has no texts", ".jsonl with `text`"),
        ("text.txt", b"\xff\xfe", "is not UTF-8", "convert the file"),
        ("corpus.spacy", b"nonsense", "cannot be read as a DocBin", "DocBin.to_disk"),
        ("texts.csv", b"a,b", "unknown ending '.csv'", ".txt, .jsonl or .spacy"),
    ],
)
def test_invalid_files(tmp_path: Path, name: str, content: bytes, message: str, remedy: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(VerifyError) as caught:
        read_docs(tmp_path / name, NLP)
    assert message in caught.value.message
    assert remedy in caught.value.remedy
