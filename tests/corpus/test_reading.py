"""Files of other tools in: every document with its line, or an error that names file and line."""

from __future__ import annotations

import codecs
import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_lambda.corpus.files import find_files
from spacy_lambda.corpus.formats import numbered_lines
from spacy_lambda.corpus.formats.registry import Columns
from spacy_lambda.errors import CorpusError
from tests.corpus.formats import CHARACTERS, documents, errors, read, read_file


def test_a_line_of_prodigy(tmp_path: Path) -> None:
    line = {
        "text": "iron",
        "_input_hash": -1290113,
        "meta": {"source": "x", "page": 3},
        "tokens": [{"text": "iron", "start": 0, "end": 4, "id": 0, "ws": False}],
        "spans": [{"start": 0, "end": 4, "token_start": 0, "token_end": 0, "label": "MATERIAL"}],
        "answer": "accept",
    }
    (found,) = read_file(tmp_path / "annotations.jsonl", json.dumps(line).encode() + b"\n")
    assert found.id == "annotations.jsonl:1"
    assert {"text": found.text, **found.others} == line


def test_json_lines_of_other_systems(tmp_path: Path) -> None:
    content = (
        b'\xef\xbb\xbf{"text": "a", "id": 1}\r\n\r\n{"text": "b", "score": NaN, "high": -Infinity, "big": 1e999}\r\n'
        b'{"text": "c", "text": "d"}\n{"text": "\xe4"}\n{"text": "e"}'
    )
    found = read_file(tmp_path / "c.jsonl", content)
    assert [(one.id, one.text, one.number) for one in found] == [
        (1, "a", 1),
        ("c.jsonl:3", "b", 3),
        ("c.jsonl:4", None, 4),
        ("c.jsonl:5", None, 5),
        ("c.jsonl:6", "e", 6),
    ]
    assert found[1].others == {"score": None, "high": None, "big": None}
    assert "'text' occurs twice" in errors(found)[4]
    assert errors(found)[5] == "byte 11 of the line is not UTF-8"


def test_a_line_that_is_too_long_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbered_lines, "MAX_BYTES", 40)
    monkeypatch.setattr(numbered_lines, "CHUNK_BYTES", 7)
    lines = [b'{"text": "a"}', b'{"text": "' + b"x" * 27 + b'"}', b'{"text": "' + b"x" * 98 + b'"}', b'{"text": "b"}']
    found = read("jsonl", b"\n".join(lines))
    assert [(one.text, one.number) for one in found] == [("a", 1), ("x" * 27, 2), (None, 3), ("b", 4)]
    assert errors(found) == {3: "the line has more than 40 bytes, the limit"}
    assert errors(read("jsonl", lines[2])) == {1: "the line has more than 40 bytes, the limit"}


@pytest.mark.slow
def test_a_line_of_50_mb(tmp_path: Path) -> None:
    (found,) = read_file(tmp_path / "c.jsonl", b'{"text": "' + b"x" * 50_000_000 + b'"}\n')
    assert (len(found.text), found.error) == (50_000_000, None)


@pytest.mark.parametrize("form", ["jsonl", "csv", "tsv", "lines"])
def test_an_empty_file_has_no_documents(form: str) -> None:
    assert read(form, b"") == read(form, b"\n\n") == []


def converted(content: bytes, remedy: str) -> str:
    """Return what the remedy makes of a file."""
    found = re.search(r"iconv -f (\S+) ", remedy)
    assert found is not None
    return content.decode(found[1])


UNICODE = ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]


@pytest.mark.parametrize("form", ["jsonl", "csv", "lines"])
def test_other_encodings_of_unicode_are_refused(form: str) -> None:
    text = '{"text": "ä"}\n'
    marked = codecs.BOM_UTF16_BE + text.encode("utf-16-be"), codecs.BOM_UTF32_BE + text.encode("utf-32-be")
    for content in (*(text.encode(encoding) for encoding in UNICODE), *marked):
        with pytest.raises(CorpusError, match="file:1: the file is UTF-") as caught:
            read(form, content)
        assert converted(content, caught.value.remedy) == text
    with pytest.raises(CorpusError, match="file:1: the file is binary, not text"):
        read(form, b"\0\0\0\0")


@pytest.mark.parametrize("form", ["jsonl", "csv", "lines", "text"])
def test_the_remedy_for_windows_keeps_its_characters(form: str) -> None:
    content = 'text\n{"text": "5 € – Müller’s"}\n'.encode("cp1252")
    found = [one for one in read(form, content) if one.error is not None]
    assert converted(content, str(found[-1].error)) == content.decode("cp1252")


@pytest.mark.parametrize("form", ["jsonl", "csv", "lines"])
def test_lines_of_old_macs_are_refused(form: str) -> None:
    for content in (b"text,id\ra,1\rb,2", b"text,id\ra,1\r"):
        with pytest.raises(CorpusError, match="file: the lines end with a carriage return alone") as caught:
            read(form, content)
        assert "tr " in caught.value.remedy
    assert len(read("lines", b"text\r")) == 1


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (gzip.compress(b"text\na\n", mtime=0), "gzip"),
        (b"PK\x03\x04\x14\0\x06\0", "zip"),
        (b"PAR1\x15\x04\x15", "Parquet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel or Word"),
    ],
    ids=["gzip", "zip", "parquet", "xls"],
)
def test_files_of_other_kinds_are_refused(start: bytes, kind: str) -> None:
    for form in ("jsonl", "csv", "lines"):
        with pytest.raises(CorpusError, match=f"file is an? {kind} file, not text"):
            read(form, start)
    (found,) = read("text", start)
    assert found.error is not None


@pytest.mark.parametrize("content", [b'[{"text": "a"}, {"text": "b"}]', b'\n [\n  {"text": "a"}\n]\n'])
def test_a_json_array_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(CorpusError, match="the file is a JSON array, not JSON Lines") as caught:
        read("jsonl", content)
    assert "jq -c '.[]'" in caught.value.remedy
    (tmp_path / "c.json").write_bytes(content)
    with pytest.raises(CorpusError, match=r"c\.json: unknown format") as caught:
        documents([tmp_path / "c.json"])
    assert "jq -c '.[]'" in caught.value.remedy


def test_json_over_several_lines_is_refused() -> None:
    with pytest.raises(CorpusError, match="file:1: the file has JSON over several lines") as caught:
        read("jsonl", json.dumps({"text": "a"}, indent=2).encode())
    assert "jq -c ." in caught.value.remedy


def test_a_number_of_many_digits_is_an_error() -> None:
    (found,) = read("jsonl", b'{"text": "iron", "n": ' + b"9" * 5000 + b"}\n")
    assert errors([found]) == {1: "the line is not valid JSON: a number has more than 4,300 digits"}


def test_a_comma_after_an_object_is_an_error() -> None:
    found = read("jsonl", b'{"text": "a"},\n{"text": "b"}\n[]\n{"text": "c')
    assert "comma" not in str(read("jsonl", b'{ "text": "a",\n')[0].error)
    assert errors(found) == {
        1: "the line is not valid JSON: Extra data at character 14",
        3: "the line is not a JSON object",
        4: "the line is not valid JSON: Unterminated string starting at character 10",
    }
    assert found[0].error is not None
    assert found[0].error["remedy"] == "remove the comma at its end"


def test_gzip_of_several_members(tmp_path: Path) -> None:
    content = b"".join(gzip.compress(f'{{"text": "{text}"}}\n'.encode()) for text in "abc")
    assert [one.text for one in read_file(tmp_path / "c.jsonl.gz", content)] == ["a", "b", "c"]


@pytest.mark.parametrize("cut", [5, 25, -12, -1])
def test_a_gzip_file_that_is_cut_off_is_refused(tmp_path: Path, cut: int) -> None:
    content = gzip.compress(b'{"text": "iron"}\n' * 1000)
    assert len(read_file(tmp_path / "a.jsonl.gz", content)) == 1000
    with pytest.raises(CorpusError, match=r"a\.jsonl\.gz is not a whole gzip file"):
        read_file(tmp_path / "a.jsonl.gz", content[:cut])
    with pytest.raises(CorpusError, match=r"a\.jsonl\.gz is not a whole gzip file"):
        read_file(tmp_path / "a.jsonl.gz", b'{"text": "iron"}\n')


def test_another_column_for_texts_and_identifiers() -> None:
    columns = Columns(text="body", id="doi", explicit_id=True)
    (found,) = read("tsv", b"body\tdoi\ttext\niron\t10.1/x\t3\n", columns)
    assert (found.id, found.text, found.others) == ("10.1/x", "iron", {"text": "3"})
    found_lines = read("jsonl", b'{"body": "a", "doi": 1}\n{"body": "b"}\n{"body": "c", "doi": null}\n', columns)
    assert errors(found_lines) == {
        2: "the key 'doi' is missing; keys: 'body'",
        3: "'doi' must be a string or an integer, not None",
    }


def test_text_files(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name, content in {
        "b.txt": b"\xef\xbb\xbfiron\r\nand glass\n",
        "sub/a.txt": b"",
        "c.txt": b"iron\nfer chaud \xe0 blanc",
        "d.txt": "iron".encode("utf-16"),
    }.items():
        (tmp_path / name).write_bytes(content)
    found = documents([tmp_path])
    assert [(one.id, one.text) for one in found] == [
        ("b.txt", "iron\r\nand glass\n"),
        ("c.txt:1", None),
        ("d.txt:1", None),
        ("sub/a.txt", ""),
    ]
    assert [one.error["errorMessage"] for one in found if one.error] == [
        "byte 16, in line 2, is not UTF-8",
        "d.txt:1: the file is UTF-16, not UTF-8",
    ]
    (whole,) = read_file(tmp_path / "b.txt", b"iron\n")
    assert whole.others == {}


def test_a_line_a_document(tmp_path: Path) -> None:
    found = read_file(tmp_path / "c.txt", b'\xef\xbb\xbfiron "x"\r\n\n \n\xe4\nglass', form="lines")
    assert [(one.id, one.text) for one in found] == [("c.txt:1", 'iron "x"'), ("c.txt:4", None), ("c.txt:5", "glass")]


def test_text_files_that_do_not_follow_each_other_share_shards(tmp_path: Path) -> None:
    from spacy_lambda.corpus.shards import cut_shards

    for name in ("a.txt", "b.jsonl", "c.txt", "sub/d.txt", "z.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b'{"text": "x"}')
    shards = list(cut_shards(find_files([str(tmp_path)]), Columns()))
    assert [(shard.name, shard.documents) for shard in shards] == [
        ("text-00000", 3),
        ("b.jsonl-00000", 1),
        ("sub/text-00000", 1),
    ]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(CHARACTERS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(CHARACTERS), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.fixed_dictionaries({"text": st.text(CHARACTERS)}, optional={"id": st.text(), "x": VALUES})))
def test_json_lines_hold_any_document(values: list[dict[str, Any]]) -> None:
    content = "".join(json.dumps(value) + "\n" for value in values).encode()
    found = read("jsonl", content)
    own = [
        {"text": one.text, **one.others, **({"id": one.id} if one.id != f"file:{one.number}" else {})} for one in found
    ]
    assert own == values


def test_a_file_without_permission_is_refused_before_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "a"}\n')
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(CorpusError, match=r"a\.jsonl: Permission denied"):
        documents([tmp_path])


def test_identifiers_are_kept_as_they_are() -> None:
    content = b"".join(b'{"text": "", "id": %s}\n' % value for value in (b"1", b'"1"', b"1", b"null", b"1.5", b'""'))
    found = read("jsonl", content)
    assert [one.id for one in found] == [1, "1", 1, "file:4", "file:5", ""]
    assert [dict(one.others) for one in found] == [{}, {}, {}, {}, {"id": 1.5}, {}]


def test_a_folder_of_mixed_files_with_odd_names(tmp_path: Path) -> None:
    for name in ("a.jsonl", "sub/a.jsonl", "with space [1]*.csv", "notes.json", "README.md", "sub/b.JSONL.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        content = b"text\niron\n" if ".csv" in name else b'{"text": "a"}\n'
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    names = ["a.jsonl", "sub/a.jsonl", "sub/b.JSONL.gz", "with space [1]*.csv"]
    assert [one.file for one in documents([tmp_path])] == names
    assert [one.text for one in documents([tmp_path / names[-1]])] == ["iron"]
    with pytest.raises(CorpusError, match=r"README\.md: unknown format"):
        documents([tmp_path / "README.md"])
