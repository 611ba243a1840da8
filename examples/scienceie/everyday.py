"""Write everyday sentences, a line each, as a corpus of texts without entities.

A pipeline that has seen entities in every text finds some in every text.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import spacy
from spacy.tokens import DocBin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sentences", type=Path)
    parser.add_argument("out", type=Path, help="the .spacy file")
    arguments = parser.parse_args()
    nlp = spacy.blank("en")
    docs = [nlp.make_doc(line) for line in arguments.sentences.read_text(encoding="utf-8").splitlines()]
    for doc in docs:
        doc.set_ents([])  # annotated, as without entities
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    DocBin(docs=docs).to_disk(arguments.out)
    print(f"{arguments.out}: {len(docs)} texts without entities")


if __name__ == "__main__":
    main()
