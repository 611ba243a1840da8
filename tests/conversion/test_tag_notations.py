"""Files of tokens with tags in other notations, and with other columns before the tokens."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from spacy_lambda.conversion import convert
from spacy_lambda.errors import CorpusError
from tests.conversion.files import converted, ents, write_files

UNCERTAIN = "files with several columns that may be the token"
NOTATION = "files with tags in another notation than B-LABEL"
UNTYPED = "files whose tags have no type"


def file_of(folder: Path, content: str) -> Path:
    return write_files(folder, {"in.conll": content}) / "in.conll"


@pytest.mark.parametrize(
    ("tags", "label", "note"),
    [
        ("B I O B", "ENTITY", UNTYPED),
        ("B L O U", "ENTITY", UNTYPED),
        ("B E O S", "ENTITY", UNTYPED),
        ("PER-B PER-I O PER-B", "PER", NOTATION),
        ("PER-B PER-E O PER-S", "PER", NOTATION),
        ("M-B M-I O M-B", "M", NOTATION),
        ("B_PER I_PER O B_PER", "PER", NOTATION),
        ("b-per i-per o b-per", "per", NOTATION),
        ("b-per i-per O b-per", "per", NOTATION),
        ("b_per i_per O b_per", "per", NOTATION),
        ("per-b per-e o per-s", "per", NOTATION),
        ("I_PER I_PER O I_PER", "PER", NOTATION),
        ("b i o b", "ENTITY", UNTYPED),
        ("B_PER E_PER O W_PER", "PER", NOTATION),
        ("B__PER I__PER O B__PER", "PER", NOTATION),
        ("S-B S-I O S-B", "S", NOTATION),
        ("B-B B-I O B-B", "B", NOTATION),
        ("I-b I-l o I-u", "I", NOTATION),
        ("b.B e.B O s.B", "B", NOTATION),
        ("B_B/B B_B/I O B_B/B", "B_B", NOTATION),
    ],
)
def test_other_notations_are_recognized_and_reported(tmp_path: Path, tags: str, label: str, note: str) -> None:
    lines = [f"{token} {tag}\n" for token, tag in zip("Bob van met Al".split(), tags.split(), strict=True)]
    report, (doc,) = converted(file_of(tmp_path, "".join(lines)), input_format="conll")
    assert ents(doc) == [("Bob van", label), ("Al", label)]
    assert dict(report.notes) == {note: 1}
    assert f"-{label}" in report.examples[note][0].detail


@pytest.mark.parametrize("tag", ["B-P", "P", "P-B"])
@pytest.mark.parametrize("words", ["I b", "B I", "b i", "I_x B_x", "x-B x-I", "a b"])
def test_tokens_that_look_like_tags_stay(tmp_path: Path, words: str, tag: str) -> None:
    first, second = words.split()
    _, (doc,) = converted(file_of(tmp_path, f"{first} {tag}\n{second} O\n"), input_format="conll")
    assert (doc.text, ents(doc)) == (words, [(first, "P")])


@pytest.mark.parametrize("tags", ["B_P O", "P-B O", "b-P o", "B-P O", "P O"])
def test_tags_may_be_first(tmp_path: Path, tags: str) -> None:
    first, second = tags.split()
    _, (doc,) = converted(file_of(tmp_path, f"{first} Bob\n{second} met\n"), input_format="conll")
    assert ents(doc) == [("Bob", "P")]


def test_the_label_of_tags_without_a_type_is_named(tmp_path: Path) -> None:
    report, (doc,) = converted(file_of(tmp_path, "Bob B\nvan I\nmet O\n"), label="PER")
    assert (ents(doc), dict(report.notes)) == ([("Bob van", "PER")], {})
    with pytest.raises(CorpusError, match="--label PER is not used"):
        converted(file_of(tmp_path, "Bob B-X\nvan I-X\nmet O\n"), label="PER")


@pytest.mark.parametrize("tags", ["B I O PER", "PERB PERI O LOC", "[B-PER] [I-PER] O [B-PER]", "b_P i_P O B_P"])
def test_labels_that_differ_only_in_b_and_i_are_refused(tmp_path: Path, tags: str) -> None:
    lines = [f"{token} {tag}\n" for token, tag in zip("Bob van met Rio".split(), tags.split(), strict=True)]
    with pytest.raises(CorpusError, match=r"in.conll:1: the labels '.*[Bb].*' and '.*[Ii].*' differ only in B and I"):
        converted(file_of(tmp_path, "".join(lines)), input_format="conll")


@pytest.mark.parametrize(
    "tags", ["S_PER S_LOC O S_PER", "PER-S O O PER-S", "PER-I PER-I O O", "U O O U", "S-B S-S O S-B"]
)
def test_tags_that_may_be_labels_are_refused(tmp_path: Path, tags: str) -> None:
    lines = [f"{token} {tag}\n" for token, tag in zip("Bob van met Al".split(), tags.split(), strict=True)]
    with pytest.raises(CorpusError, match=r"in.conll:\d: '.*' may be a tag or a label") as caught:
        converted(file_of(tmp_path, "".join(lines)))
    assert "as B-LABEL" in caught.value.remedy


@pytest.mark.parametrize(
    ("tags", "invalid"),
    [
        ("B-P i-P O", "i-P"),
        ("B-P I_P O", "I_P"),
        ("B_P I-P O", "B_P"),
        ("P-B I-P O", "P-B"),
        ("b-P I-P O", "b-P"),
        ("B I-P O", "B"),
        ("B-P I O", "I"),
        ("B-P I-P o", "o"),
    ],
)
def test_a_file_has_one_notation(tmp_path: Path, tags: str, invalid: str) -> None:
    """A first line is the names of columns only if it is not a tag of another notation."""
    lines = [f"{token} {tag}\n" for token, tag in zip("Bob van met".split(), tags.split(), strict=True)]
    with pytest.raises(CorpusError, match=rf"in.conll:\d: '{invalid}' is not a tag"):
        converted(file_of(tmp_path, "".join(lines)))


@pytest.mark.parametrize("tag", ["B-PER|B-LOC", "B-PER/I-LOC", "B-PER|O", "B-PER,B-LOC"])
def test_several_tags_of_one_token_are_refused(tmp_path: Path, tag: str) -> None:
    with pytest.raises(CorpusError, match=r"in.conll:2: '.*' has several tags"):
        converted(file_of(tmp_path, f"met O\nBob {tag}\n"))


@pytest.mark.parametrize("tag", ["-", "_", "--", "None", "nan"])
def test_a_label_has_letters_or_digits(tmp_path: Path, tag: str) -> None:
    with pytest.raises(CorpusError, match=rf"in.conll:3: '{tag}' is not a tag"):
        converted(file_of(tmp_path, f"Bob PER\nvan O\nmet {tag}\n"), input_format="conll")


def test_names_of_columns_above_labels_alone(tmp_path: Path) -> None:
    report, (doc,) = converted(file_of(tmp_path, "token ner\nBob PER\nmet O\n"), input_format="conll")
    assert (ents(doc), dict(report.notes)) == ([("Bob", "PER")], {})


def test_a_label_of_untyped_tags_has_characters(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="--label ' ' has no characters"):
        converted(file_of(tmp_path, "Bob B\nmet O\n"), label=" ")


def test_a_token_without_characters_is_not_part_of_an_entity(tmp_path: Path) -> None:
    report, (doc,) = converted(file_of(tmp_path, "Bob\tB-P\n \tO\nmet\tO\n"))
    assert (ents(doc), dict(report.notes)) == ([("Bob", "P")], {"tokens without characters, left out": 1})
    with pytest.raises(CorpusError, match=r"in.conll:2: token 1 has the tag I-P and no characters"):
        converted(file_of(tmp_path, "Bob\tB-P\n \tI-P\nmet\tO\n"))
    _, (doc,) = converted(file_of(tmp_path, "-DOCSTART- (a) O\n\nBob\tB-P\nmet\tO\n\n \tO\n"))
    assert doc.text == "Bob met"


@pytest.mark.parametrize(
    ("lines", "texts", "column"),
    [
        ("0 Bob B-P\n1 met O\n", ["Bob met"], 2),
        ("0 Bob B-P\n1 met O\n2 Al B-P\n", ["Bob met Al"], None),
        ("s1 Bob B-P\ns1 met O\n\ns2 Al B-P\ns2 ran O\n", ["Bob met", "Al ran"], 2),
        ("s1 Bob B-P\ns1 met O\ns2 Al B-P\ns2 ran O\n", ["Bob met", "Al ran"], 2),
        ("1-1 Bob B-P\n1-2 met O\n", ["Bob met"], 2),
        ("d1 0 0 Bob B-P\nd1 0 1 met O\n", ["Bob met"], 4),
        ("1 CD B-N\n2 CD B-N\n", ["1 2"], 1),
        ("1 CD B-N\n2 NNS O\n3 CD B-N\n", ["1 2 3"], 1),
        ("7 B-N\n8 O\n", ["7 8"], None),
        ("s\tBob\tB-P\n\tmet\tO\nt\tAl\tB-P\n\tran\tO\n", ["Bob met", "Al ran"], 2),
    ],
)
def test_numbers_and_identifiers_are_not_tokens(
    tmp_path: Path, lines: str, texts: list[str], column: int | None
) -> None:
    report, docs = converted(file_of(tmp_path, lines))
    assert [doc.text for doc in docs] == texts
    details = [example.detail for example in report.examples.get(UNCERTAIN, ())]
    assert [detail.split(",")[0] for detail in details] == ([f"column {column} is the token"] if column else [])


def test_byte_order_marks_of_joined_files_are_left_out(tmp_path: Path) -> None:
    lines = "Bob B-P\nmet O\n\ufeffAl B-P\nran O\n\n\ufeff-DOCSTART- O\n\nJo B-P\n"
    report, docs = converted(file_of(tmp_path, lines))
    assert [doc.text for doc in docs] == ["Bob met Al ran", "Jo"]
    assert dict(report.notes) == {"byte order marks inside of files, left out": 2}


@pytest.mark.parametrize("name", ["conll", "bio", "biluo"])
def test_a_token_that_would_begin_a_document_is_escaped(tmp_path: Path, name: str) -> None:
    source = file_of(tmp_path, "\\-DOCSTART- B-M\nends O\n")
    report = convert(source, tmp_path / f"out.{name}", output_format=name, lang="xx")
    assert dict(report.notes) == {"tokens -DOCSTART-, written with a backslash before them": 1}
    _, (doc,) = converted(tmp_path / f"out.{name}")
    assert ents(doc) == [("-DOCSTART-", "M")]


def test_spaces_around_tags_are_no_part_of_labels(tmp_path: Path) -> None:
    _, (doc,) = converted(file_of(tmp_path, "Bob\tB-P \nvan\t I-P\nmet\tO \n"))
    assert ents(doc) == [("Bob van", "P")]
    source = write_files(tmp_path, {"x.jsonl": '{"tokens": ["Bob", "met"], "ner_tags": ["B-P ", " O"]}'}) / "x.jsonl"
    assert ents(converted(source)[1][0]) == [("Bob", "P")]


def test_hidden_files_are_counted(tmp_path: Path) -> None:
    lines = "Bob B-P\nmet O\n"
    folder = write_files(tmp_path / "in", {"a.conll": lines, ".b.conll": lines, "__MACOSX/a.conll": lines})
    report, docs = converted(folder)
    assert (len(docs), dict(report.notes)) == (1, {"hidden files, left out": 2})


def test_what_is_not_a_file_is_counted(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "in", {"a.conll": "Bob B-P\nmet O\n"})
    write_files(tmp_path / "other", {"b.conll": "Al B-P\nran O\n"})
    (folder / "linked").symlink_to(tmp_path / "other")
    (folder / "broken.conll").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.conll")
    report, docs = converted(folder)
    assert (len(docs), dict(report.notes)) == (
        1,
        {"linked folders, left out": 1, "broken links, left out": 1, "special files, left out": 1},
    )
    (folder / "a.conll").unlink()
    with pytest.raises(CorpusError, match="no files; it has broken links, linked folders, special files"):
        converted(folder)
