"""ReadingContext what was written gives the same documents, for every format, as far as it holds them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import DocBin

from spacy_lambda.conversion.accounting import Account
from spacy_lambda.conversion.annotated_document import AnnotatedDocument, AnnotatedSpan
from spacy_lambda.conversion.doc_building import make_tokenizer
from spacy_lambda.conversion.fitting import Fitting
from spacy_lambda.conversion.formats.registry import ANNOTATION_FORMATS, AnnotationFormat, ReadingContext
from spacy_lambda.conversion.job import _ready
from spacy_lambda.conversion.policies import ConversionOptions
from spacy_lambda.conversion.recognition import recognize_format
from spacy_lambda.conversion.source_files import find_source

NLP = make_tokenizer("xx", None)
WORDS = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters='#"'), min_size=1, max_size=5)
LABELS = st.sampled_from(["METAL", "Base-metal", "p_1", "Zusammenhänge"])
OPTIONS = ConversionOptions(overlaps=None)
FORMATS = list(ANNOTATION_FORMATS.values())


@st.composite
def documents(draw: st.DrawFn) -> list[AnnotatedDocument]:
    """Draw documents of words with one space between, and spans of whole words."""
    drawn = draw(st.lists(st.lists(WORDS, min_size=1, max_size=6), min_size=1, max_size=4))
    found = []
    for number, words in enumerate(drawn):
        bounds, position = [], 0
        for word in words:
            bounds.append((position, position + len(word)))
            position += len(word) + 1
        index = st.integers(0, len(words) - 1)
        spans = draw(st.lists(st.tuples(index, index, LABELS), max_size=5))
        places = [(bounds[min(one)][0], bounds[max(one)][1], label) for *one, label in spans]
        annotated = tuple(AnnotatedSpan(((start, end),), label) for start, end, label in dict.fromkeys(places))
        text = " ".join(words)
        found.append(AnnotatedDocument(f"d{number}", text, annotated, tokens=tuple(bounds), unit="characters"))
    return found


@pytest.mark.parametrize("target", FORMATS, ids=lambda one: one.name)
@given(found=documents())
def test_what_is_written_is_read_again(target: AnnotationFormat, found: list[AnnotatedDocument]) -> None:
    fitting = Fitting(target, OPTIONS, NLP, Account())
    fits = [fit for document in found if (fit := fitting.fit(document)) is not None]
    with TemporaryDirectory() as folder:
        path = Path(folder, f"x{target.suffix}") if target.suffix else Path(folder, "x")
        if target.name == "spacy":
            DocBin(docs=[one.doc for one in fits if one.doc is not None], store_user_data=True).to_disk(path)
        else:
            path.mkdir() if not target.suffix else None
            target.open().write([one.document for one in fits], path, target.name)
        named, files, _ = recognize_format(find_source(path, encoding=None)[0], path, target.name)
        read = list(named.open().read(files, ReadingContext(OPTIONS, Account())))
    ready = [_ready(one, OPTIONS, Account()) for one in read]
    assert [canonical(one) for one in ready if one is not None] == [canonical(one.document) for one in fits]


def canonical(document: AnnotatedDocument) -> AnnotatedDocument:
    """Return a document with its spans in one order."""
    return replace(document, spans=tuple(sorted(document.spans, key=lambda one: (one.fragments, one.label))))
