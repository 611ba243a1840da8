"""Every notation and scheme of tags, in every format of tokens: the entities that were written, or an error."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_lambda.conversion.accounting import Account
from spacy_lambda.conversion.formats.registry import ANNOTATION_FORMATS, ReadingContext
from spacy_lambda.conversion.policies import ConversionOptions
from spacy_lambda.conversion.source_files import find_source
from tests.profiles import examples

SCHEMES = {"BIO": "BIIB", "BILUO": "BILU", "BIOES": "BIES", "BMEWO": "BMEW"}
"""Letters of the first token, those inside, the last, and the only one."""

WORDS = st.sampled_from(["Zinc", "b", "I", "B", "o", "O", "I_x", "x-B", ",", '"', "None", "1"])
LABELS = ["PER", "geo", "Base-metal", "p_1", "X_B", "é"]

Span = tuple[int, int, str]
Sentences = list[tuple[list[str], list[Span]]]
"""The words of each sentence, and its spans: the first word, the one after the last, and the label."""


@dataclass(frozen=True)
class Notation:
    """A notation: its scheme, the form of a tag, and whether letters are in lower case."""

    scheme: str
    form: str
    is_lower: bool

    def tags(self, length: int, spans: Sequence[Span]) -> list[str]:
        letters = SCHEMES[self.scheme].lower() if self.is_lower else SCHEMES[self.scheme]
        first, inside, last, only = [*letters]
        tags = ["o" if self.is_lower else "O"] * length
        for start, end, label in spans:
            actions = [only] if end - start == 1 else [first, *[inside] * (end - start - 2), last]
            tags[start:end] = [self.form.format(action=letter, label=label) for letter in actions]
        return tags


NOTATIONS = st.builds(
    Notation,
    st.sampled_from([*SCHEMES]),
    st.sampled_from(
        ["{action}-{label}", "{action}_{label}", "{action}:{label}", "{label}-{action}", "{label}/{action}"]
    ),
    st.booleans(),
)


@st.composite
def sentences(draw: st.DrawFn) -> Sentences:
    """Draw sentences, of which the first has an entity of three tokens and a token outside."""
    label = st.sampled_from(LABELS)
    found: Sentences = [(["Zinc", "and", "tin", "melt"], [(0, 3, draw(label))])]
    for words in draw(st.lists(st.lists(WORDS, min_size=1, max_size=6), max_size=4)):
        ends = sorted(draw(st.sets(st.integers(0, len(words)), max_size=6)))
        found.append((words, [(start, end, draw(label)) for start, end in zip(ends[::2], ends[1::2], strict=False)]))
    return found


def write_columns(path: Path, rows: list[list[tuple[str, str]]]) -> None:
    path.write_text("\n".join("".join(f"{word}\t{tag}\n" for word, tag in part) for part in rows), encoding="utf-8")


def write_table(path: Path, rows: list[list[tuple[str, str]]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Sentence #", "Word", "Tag"])
        for number, part in enumerate(rows):
            writer.writerows([f"Sentence: {number}" if not index else "", *row] for index, row in enumerate(part))


def write_lists(path: Path, rows: list[list[tuple[str, str]]]) -> None:
    lines = ({"tokens": [word for word, _ in part], "ner_tags": [tag for _, tag in part]} for part in rows)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "write"), [("conll", write_columns), ("csv-tokens", write_table), ("jsonl-tokens", write_lists)]
)
@settings(max_examples=examples(800))
@given(notation=NOTATIONS, expected=sentences())
def test_every_notation_is_read(name: str, write: object, notation: Notation, expected: Sentences) -> None:
    assert callable(write)
    rows = [[*zip(words, notation.tags(len(words), spans), strict=True)] for words, spans in expected]
    with TemporaryDirectory() as folder:
        path = Path(folder, f"x{ANNOTATION_FORMATS[name].suffix}")
        write(path, rows)
        module = ANNOTATION_FORMATS[name].open()
        files = module.find(find_source(path, encoding=None)[0])
        found = list(module.read(files, ReadingContext(ConversionOptions(documents="sentence"), Account())))
    assert [document.text for document in found] == [" ".join(words) for words, _ in expected]
    for document, (words, spans) in zip(found, expected, strict=True):
        read = sorted((document.annotated_text(span), span.label) for span in document.spans)
        assert read == sorted((" ".join(words[start:end]), label) for start, end, label in spans)
