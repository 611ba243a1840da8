"""JSON of Hugging Face's data sets: tokens and their tags as lists, which are strings or numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.errors import CorpusError
from tests.conversion.files import converted, ents, write_files

NAMES = ("O", "B-MAT", "I-MAT")
TOKENS = ["Zinc", "oxide", "melts"]


def lines(folder: Path, *items: Any, name: str = "train.jsonl") -> Path:
    return write_files(folder, {name: "".join(json.dumps(item) + "\n" for item in items)}) / name


@pytest.mark.parametrize("key", ["ner_tags", "tags", "ner", "labels"])
@pytest.mark.parametrize(
    ("tags", "names"), [(["B-MAT", "I-MAT", "O"], ()), ([1, 2, 0], NAMES), ([1.0, 2.0, 0.0], NAMES)]
)
def test_lists_of_tokens_and_tags(tmp_path: Path, key: str, tags: Any, names: tuple[str, ...]) -> None:
    items = [{"id": 7, "tokens": TOKENS, key: tags}, {"id": 8, "tokens": [], key: []}]
    for path in (
        lines(tmp_path, *items),
        write_files(tmp_path, {"all.json": json.dumps(items, indent=1)}) / "all.json",
    ):
        report, (doc,) = converted(path, tag_names=names)
        assert (report.format, ents(doc), doc.user_data["id"]) == ("jsonl-tokens", [("Zinc oxide", "MAT")], "7")
        assert dict(report.notes) == {"rows without tokens, left out": 1}


@pytest.mark.parametrize(
    ("tags", "label"),
    [
        (["B", "I", "O"], "ENTITY"),
        (["MAT-B", "MAT-I", "O"], "MAT"),
        (["b_mat", "i_mat", "o"], "mat"),
        (["MAT", "MAT", "O"], "MAT"),
        (["B-MAT", "L-MAT", "O"], "MAT"),
    ],
)
def test_notations(tmp_path: Path, tags: list[str], label: str) -> None:
    _, (doc,) = converted(lines(tmp_path, {"tokens": TOKENS, "ner_tags": tags}))
    assert ents(doc) == [("Zinc oxide", label)]


def test_the_notation_is_that_of_all_lines(tmp_path: Path) -> None:
    items = [{"tokens": ["Tin"], "ner_tags": ["I_MAT"]}, {"tokens": TOKENS, "ner_tags": ["B_MAT", "I_MAT", "O"]}]
    report, docs = converted(lines(tmp_path, *items))
    assert [ents(doc) for doc in docs] == [[("Tin", "MAT")], [("Zinc oxide", "MAT")]]
    assert report.notes["files with tags in another notation than B-LABEL"] == 1


def test_keys_besides_the_lists(tmp_path: Path) -> None:
    item = {"text": "Zinc oxide melts", "tokens": TOKENS, "labels": [1, 2, 0], "pos_tags": [3, 3, 4], "doc_id": "d"}
    report, (doc,) = converted(lines(tmp_path, item), tag_names=NAMES)
    assert (ents(doc), doc.user_data["group"]) == ([("Zinc oxide", "MAT")], "d")
    assert dict(report.notes) == {
        "values under 'text', not converted": 1,
        "values under 'pos_tags', not converted": 3,
    }


def test_the_key_of_the_tags_is_chosen(tmp_path: Path) -> None:
    fine = ["B-ZINC", "I-ZINC", "O"]
    source = lines(tmp_path, {"tokens": TOKENS, "ner_tags": ["O", "O", "B-ACT"], "fine": fine})
    report, (doc,) = converted(source, spans_from="fine")
    assert (ents(doc), dict(report.notes)) == ([("Zinc oxide", "ZINC")], {"values under 'ner_tags', not converted": 3})
    with pytest.raises(CorpusError, match=r"train.jsonl:1: tokens or tags are missing"):
        converted(source, spans_from="coarse")


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"tokens": TOKENS, "ner_tags": ["O"]}, "the row has 3 tokens and 1 tags"),
        ({"tokens": TOKENS, "ner_tags": None}, "the row has 3 tokens and 0 tags"),
        ({"tokens": TOKENS}, "tokens or tags are missing; keys: 'tokens'"),
        ({"tokens": TOKENS, "ner_tags": [1, 0, 0]}, "the file has no name for the tag 1"),
        ({"tokens": TOKENS, "ner_tags": [None, "O", "O"]}, "a token has no tag: None"),
        ({"tokens": TOKENS, "ner_tags": [True, "O", "O"]}, "the file has no name for the tag True"),
        ({"tokens": TOKENS, "ner_tags": [["O"], "O", "O"]}, "the file has no name for the tag"),
        ({"tokens": [["a"], "b", "c"], "ner_tags": ["O", "O", "O"]}, "token 0 is not a string"),
        ({"tokens": [None, "b", "c"], "ner_tags": ["B-M", "O", "O"]}, "token 0 has the tag B-M and no characters"),
        ({"tokens": "Zinc", "ner_tags": ["O"]}, "'tokens' is not a list: 'Zinc'"),
        ({"tokens": TOKENS, "ner_tags": ["X", "O", "O"]}, "'X' is not a tag"),
    ],
)
def test_invalid_lines_are_named(tmp_path: Path, item: Any, message: str) -> None:
    good = {"tokens": ["Tin"], "ner_tags": ["B-MAT"]}
    with pytest.raises(CorpusError, match=rf"train.jsonl:2: {message}"):
        converted(lines(tmp_path, good, item))


def test_parts_of_speech_are_not_entities(tmp_path: Path) -> None:
    """Labels alone need tokens that are outside of entities; every token has a part of speech."""
    for tags, names in ((["NOUN", "NOUN", "VERB"], ()), ([0, 0, 1], ("NOUN", "VERB"))):
        with pytest.raises(CorpusError, match=r"train.jsonl:1: 'NOUN' is not a tag"):
            converted(lines(tmp_path, {"tokens": TOKENS, "tags": tags}), tag_names=names)


def test_names_of_tags_that_are_not_used(tmp_path: Path) -> None:
    for item in ({"tokens": ["Tin"], "ner_tags": ["B-MAT"]}, {"text": "Tin", "spans": []}):
        with pytest.raises(CorpusError, match="--tag-names is not used: no file has numbers as tags"):
            converted(lines(tmp_path, item), tag_names=NAMES)


@pytest.mark.parametrize(
    ("item", "name"),
    [
        ({"text": "Tin.", "tokens": ["Tin", "."], "labels": [[0, 3, "M"]]}, "doccano"),
        ({"text": "Tin.", "tokens": ["Tin", "."], "labels": ["hot"], "spans": [[0, 3, "M"]]}, "prodigy"),
        ({"document": "Tin.", "tokens": [{"start": 0, "end": 3, "entityLabel": "M"}]}, "ubiai"),
    ],
)
def test_spans_and_categories_are_not_tags(tmp_path: Path, item: Any, name: str) -> None:
    report, (doc,) = converted(lines(tmp_path, item))
    assert (report.format, ents(doc)) == (name, [("Tin", "M")])
