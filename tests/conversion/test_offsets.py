"""Offsets in other units are recognized by the annotated text, and reported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conversion.files import converted, ents, write_files

TEXT = "zinc \U0001f9ea Größe: oxide\nand iron.\n"
WORDS = ("zinc", "oxide", "iron")


def count_in(unit: str, text: str) -> int:
    return (
        len(text)
        if unit == "characters"
        else len(text.encode("utf-16-le")) // 2
        if unit == "utf16"
        else len(text.encode())
    )


def offsets(unit: str, text: str = TEXT, *, add: int = 0) -> list[tuple[int, int, str]]:
    found = []
    for word in WORDS:
        start = text.index(word)
        found.append((count_in(unit, text[:start]) + add, count_in(unit, text[: start + len(word)]) + add, word))
    return found


@pytest.mark.parametrize(
    ("unit", "name"), [("characters", None), ("utf16", "UTF-16 units"), ("bytes", "bytes of UTF-8")]
)
def test_units_are_recognized(tmp_path: Path, unit: str, name: str | None) -> None:
    spans = [{"start": start, "end": end, "label": "M", "text": word} for start, end, word in offsets(unit)]
    source = write_files(tmp_path, {"in.jsonl": json.dumps({"text": TEXT, "spans": spans})}) / "in.jsonl"
    report, (doc,) = converted(source, lang="en")
    assert [text for text, _ in ents(doc)] == [*WORDS]
    assert dict(report.notes) == ({f"documents with offsets that are {name}": 1} if name else {})


@pytest.mark.parametrize("unit", ["utf16", "bytes"])
def test_a_unit_that_is_named_needs_no_text(tmp_path: Path, unit: str) -> None:
    spans = [[start, end, "M"] for start, end, _ in offsets(unit)]
    source = write_files(tmp_path, {"in.jsonl": json.dumps({"text": TEXT, "spans": spans})}) / "in.jsonl"
    _, (doc,) = converted(source, lang="en", offsets=unit)
    assert [text for text, _ in ents(doc)] == [*WORDS]


def test_an_offset_inside_a_character_is_widened_and_counted(tmp_path: Path) -> None:
    source = write_files(tmp_path, {"in.jsonl": '{"text": "Größe", "spans": [[3, 5, "M"]]}\n'}) / "in.jsonl"
    report, (doc,) = converted(source, lang="en", offsets="bytes", misaligned="expand")
    assert (ents(doc), dict(report.adjusted)) == (
        [("Größe", "M")],
        {"widened to whole characters": 1, "expanded": 1},
    )
    assert report.examples["widened to whole characters"][0].detail == "to 'öß'"


def test_utf16_is_recognized_by_words_alone(tmp_path: Path) -> None:
    spans = [[start, end, "M"] for start, end, _ in offsets("utf16")]
    source = write_files(tmp_path, {"in.jsonl": json.dumps({"text": TEXT, "spans": spans})}) / "in.jsonl"
    report, (doc,) = converted(source, lang="en")
    assert [text for text, _ in ents(doc)] == [*WORDS]
    assert list(report.notes) == ["documents with offsets that are UTF-16 units"]


@pytest.mark.parametrize(
    ("stored", "counted", "add", "name"),
    [
        ("\ufeff" + TEXT, TEXT, 1, "characters, counting the byte order mark"),
        (TEXT.replace("\n", "\r\n"), TEXT, 0, "characters, counting \\r\\n as one"),
        (TEXT, TEXT.replace("\n", "\r\n"), 0, "characters, counting \\n as two"),
    ],
)
def test_marks_and_ends_of_lines_are_recognized(tmp_path: Path, stored: str, counted: str, add: int, name: str) -> None:
    places = offsets("characters", counted, add=add)
    lines = "".join(f"T{start}\tM {start} {end}\t{word}\n" for start, end, word in places)
    source = write_files(tmp_path / "x", {"a.txt": stored, "a.ann": lines})
    report, (doc,) = converted(source, lang="en")
    assert [text for text, _ in ents(doc)] == [*WORDS]
    assert f"documents with offsets that are {name}" in report.notes


def test_without_annotated_text_only_utf16_is_guessed(tmp_path: Path) -> None:
    """Bytes would fit a word, and a wrong one."""
    write_files(tmp_path, {"in.jsonl": '{"text": "\U0001f600 of km2", "spans": [[5, 7, "UNIT"]]}\n'})
    report, _ = converted(tmp_path / "in.jsonl")
    assert not [note for note in report.notes if "bytes" in note]


@pytest.mark.parametrize(
    ("text", "span", "note"),
    [
        ("\U0001f600\u6211\u5728\u5317\u4eac\u5de5\u4f5c", [4, 6], "UTF-16"),
        ("\u6211\u5728\u5317\u4eac\u5de5\u4f5c\U0001f600", [2, 4], None),
        ("\U0001f600 of iron", [5, 9], None),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467 Bob", [2, 5], "UTF-16"),
        ("cafe\u0301 Bob", [1, 4], "graphemes"),
    ],
)
def test_a_unit_that_cannot_be_decided_is_reported(
    tmp_path: Path, text: str, span: list[int], note: str | None
) -> None:
    source = write_files(tmp_path, {"in.jsonl": json.dumps({"text": text, "spans": [[*span, "X"]]})}) / "in.jsonl"
    report, _ = converted(source)
    assert [found for found in report.notes if note is None or note not in found] == []
    assert len(report.notes) == (note is not None)
    named, _ = converted(source, offsets="characters")
    assert not named.notes


def test_a_span_may_begin_at_a_byte_order_mark(tmp_path: Path) -> None:
    spans = "T1\tM 0 5\t\ufeffZinc\nT2\tM 6 9\tand\n"
    source = write_files(tmp_path, {"a.txt": "\ufeffZinc and tin.", "a.ann": spans})
    report, (doc,) = converted(source)
    assert (ents(doc), dict(report.dropped)) == ([("Zinc", "M"), ("and", "M")], {})
