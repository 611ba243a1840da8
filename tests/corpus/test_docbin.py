"""DocBins: Docs of spaCy in, and Docs that spaCy reads out."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import DocBin, Span

from spacy_lambda.core.annotation import AnnotateOptions
from spacy_lambda.corpus import annotate
from spacy_lambda.corpus.formats.registry import FORMATS
from spacy_lambda.errors import CorpusError
from tests.corpus.engines import InProcess
from tests.corpus.formats import NLP, plain, read


def test_a_docbin_of_spacy() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "M", "pattern": "iron"}])  # type: ignore[attr-defined]
    docs = [nlp("iron  here"), nlp(""), nlp("x")]
    docs[0].cats = {"A": 1.0}
    docs[0].user_data["meta"] = {"page": (1, 2), 3: math.nan}
    docs[0].user_data["id"] = 7
    extensions: Any = docs[0].user_data
    extensions["._.", "source", None, None] = "book"
    extensions["._.", "of_a_span", 0, 4] = "left out"
    found = read("spacy", DocBin(docs=docs, store_user_data=True).to_bytes())
    assert [(one.id, one.text) for one in found] == [(7, "iron  here"), ("file:2", ""), ("file:3", "x")]
    assert found[0].others == {
        "meta": {"page": [1, 2], "3": None},
        "source": "book",
        "ents": [{"text": "iron", "label": "M", "start": 0, "end": 4}],
        "cats": {"A": 1.0},
    }
    assert read("spacy", DocBin().to_bytes()) == []


@pytest.mark.parametrize("content", [b"", b"not one", DocBin(docs=[spacy.blank("en")("a")]).to_bytes()[:-5]])
def test_a_docbin_that_cannot_be_read(content: bytes) -> None:
    with pytest.raises(CorpusError, match="file cannot be read as a DocBin"):
        read("spacy", content)


def test_a_docbin_with_a_name_twice() -> None:
    doc = NLP("iron")
    doc.user_data |= {"source": 1, "ents": "own", "text": "other"}
    attribute: Any = ("._.", "source", None, None)
    doc.user_data[attribute] = 2
    doc.ents = [Span(doc, 0, 1, label="MATERIAL")]
    (found,) = read("spacy", DocBin(store_user_data=True, docs=[doc]).to_bytes())
    ents = [{"text": "iron", "label": "MATERIAL", "start": 0, "end": 4}]
    own = {"source": 1, "_.source": 2, "user_data.ents": "own"}
    assert plain(found) == {"id": "file:1", "text": "iron", "ents": ents, **own}


@pytest.mark.parametrize("options", [{}, {"attrs": ["ORTH"]}, {"store_user_data": True}])
def test_a_docbin_of_another_vocabulary(options: dict[str, Any]) -> None:
    doc = spacy.blank("de")("Eisen und Glas")
    doc.user_data["source"] = "book"
    doc.ents = [Span(doc, 0, 1, "METALL")]
    (found,) = read("spacy", DocBin(docs=[doc], **options).to_bytes())
    assert found.text == "Eisen und Glas"
    assert found.others.get("source") == ("book" if "store_user_data" in options else None)
    assert ("ents" in found.others) == ("attrs" not in options)


def test_docs_that_spacy_reads(tmp_path: Path, pipeline: Path) -> None:
    source = tmp_path / "corpus.jsonl"
    source.write_bytes(b'{"text": "iron  and heat. Glass.", "id": 3, "meta": {"page": 1}}\n{"text": ""}\n')
    every = AnnotateOptions(include=FORMATS["spacy"].included(["ents"]))
    annotate(source, tmp_path / "out", pipeline=pipeline, on=InProcess(pipeline, every), output_format="spacy")
    nlp = spacy.load(pipeline)
    docs = list(DocBin().from_disk(tmp_path / "out" / "corpus.jsonl-00000.spacy").get_docs(nlp.vocab))
    assert [doc.text for doc in docs] == ["iron  and heat. Glass.", ""]
    assert docs[0].user_data == {"id": 3, "meta": {"page": 1}}
    expected = nlp(docs[0].text)
    assert [(ent.text, ent.label_) for ent in docs[0].ents] == [(ent.text, ent.label_) for ent in expected.ents]
    assert [sent.text for sent in docs[0].sents] == [sent.text for sent in expected.sents]
    assert docs[1].user_data == {"id": "corpus.jsonl:2"}
