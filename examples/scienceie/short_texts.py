"""Add short texts to the paragraphs: everyday sentences without entities, and sentences of the paragraphs, one by one.

Trained on paragraphs alone, a pipeline finds entities in every text. Trained on everyday sentences, too, it takes every
short text for an everyday one, unless there are short texts of science as well.

Writes into the corpus's folder: train_everyday.spacy (paragraphs and everyday sentences, for the first stage of the
training), train_short.spacy (sentences of the paragraphs as well, for the second), dev_short.spacy (by which its
checkpoint is chosen), dev_sentences.spacy and everyday_test.spacy (to evaluate on).
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

import spacy
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

SEED = 0
MIN_TOKENS = 5
"""Of a sentence; a shorter one is a heading or was split at an abbreviation."""
FIRST_STAGE = 120
"""Everyday sentences that the first stage gets."""
RUNS = 60
"""Everyday texts of several sentences, so that a text's length does not give away that it is an everyday one."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, help="folder with train.spacy and dev.spacy")
    parser.add_argument("everyday", type=Path, help="folder with train.txt, dev.txt and test.txt, a sentence a line")
    arguments = parser.parse_args()
    corpus, everyday = arguments.corpus, arguments.everyday
    rng = random.Random(SEED)
    vocab = spacy.blank("en").vocab

    paragraphs = read(corpus / "train.spacy", vocab)
    sentences = [sentence for doc in paragraphs for sentence in split(doc)]
    rng.shuffle(sentences)
    lines = (everyday / "train.txt").read_text(encoding="utf-8").splitlines()
    write(corpus / "train_everyday.spacy", [*paragraphs, *without_entities(lines[:FIRST_STAGE])])
    runs = [" ".join(rng.sample(lines, rng.randint(2, 7))) for _ in range(RUNS)]
    # Half of the sentences: the others are learned within their paragraphs alone.
    half = sentences[: len(sentences) // 2]
    write(corpus / "train_short.spacy", [*paragraphs, *half, *without_entities([*lines, *runs])])

    paragraphs = read(corpus / "dev.spacy", vocab)
    sentences = [sentence for doc in paragraphs for sentence in split(doc)]
    write(corpus / "dev_sentences.spacy", sentences)
    lines = (everyday / "dev.txt").read_text(encoding="utf-8").splitlines()
    write(corpus / "dev_short.spacy", [*paragraphs, *sentences, *without_entities(lines)])
    lines = (everyday / "test.txt").read_text(encoding="utf-8").splitlines()
    write(corpus / "everyday_test.spacy", without_entities(lines))


def split(doc: Doc) -> Iterator[Doc]:
    """Yield the sentences of a paragraph, each with its entities."""
    spacy.blank("en").add_pipe("sentencizer")(doc)
    for sentence in doc.sents:
        if len(sentence) >= MIN_TOKENS:
            yield sentence.as_doc()


def without_entities(texts: list[str]) -> list[Doc]:
    nlp = spacy.blank("en")
    docs = [nlp.make_doc(text) for text in texts]
    for doc in docs:
        doc.set_ents([], default="outside")
    return docs


def read(path: Path, vocab: Vocab) -> list[Doc]:
    return list(DocBin().from_disk(path).get_docs(vocab))


def write(path: Path, docs: list[Doc]) -> None:
    DocBin(docs=docs).to_disk(path)
    print(f"{len(docs):,} texts in {path}")


if __name__ == "__main__":
    main()
