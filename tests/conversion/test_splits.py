"""Splits: no document and no text in two of them, the same for the same seed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lambda.conversion import convert
from spacy_lambda.conversion.annotated_document import AnnotatedDocument
from spacy_lambda.conversion.splits import SplitSizes, split_documents
from spacy_lambda.errors import CorpusError
from tests.conversion.files import docs_in, write_files

DOCUMENTS = st.lists(
    st.builds(
        AnnotatedDocument,
        st.uuids().map(str),
        st.text("ab ", min_size=1, max_size=6),
        st.just(()),
        group=st.none() | st.sampled_from(["g", "h", "i"]),
    ),
    max_size=40,
)


@given(DOCUMENTS, st.sampled_from(["80/10/10", "1/1", "0.5/0.25/0.25"]), st.integers(0, 5))
def test_nothing_leaks(documents: list[AnnotatedDocument], sizes: str, seed: int) -> None:
    try:
        parts = split_documents(documents, SplitSizes.of(sizes), seed)
    except CorpusError:  # fewer groups than splits
        return
    assert sorted(one.id for part in parts.values() for one in part) == sorted(one.id for one in documents)
    assert all(parts.values())
    assert parts == split_documents(documents, SplitSizes.of(sizes), seed)
    for key in (lambda one: one.group, lambda one: " ".join(one.text.split()).casefold()):
        places: dict[str, set[str]] = {}
        for name, part in parts.items():
            for one in part:
                if key(one) is not None:
                    places.setdefault(key(one), set()).add(name)
        assert all(len(names) == 1 for names in places.values())


def test_sizes_are_those_that_are_asked_for() -> None:
    documents = [AnnotatedDocument(str(number), f"text {number}", ()) for number in range(100)]
    parts = split_documents(documents, SplitSizes.of("80/10/10"), 0)
    assert {name: len(part) for name, part in parts.items()} == {"train": 80, "dev": 10, "test": 10}
    assert parts != split_documents(documents, SplitSizes.of("80/10/10"), 1)


@pytest.mark.parametrize("text", ["80", "80/10/10/1", "80/0", "a/b", "80/-1", "nan/1", "inf/1"])
def test_invalid_sizes(text: str) -> None:
    with pytest.raises(CorpusError, match="--split"):
        SplitSizes.of(text)


@pytest.mark.parametrize(("out", "expected"), [("c.spacy", "c-{}.spacy"), ("c", "c/{}.spacy")])
def test_names_of_the_files(tmp_path: Path, out: str, expected: str) -> None:
    lines = "".join(f'{{"text": "Zinc {number}", "spans": [[0, 4, "M"]]}}\n' for number in range(10))
    source = write_files(tmp_path, {"in.jsonl": lines}) / "in.jsonl"
    report = convert(source, tmp_path / out, lang="xx", split="80/10/10")
    paths = [tmp_path / expected.format(name) for name in ("train", "dev", "test")]
    assert report.destinations == {str(path): number for path, number in zip(paths, (8, 1, 1), strict=True)}
    assert [len(docs_in(path)) for path in paths] == [8, 1, 1]


def test_every_key_of_a_group_counts(tmp_path: Path) -> None:
    lines = (f'{{"text": "t{i}", "doc_id": "s{i}", "meta": {{"pmid": {i // 4}}}, "spans": []}}\n' for i in range(40))
    write_files(tmp_path, {"in.jsonl": "".join(lines)})
    convert(tmp_path / "in.jsonl", tmp_path / "out.jsonl", output_format="jsonl", lang="xx", split="1/1")
    parts = [
        {int(json.loads(line)["text"][1:]) // 4 for line in (tmp_path / f"out-{name}.jsonl").read_text().splitlines()}
        for name in ("train", "dev")
    ]
    assert all(parts)
    assert not parts[0] & parts[1]
