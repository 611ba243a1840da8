"""Files of annotations in a temporary folder, and conversions of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from spacy_lambda.conversion import ConversionOptions, ConversionReport, convert

__all__ = ["converted", "docs_in", "ents", "spans_in", "write_files"]


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files with these contents, and return their folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def converted(source: Path, *, lang: str = "xx", **options: Any) -> tuple[ConversionReport, list[Doc]]:
    """Convert a source, and return the report and the Docs."""
    out = source.parent / "converted.spacy"
    named = {key: options.pop(key) for key in ("input_format", "split", "seed", "base") if key in options}
    report = convert(source, out, lang=lang, options=ConversionOptions(**options), force=True, **named)
    return report, [doc for path in report.destinations for doc in docs_in(Path(path))]


def docs_in(path: Path) -> list[Doc]:
    """Return the Docs of a file."""
    return list(DocBin(store_user_data=True).from_disk(path).get_docs(Vocab()))


def ents(doc: Doc) -> list[tuple[str, str]]:
    """Return text and label of each entity."""
    return [(ent.text, ent.label_) for ent in doc.ents]


def spans_in(doc: Doc, key: str = "sc") -> list[tuple[str, str]]:
    """Return text and label of each span of a group."""
    return [(span.text, span.label_) for span in doc.spans[key]]
