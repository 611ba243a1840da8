"""Convert ScienceIE's brat standoff into spaCy corpora, with a report of every entity that was dropped.

Each paragraph becomes one document. ``doc.ents`` cannot contain overlapping or discontinuous entities, or any that
begin or end inside a token. They are dropped, except the longest of overlapping ones, and listed in the report.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.util import filter_spans

DISCONTINUOUS = "discontinuous"
MISALIGNED = "does not begin and end with a token"
OVERLAPPING = "overlaps a longer entity"
REPEATED = "repeats another entity"


@dataclass(frozen=True)
class Dropped:
    """An annotated entity that was dropped, and the reason."""

    file: str
    id: str
    label: str
    text: str
    reason: str


@dataclass(frozen=True)
class Annotation:
    """One ``T`` line: character offsets into the text as stored."""

    id: str
    label: str
    spans: tuple[tuple[int, int], ...]
    text: str


def read_annotations(path: Path) -> Iterator[Annotation]:
    """Read the entities of an ``.ann`` file; its relations are ignored."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("T"):
            key, place, text = line.split("\t")
            label, offsets = place.split(" ", 1)
            spans = tuple((int(a), int(b)) for a, b in (pair.split() for pair in offsets.split(";")))
            yield Annotation(key, label.upper(), spans, text)


def convert_paragraph(nlp: Language, path: Path) -> tuple[Doc, list[Dropped]]:
    """Convert one paragraph, a ``.txt`` and the ``.ann`` beside it, to a document."""
    with path.open(encoding="utf-8", newline="") as file:
        doc = nlp.make_doc(file.read())
    dropped = []
    spans: dict[tuple[int, int], tuple[Annotation, Span]] = {}

    def drop(annotation: Annotation, reason: str) -> None:
        dropped.append(Dropped(path.stem, annotation.id, annotation.label, annotation.text, reason))

    for annotation in read_annotations(path.with_suffix(".ann")):
        start, end = annotation.spans[0][0], annotation.spans[-1][1]
        span = doc.char_span(start, end, label=annotation.label)
        if len(annotation.spans) > 1:
            drop(annotation, DISCONTINUOUS)
        elif span is None:
            drop(annotation, MISALIGNED)
        elif (span.start, span.end) in spans:
            drop(annotation, REPEATED if spans[span.start, span.end][1].label == span.label else OVERLAPPING)
        else:
            spans[span.start, span.end] = (annotation, span)
    doc.ents = filter_spans([span for _, span in spans.values()])
    kept = {(span.start, span.end) for span in doc.ents}
    for place, (annotation, _) in spans.items():
        if place not in kept:
            drop(annotation, OVERLAPPING)
    return doc, dropped


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, help="the folder with train/ and dev/")
    parser.add_argument("out", type=Path, help="the folder for train.spacy, dev.spacy and dropped.json")
    arguments = parser.parse_args()
    nlp = spacy.blank("en")
    report: dict[str, list[Dropped]] = {}
    arguments.out.mkdir(parents=True, exist_ok=True)
    print(f"{'':7}{'documents':>11}{'entities':>10}{'kept':>8}{'dropped':>9}  why")
    for split in ("train", "dev"):
        texts = sorted((arguments.corpus / split).glob("*.txt"))
        if not texts:
            parser.exit(1, f"no .txt in {arguments.corpus / split}: give the folder with train/ and dev/\n")
        docs = DocBin()
        kept = 0
        report[split] = []
        for path in texts:
            doc, dropped = convert_paragraph(nlp, path)
            docs.add(doc)
            kept += len(doc.ents)
            report[split] += dropped
        docs.to_disk(arguments.out / f"{split}.spacy")
        n_dropped = len(report[split])
        reasons = Counter(entity.reason for entity in report[split]).most_common()
        why = ", ".join(f"{count} {reason}" for reason, count in reasons)
        print(f"{split:7}{len(docs):11}{kept + n_dropped:10}{kept:8}{n_dropped:9}  {why}")
    dropped_path = arguments.out / "dropped.json"
    listing = {split: [asdict(entity) for entity in dropped] for split, dropped in report.items()}
    dropped_path.write_text(json.dumps(listing, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"dropped entities: {dropped_path}")


if __name__ == "__main__":
    main()
