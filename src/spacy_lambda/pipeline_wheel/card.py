"""A pipeline's ``meta.json`` -> its model card, the README of its wheel.

Values are escaped: of all that the card shows, only the sections that the user writes may contain markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from spacy_lambda.core.compiled_meta import META_KEY
from spacy_lambda.core.pipeline_meta import TRAINING_KEY

__all__ = ["CARD_SECTIONS", "README", "compiled_section", "escaped", "package_card"]

README = "README.md"

CARD_SECTIONS = {
    "use": "Intended use",
    "data": "Data",
    "limitations": "Limitations",
    "citation": "Citation",
}
"""Headings of the sections that the user writes, by the names of their fields."""

MAX_TEXT = 100
"""Characters of a value in a sentence or a table."""

MAX_LABELS = 100
"""Labels that the card lists."""

MARKDOWN_CHARACTERS = re.compile(r"[\\`*\[\]()#|!>~]")

FIGURES = ("agreement", "gold_original", "gold_compiled")
"""Keys of a component's verification."""


def package_card(meta: Mapping[str, Any], sections: Mapping[str, str] | None = None) -> str:
    """Return the card in Markdown.

    :param meta: The pipeline's ``meta.json``; its scores are those of ``performance``.
    :param sections: Texts by the keys of :data:`CARD_SECTIONS`.
    """
    written = sections or {}
    name = f"{meta['lang']}_{meta['name']}"
    parts = [f"# {escaped(name)} {escaped(meta['version'])}"]
    if meta.get("description"):
        parts.append(" ".join(str(meta["description"]).split()))
    parts.append("\n".join(["| | |", "| --- | --- |", *(f"| {key} | {value} |" for key, value in _facts(meta))]))
    parts += _section(written, "use")
    scores = list(_scores(_mapping(meta.get("performance")), _labels(meta)))
    if scores:
        parts += ["## Scores", "\n".join(scores)]
    compiled = compiled_section(meta.get(META_KEY) or {})
    if compiled:
        parts += ["## Compiled", "\n".join(compiled)]
    training = meta.get(TRAINING_KEY)
    if isinstance(training, Mapping):
        parts += ["## Training", "\n".join(_training(training))]
    for key in ("data", "limitations", "citation"):
        parts += _section(written, key)
    parts += ["## Install", _install(name, meta)]
    return "\n\n".join(parts) + "\n"


def _section(sections: Mapping[str, str], key: str) -> list[str]:
    return [f"## {CARD_SECTIONS[key]}", sections[key].strip()] if sections.get(key, "").strip() else []


def _facts(meta: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "language", escaped(meta["lang"])
    yield "components", _codes(meta.get("pipeline"))
    for component, labels in _mapping(meta.get("labels")).items():
        if labels:
            yield f"labels of {_code(component)}", _codes(labels)
    sources = [_source_name(one) for one in meta.get("sources") or ()]
    if sources:
        yield "made from", ", ".join(sources)
    for key, name in (("license", "licence"), ("author", "author"), ("url", "home page")):
        if meta.get(key):
            yield name, escaped(meta[key])
    yield "requires", _codes(meta.get("requirements"))


def _source_name(source: Any) -> str:
    known = _mapping(source) or {"name": source}
    by = f" ({escaped(known['author'])})" if known.get("author") else ""
    return escaped(known.get("name", "")) + by


def _labels(meta: Mapping[str, Any]) -> frozenset[str]:
    """Return the labels that the pipeline's components have; none if it is unknown."""
    found = (labels for labels in _mapping(meta.get("labels")).values() if isinstance(labels, list))
    return frozenset(str(label) for labels in found for label in labels)


def _scores(performance: Mapping[str, Any], own: frozenset[str]) -> Iterator[str]:
    """Yield a table of the scores of entities or spans, by label.

    :param own: Labels of the pipeline. spaCy gives others, which it cannot predict, a score of 0.
    """
    for prefix in sorted(key.removesuffix("_per_type") for key in performance if key.endswith("_per_type")):
        labels = {label: one for label, one in _mapping(performance[f"{prefix}_per_type"]).items() if _mapping(one)}
        if not labels:
            continue
        yield from ("| label | precision | recall | F1 |", "| --- | ---: | ---: | ---: |")
        for label, score in sorted(labels.items()):
            is_unknown = bool(own) and label not in own and not any(score.get(key) for key in ("p", "r", "f"))
            figures = " | ".join(_figure(score.get(key)) for key in ("p", "r", "f"))
            yield f"| {escaped(label)} | {'not predicted | | |' if is_unknown else f'{figures} |'}"
        whole = [_figure(performance.get(f"{prefix}_{key}")) for key in ("p", "r", "f")]
        if any(whole):
            yield f"| **all** | {' | '.join(f'**{figure}**' if figure else '' for figure in whole)} |"


def compiled_section(block: Mapping[str, Any]) -> list[str]:
    """Return lines on how a pipeline was compiled and what was measured; none for another pipeline.

    :param block: The ``spacy_lambda`` block of its ``meta.json``.
    """
    if block.get("precision") is None:
        return []
    lines = [f"The ONNX encoder is {escaped(block['precision'])}, compiled from {_source(block)}."]
    return lines + (_verification(block["verification"]) if block.get("verification") else [])


def _verification(report: dict[str, Any]) -> list[str]:
    same, texts = report["identical_documents"], report["documents"]
    names = [part["component"] for part in report["components"]]
    return [
        f"Of {texts:d} texts, {same:d} got exactly the original's annotations.",
        "\n| component | agreement F1 | gold F1, original | gold F1, compiled |",
        "| --- | ---: | ---: | ---: |",
        *(
            f"| {escaped(_compared(part, names))} | " + " | ".join(_figure(part.get(key)) for key in FIGURES) + " |"
            for part in report["components"]
        ),
    ]


def _compared(part: dict[str, Any], names: list[str]) -> str:
    """Return a component's name, with the annotation if several of it were compared."""
    name = str(part["component"])
    return f"{name}: {part.get('says', '')}" if names.count(name) > 1 else name


def _source(block: Mapping[str, Any]) -> str:
    values = (escaped(block.get(key, "")) for key in ("source_name", "source_version"))
    return f"{' '.join(values)} (SHA-256 {escaped(block.get('source_sha256', ''))[:12]}…)"


def _training(training: Mapping[str, Any]) -> Iterator[str]:
    yield from ("| | |", "| --- | --- |")
    for key, value in training.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
        yield f"| {escaped(str(key).replace('_', ' '))} | {escaped(shown)} |"


def _install(name: str, meta: Mapping[str, Any]) -> str:
    wheel = f"{name}-{meta['version']}-py3-none-any.whl"
    return f'`pip install {_uncoded(wheel)}`, then `spacy.load("{_uncoded(name)}")`.'


def escaped(value: object) -> str:
    """Return a short text with Markdown and HTML escaped."""
    words = " ".join(str(value).split())[:MAX_TEXT]
    return MARKDOWN_CHARACTERS.sub(lambda match: f"\\{match[0]}", words).replace("<", "&lt;")


def _code(value: object) -> str:
    return f"`{_uncoded(' '.join(str(value).split())[:MAX_TEXT])}`"


def _uncoded(text: str) -> str:
    # Within code, markup is text; a table's cell ends at a bar.
    return text.replace("`", "").replace("|", "/")


def _codes(values: Any) -> str:
    listed = list(values) if isinstance(values, list | tuple) else []
    more = f" and {len(listed) - MAX_LABELS:,} more" if len(listed) > MAX_LABELS else ""
    return ", ".join(map(_code, listed[:MAX_LABELS])) + more


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _figure(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else ""
